public import Foundation

/// A mapping's state: active, then one of the others for good.
public enum MappingStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case active, completed, aborted, failed
}

/// Which session works where, for whom.
public struct MappingRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The mapping's id.",
        "sessionId": "The session that works.",
        "spokeId": "The spoke that it runs on; absent while it waits.",
        "workspaceId": "The workspace that it works in.",
        "parentSessionId": "The session that coordinates it.",
        "taskId": "The task that it works on.",
        "task": "That task's slug when it was spawned.",
        "status": "Active until the session's end.",
        "createdAt": "When it was spawned.",
        "updatedAt": "When its row last changed.",
    ]

    public var id: MappingID
    public var sessionId: SessionID
    public var spokeId: SpokeID?
    public var workspaceId: WorkspaceID?
    public var parentSessionId: SessionID?
    public var taskId: TaskID?
    public var task: String?
    public var status: MappingStatus
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: MappingID,
        sessionId: SessionID,
        spokeId: SpokeID?,
        workspaceId: WorkspaceID?,
        parentSessionId: SessionID?,
        taskId: TaskID?,
        task: String?,
        status: MappingStatus,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.sessionId = sessionId
        self.spokeId = spokeId
        self.workspaceId = workspaceId
        self.parentSessionId = parentSessionId
        self.taskId = taskId
        self.task = task
        self.status = status
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Which spokes a session may run on; everything that is named must hold.
public struct SpokeTarget: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "spokeId": "This very spoke.",
        "spokeName": "The spoke of this name.",
        "labels": "Spokes with all of these labels.",
    ]
    public var spokeId: SpokeID?
    public var spokeName: String?
    public var labels: [String: String]?

    public init(spokeId: SpokeID? = nil, spokeName: String? = nil, labels: [String: String]? = nil) {
        self.spokeId = spokeId
        self.spokeName = spokeName
        self.labels = labels
    }
}

/// Why a spoke cannot take a session.
public struct SpokeRefusal: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "spokeId": "The spoke; absent if there is none of that name.",
        "name": "Its name.",
        "reason": "A word for programs.",
        "message": "The reason in a sentence.",
    ]

    public enum Reason: String, Codable, CaseIterable, Hashable, Sendable {
        case unknown, notTargeted, labels, project, agent, disconnected, draining, paused, disk, slots
    }

    public var spokeId: SpokeID?
    public var name: String
    public var reason: Reason
    public var message: String

    public init(spokeId: SpokeID?, name: String, reason: Reason, message: String) {
        self.spokeId = spokeId
        self.name = name
        self.reason = reason
        self.message = message
    }
}

/// How far the sessions below a coordinator have come.
public struct GetCoordinationStatus: RemoteOperation {
    public static let name = "coord.status"
    public static let kind = OperationKind.query
    public static let summary = "Mappings with session, workspace, spoke, git state, output and what they wait for."
    public static let access = AccessControl.scopes("coord:read")
    public static let examples = [GetCoordinationStatus(status: .active)]
    public static let fields = [
        "parentSessionId": "Only those below this coordinator.",
        "sessionId": "Only this session's (id or slug).",
        "taskId": "Only those of this task.",
        "status": "Only mappings in this state.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "mappings": "One entry per mapping, newest first.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var mappings: [MappingView]
        public var nextCursor: String?

        public init(mappings: [MappingView], nextCursor: String?) {
            self.mappings = mappings
            self.nextCursor = nextCursor
        }
    }

    public var parentSessionId: SessionID?
    public var sessionId: String?
    public var taskId: TaskID?
    public var status: MappingStatus?
    public var limit: Int?
    public var cursor: String?

    public init(
        parentSessionId: SessionID? = nil,
        sessionId: String? = nil,
        taskId: TaskID? = nil,
        status: MappingStatus? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.parentSessionId = parentSessionId
        self.sessionId = sessionId
        self.taskId = taskId
        self.status = status
        self.limit = limit
        self.cursor = cursor
    }
}

