public import Foundation

/// A session's state.
public enum SessionStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case idle, busy, retry, archived
}

/// One run of a command or an agent in a worktree.
public struct SessionRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The session's id.",
        "projectId": "The project that it works on.",
        "workspaceId": "Where it works.",
        "parentId": "The session that coordinates it.",
        "accountId": "The account that spawned it.",
        "slug": "A short name, unique among sessions.",
        "title": "What it is for.",
        "status": "Busy until it ends, idle afterwards.",
        "version": "The version of this record's form.",
        "roleName": "The role that it acts in.",
        "fence": "Grows with each placement; 0 while it waits for its first.",
        "run": "What it runs.",
        "run.command": "Program and arguments.",
        "run.agent": "The agent's profile.",
        "run.prompt": "What the agent was told.",
        "run.resume": "The agent's own id of the conversation that it takes up.",
        "priority": "0 low to 3 critical.",
        "timeoutSeconds": "After how many seconds it is ended.",
        "exitCode": "Its exit code, if it exited.",
        "exitSignal": "The signal that ended it, if one did.",
        "exitReason": "Why it is over.",
        "failure": "Why it could not run.",
        "failure.code": "The fault's kind.",
        "failure.message": "What to do about it.",
        "failure.details": "More for programs.",
        "startedAt": "When its process started.",
        "endedAt": "When it ended.",
        "lastActivityAt": "When its state last changed.",
        "providerSessionId": "The agent's own id for it.",
        "agent": "How its agent stands, once it has said something; absent where a command runs.",
        "outputPrunedAt": "Since when its output is no longer kept (setting retention.outputDays).",
        "createdAt": "When it was spawned.",
        "updatedAt": "When its row last changed.",
    ]

    public var id: SessionID
    public var projectId: ProjectID
    public var workspaceId: WorkspaceID?
    public var parentId: SessionID?
    public var accountId: AccountID?
    public var slug: String
    public var title: String
    public var status: SessionStatus
    public var version: String
    public var roleName: String?
    public var fence: Int64
    public var run: RunOrder
    public var priority: Int
    public var timeoutSeconds: Int?
    public var exitCode: Int?
    public var exitSignal: Int?
    public var exitReason: ExitReason?
    public var failure: Fault?
    public var startedAt: Date?
    public var endedAt: Date?
    public var lastActivityAt: Date?
    public var providerSessionId: String?
    public var agent: AgentStanding?
    public var outputPrunedAt: Date?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: SessionID,
        projectId: ProjectID,
        workspaceId: WorkspaceID?,
        parentId: SessionID?,
        accountId: AccountID?,
        slug: String,
        title: String,
        status: SessionStatus,
        version: String,
        roleName: String?,
        fence: Int64,
        run: RunOrder,
        priority: Int,
        timeoutSeconds: Int?,
        exitCode: Int?,
        exitSignal: Int?,
        exitReason: ExitReason?,
        failure: Fault?,
        startedAt: Date?,
        endedAt: Date?,
        lastActivityAt: Date?,
        providerSessionId: String?,
        agent: AgentStanding? = nil,
        outputPrunedAt: Date?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.projectId = projectId
        self.workspaceId = workspaceId
        self.parentId = parentId
        self.accountId = accountId
        self.slug = slug
        self.title = title
        self.status = status
        self.version = version
        self.roleName = roleName
        self.fence = fence
        self.run = run
        self.priority = priority
        self.timeoutSeconds = timeoutSeconds
        self.exitCode = exitCode
        self.exitSignal = exitSignal
        self.exitReason = exitReason
        self.failure = failure
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.lastActivityAt = lastActivityAt
        self.providerSessionId = providerSessionId
        self.agent = agent
        self.outputPrunedAt = outputPrunedAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// Its process is over, or it never had one and never will.
    public var isOver: Bool { endedAt != nil }
    /// Whether it waits for a spoke: its first, or another one in the place of one that was given up.
    public var isWaiting: Bool { !isOver && (fence == 0 || status == .retry) }
}

/// One session.
public struct GetSession: RemoteOperation {
    public static let name = "session.get"
    public static let kind = OperationKind.query
    public static let summary = "One session by its id or slug."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [GetSession(sessionId: "run-the-tests-1f2e3d4c")]
    public static let fields = ["sessionId": "The session's id or slug."]
    public typealias Output = SessionRecord

    public var sessionId: String

    public init(sessionId: String) { self.sessionId = sessionId }
}

