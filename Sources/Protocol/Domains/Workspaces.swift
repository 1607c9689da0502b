public import Foundation

/// What a workspace is on its machine.
public enum WorkspaceKind: String, Codable, CaseIterable, Hashable, Sendable {
    case worktree, directory
}

/// How far a workspace has come.
public enum WorkspaceState: String, Codable, CaseIterable, Hashable, Sendable {
    /// Ordered, not yet there.
    case pending
    /// There, with nobody in it.
    case ready
    /// A session works in it.
    case busy
    /// What is in it is being saved.
    case salvaging
    /// Gone; what was worth saving had been saved.
    case removed
    /// Its spoke does not have it any more.
    case lost
}

/// Where a session works.
public struct WorkspaceRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The workspace's id.",
        "projectId": "The project whose files are in it.",
        "spokeId": "The spoke that has it.",
        "name": "Its branch's name without the prefix.",
        "kind": "A git worktree or a plain directory.",
        "branch": "The branch that is worked on.",
        "baseRef": "What the branch was to begin at.",
        "baseCommit": "The commit that the branch began at.",
        "headCommit": "The commit last seen at its head.",
        "directory": "Its path on the spoke.",
        "state": "How far it has come.",
        "dirty": "Whether it was last seen with uncommitted changes.",
        "ahead": "Commits that its base does not have, when last seen.",
        "behind": "Commits of its base that it does not have, when last seen.",
        "sizeBytes": "Its size on disk in bytes.",
        "removedAt": "When it was removed.",
        "salvageRef": "The ref under which its work was last saved.",
        "createdAt": "When it was ordered.",
        "updatedAt": "When its row last changed.",
    ]

    public var id: WorkspaceID
    public var projectId: ProjectID
    public var spokeId: SpokeID?
    public var name: String
    public var kind: WorkspaceKind
    public var branch: String?
    public var baseRef: String?
    public var baseCommit: String?
    public var headCommit: String?
    public var directory: String?
    public var state: WorkspaceState
    public var dirty: Bool?
    public var ahead: Int?
    public var behind: Int?
    public var sizeBytes: Int64?
    public var removedAt: Date?
    public var salvageRef: String?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: WorkspaceID,
        projectId: ProjectID,
        spokeId: SpokeID?,
        name: String,
        kind: WorkspaceKind,
        branch: String?,
        baseRef: String?,
        baseCommit: String?,
        headCommit: String?,
        directory: String?,
        state: WorkspaceState,
        dirty: Bool?,
        ahead: Int?,
        behind: Int?,
        sizeBytes: Int64?,
        removedAt: Date?,
        salvageRef: String?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.projectId = projectId
        self.spokeId = spokeId
        self.name = name
        self.kind = kind
        self.branch = branch
        self.baseRef = baseRef
        self.baseCommit = baseCommit
        self.headCommit = headCommit
        self.directory = directory
        self.state = state
        self.dirty = dirty
        self.ahead = ahead
        self.behind = behind
        self.sizeBytes = sizeBytes
        self.removedAt = removedAt
        self.salvageRef = salvageRef
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Workspaces, newest first.
public struct ListWorkspaces: RemoteOperation {
    public static let name = "workspace.list"
    public static let kind = OperationKind.query
    public static let summary = "Worktrees on all spokes, newest first; removed ones only if their state is asked for."
    public static let access = AccessControl.scopes("workspace:read")
    public static let examples = [ListWorkspaces(state: .ready)]
    public static let fields = [
        "projectId": "Only those of this project.",
        "spokeId": "Only those on this spoke.",
        "state": "Only those in this state; all but removed ones if absent.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "workspaces": "One entry per workspace.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var workspaces: [WorkspaceRecord]
        public var nextCursor: String?

        public init(workspaces: [WorkspaceRecord], nextCursor: String?) {
            self.workspaces = workspaces
            self.nextCursor = nextCursor
        }
    }

    public var projectId: ProjectID?
    public var spokeId: SpokeID?
    public var state: WorkspaceState?
    public var limit: Int?
    public var cursor: String?

    public init(
        projectId: ProjectID? = nil,
        spokeId: SpokeID? = nil,
        state: WorkspaceState? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.projectId = projectId
        self.spokeId = spokeId
        self.state = state
        self.limit = limit
        self.cursor = cursor
    }
}

/// Removes a worktree in which nobody works; what is not committed or pushed is salvaged first.
public struct RemoveWorktree: RemoteOperation {
    public static let name = "workspace.remove"
    public static let kind = OperationKind.mutation
    public static let summary = "Removes a worktree in which no session works; unsaved work in it is salvaged first."
    public static let access = AccessControl.scopes("workspace:write")
    public static let examples = [RemoveWorktree(workspaceId: "5c4d…")]
    public static let fields = ["workspaceId": "The workspace to remove."]
    public typealias Output = WorkspaceRecord

    public var workspaceId: WorkspaceID

    public init(workspaceId: WorkspaceID) { self.workspaceId = workspaceId }
}