/// A mapping with all that a coordinator wants to see of it.
public struct MappingView: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "mapping": "Which session works where.",
        "session": "The session.",
        "workspace": "Where it works.",
        "spoke": "The spoke; absent while it waits.",
        "spoke.id": "Its id.",
        "spoke.name": "Its name.",
        "spoke.status": "Whether a link to it stands.",
        "spoke.disconnectedAt": "Since when it is away.",
        "git": "The worktree's state as last seen.",
        "git.branch": "The branch that is worked on.",
        "git.head": "The commit at its head.",
        "git.ahead": "Commits that the base does not have.",
        "git.behind": "Commits of the base that it does not have.",
        "git.dirty": "Whether there are uncommitted changes.",
        "output": "What it printed so far.",
        "output.bytes": "Bytes on all streams.",
        "output.lastAt": "When the last of them came.",
        "detections": "Open detections, the 50 oldest at most; none while nothing looks wrong.",
        "moreDetections": "How many more are open, if not all are shown; detection.list has them.",
        "waitingFor": "Why it waits: each spoke with the reason that ruled it out.",
    ]

    public struct Spoke: Codable, Hashable, Sendable {
        public var id: SpokeID
        public var name: String
        public var status: SpokeStatus
        public var disconnectedAt: Date?

        public init(id: SpokeID, name: String, status: SpokeStatus, disconnectedAt: Date?) {
            self.id = id
            self.name = name
            self.status = status
            self.disconnectedAt = disconnectedAt
        }
    }

    public struct Git: Codable, Hashable, Sendable {
        public var branch: String?
        public var head: String?
        public var ahead: Int?
        public var behind: Int?
        public var dirty: Bool?

        public init(branch: String?, head: String?, ahead: Int?, behind: Int?, dirty: Bool?) {
            self.branch = branch
            self.head = head
            self.ahead = ahead
            self.behind = behind
            self.dirty = dirty
        }
    }

    public struct Printed: Codable, Hashable, Sendable {
        public var bytes: Int64
        public var lastAt: Date?

        public init(bytes: Int64, lastAt: Date?) {
            self.bytes = bytes
            self.lastAt = lastAt
        }
    }

    public var mapping: MappingRecord
    public var session: SessionRecord
    public var workspace: WorkspaceRecord?
    public var spoke: Spoke?
    public var git: Git
    public var output: Printed
    public var detections: [OpenDetection]
    public var moreDetections: Int?
    public var waitingFor: [SpokeRefusal]?

    public init(
        mapping: MappingRecord,
        session: SessionRecord,
        workspace: WorkspaceRecord?,
        spoke: Spoke?,
        git: Git,
        output: Printed,
        detections: [OpenDetection],
        moreDetections: Int? = nil,
        waitingFor: [SpokeRefusal]?
    ) {
        self.mapping = mapping
        self.session = session
        self.workspace = workspace
        self.spoke = spoke
        self.git = git
        self.output = output
        self.detections = detections
        self.moreDetections = moreDetections
        self.waitingFor = waitingFor
    }
}

/// Why a session waits.
public struct ExplainWaiting: RemoteOperation {
    public static let name = "coord.why"
    public static let kind = OperationKind.query
    public static let summary = "Why a session or a task waits: each spoke with what ruled it out, or what comes first."
    public static let access = AccessControl.scopes("coord:read")
    public static let examples = [ExplainWaiting(sessionId: "run-the-tests-1f2e3d4c")]
    public static let fields = [
        "sessionId": "The session's id or slug.", "taskId": "Or a task's id: its session, or what it waits for.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "waiting": "Whether it waits for a spoke, or a task for others or for somebody to take it.",
            "message": "What it does, or what it waits for, in a sentence.",
            "spokes": "Each spoke that is ruled out, with the reason.",
            "ahead": "How many waiting sessions are tried before it; 2000 if it is that many or more.",
        ]
        public var waiting: Bool
        public var message: String
        public var spokes: [SpokeRefusal]
        public var ahead: Int