/// Sessions, newest first.
public struct ListSessions: RemoteOperation {
    public static let name = "session.list"
    public static let kind = OperationKind.query
    public static let summary = "Sessions, newest first."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [ListSessions(status: .busy)]
    public static let fields = [
        "projectId": "Only those of this project.",
        "parentId": "Only those below this coordinator.",
        "status": "Only those in this state.",
        "accountId": "Only those that this account spawned.",
        "workspaceId": "Only those that work or worked in this workspace.",
        "roleName": "Only those that act in this role.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "sessions": "One entry per session.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var sessions: [SessionRecord]
        public var nextCursor: String?

        public init(sessions: [SessionRecord], nextCursor: String?) {
            self.sessions = sessions
            self.nextCursor = nextCursor
        }
    }

    public var projectId: ProjectID?
    public var parentId: SessionID?
    public var status: SessionStatus?
    public var accountId: AccountID?
    public var workspaceId: WorkspaceID?
    public var roleName: String?
    public var limit: Int?
    public var cursor: String?

    public init(
        projectId: ProjectID? = nil,
        parentId: SessionID? = nil,
        status: SessionStatus? = nil,
        accountId: AccountID? = nil,
        workspaceId: WorkspaceID? = nil,
        roleName: String? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.projectId = projectId
        self.parentId = parentId
        self.status = status
        self.accountId = accountId
        self.workspaceId = workspaceId
        self.roleName = roleName
        self.limit = limit
        self.cursor = cursor
    }
}

/// Which of a session's streams to read.
public enum OutputSelection: String, Codable, CaseIterable, Hashable, Sendable {
    case stdout, stderr, pty, agent, all
}

/// What a session printed, from an offset on.
public struct ReadSessionOutput: RemoteOperation {
    public static let name = "session.output"
    public static let kind = OperationKind.subscription
    public static let summary = "What a session printed, from an offset to its end, and on as it prints if asked."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [ReadSessionOutput(sessionId: "run-the-tests-1f2e3d4c", stream: .stdout, follow: true)]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "stream": "One stream, or all in the order in which they came; stdout if absent.",
        "fromOffset": "Begins at this byte of each stream; 0 if absent.",
        "follow": "Goes on until the session's end instead of stopping at what is stored; false if absent.",
        "fence": "Which placement of a session that was replaced: 1 is the first; the latest if absent.",
    ]
    public typealias Output = SessionOutputPiece

    public var sessionId: String
    public var stream: OutputSelection?
    public var fromOffset: Int64?
    public var follow: Bool?
    public var fence: Int64?

    public init(
        sessionId: String,
        stream: OutputSelection? = nil,
        fromOffset: Int64? = nil,
        follow: Bool? = nil,
        fence: Int64? = nil
    ) {
        self.sessionId = sessionId
        self.stream = stream
        self.fromOffset = fromOffset
        self.follow = follow
        self.fence = fence
    }
}

/// A piece of a session's output, or its end.
public struct SessionOutputPiece: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "stream": "The stream that it is of; absent in the last piece.",
        "offset": "Where it begins in that stream, in bytes.",
        "nextOffset": "Where to go on.",
        "bytes": "The bytes, in base64.",
        "gapTo": "Bytes from offset to here were dropped and are not stored anywhere.",
        "gapReason": "Why they were dropped.",
        "ended": "The session as it ended; only in the last piece.",
    ]

    public var stream: OutputStream?
    public var offset: Int64?
    public var nextOffset: Int64?
    public var bytes: Data?
    public var gapTo: Int64?
    public var gapReason: String?
    public var ended: SessionEnd?

    public init(
        stream: OutputStream? = nil,
        offset: Int64? = nil,
        nextOffset: Int64? = nil,
        bytes: Data? = nil,
        gapTo: Int64? = nil,
        gapReason: String? = nil,
        ended: SessionEnd? = nil
    ) {
        self.stream = stream
        self.offset = offset
        self.nextOffset = nextOffset
        self.bytes = bytes
        self.gapTo = gapTo
        self.gapReason = gapReason
        self.ended = ended
    }
}

/// How a session ended.
public struct SessionEnd: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "exitCode": "Its exit code, if it exited.",
        "exitSignal": "The signal that ended it, if one did.",
        "exitReason": "Why it is over.",
        "message": "What stood in its way, if it never ran.",
    ]

    public var exitCode: Int?
    public var exitSignal: Int?
    public var exitReason: ExitReason
    public var message: String?

    public init(exitCode: Int?, exitSignal: Int?, exitReason: ExitReason, message: String? = nil) {
        self.exitCode = exitCode
        self.exitSignal = exitSignal
        self.exitReason = exitReason
        self.message = message
    }
}