        public init(waiting: Bool, message: String, spokes: [SpokeRefusal], ahead: Int) {
            self.waiting = waiting
            self.message = message
            self.spokes = spokes
            self.ahead = ahead
        }
    }

    public var sessionId: String?
    public var taskId: TaskID?

    public init(sessionId: String? = nil, taskId: TaskID? = nil) {
        self.sessionId = sessionId
        self.taskId = taskId
    }
}

/// Waits for sessions to end.
public struct WaitForSessions: RemoteOperation {
    public static let name = "coord.wait"
    public static let kind = OperationKind.query
    public static let summary = "Waits until any or all of some sessions are over, or the deadline has come."
    public static let access = AccessControl.scopes("coord:read")
    public static let examples = [WaitForSessions(sessionIds: ["3f0e…"], until: .any, deadlineSeconds: 30)]
    public static let fields = [
        "sessionIds": "The sessions, 1 to 500, by id.",
        "until": "Whether one of them is enough; all if absent.",
        "deadlineSeconds": "How long to wait, 0 to 600; 60 if absent.",
    ]

    public enum Until: String, Codable, CaseIterable, Hashable, Sendable { case any, all }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "done": "Whether what was waited for has come, rather than the deadline.",
            "sessions": "The sessions as they are.",
        ]
        public var done: Bool
        public var sessions: [SessionRecord]

        public init(done: Bool, sessions: [SessionRecord]) {
            self.done = done
            self.sessions = sessions
        }
    }

    public var sessionIds: [SessionID]
    public var until: Until?
    public var deadlineSeconds: Double?

    public init(sessionIds: [SessionID], until: Until? = nil, deadlineSeconds: Double? = nil) {
        self.sessionIds = sessionIds
        self.until = until
        self.deadlineSeconds = deadlineSeconds
    }
}

/// Proves again that what is stored is whole.
public struct VerifyHub: RemoteOperation {
    public static let name = "hub.verify"
    public static let kind = OperationKind.query
    public static let summary = "Recomputes every chain and sum of what is stored; answers complete, or each finding."
    public static let access = AccessControl.scopes("hub:admin")
    public static let examples = [VerifyHub()]
    public static let fields = ["sessionId": "Only this session's output and states; everything if absent."]

    public struct Finding: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "kind": "A word for programs, such as output.hash.",
            "subject": "The id of the session or spoke that it is about.",
            "message": "What is wrong, in a sentence.",
            "isGap": "Known and explained: output that was dropped and said so.",
        ]
        public var kind: String
        public var subject: String
        public var message: String
        public var isGap: Bool

        public init(kind: String, subject: String, message: String, isGap: Bool = false) {
            self.kind = kind
            self.subject = subject
            self.message = message
            self.isGap = isGap
        }
    }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "complete": "No finding: every chain, sum and state is as it must be.",
            "findings": "Each thing that is not.",
            "truncated": "There are more findings than are listed.",
            "spokes": "Spokes whose command chains were recomputed.",
            "sessions": "Sessions whose output was read.",
            "bytes": "Bytes of output that were hashed.",
        ]
        public var complete: Bool
        public var findings: [Finding]
        public var truncated: Bool
        public var spokes: Int
        public var sessions: Int
        public var bytes: Int64

        public init(complete: Bool, findings: [Finding], truncated: Bool, spokes: Int, sessions: Int, bytes: Int64) {
            self.complete = complete
            self.findings = findings
            self.truncated = truncated
            self.spokes = spokes
            self.sessions = sessions
            self.bytes = bytes
        }
    }

    public var sessionId: SessionID?

    public init(sessionId: SessionID? = nil) { self.sessionId = sessionId }
}
