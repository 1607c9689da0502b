public import Foundation

/// Work that was saved before its worktree was removed.
public struct SalvageRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The salvage's id, as `hub restore` takes it.",
        "workspaceId": "The workspace that it was in.",
        "projectId": "The project that it belongs to.",
        "spokeId": "The spoke whose mirror holds the ref.",
        "ref": "The ref that keeps it in that mirror.",
        "commit": "The commit that holds tracked and untracked files.",
        "parents": "The commits that it was based on.",
        "branch": "The branch that the worktree was on.",
        "files": "How many files differed.",
        "bytes": "The size of its bundle in bytes.",
        "expiresAt": "Until when it is kept.",
        "restoredAt": "When it was last brought back.",
        "createdAt": "When it was saved.",
    ]

    public var id: SalvageID
    public var workspaceId: WorkspaceID
    public var projectId: ProjectID
    public var spokeId: SpokeID?
    public var ref: String
    public var commit: String
    public var parents: [String]
    public var branch: String
    public var files: Int
    public var bytes: Int64
    public var expiresAt: Date
    public var restoredAt: Date?
    public var createdAt: Date

    public init(
        id: SalvageID,
        workspaceId: WorkspaceID,
        projectId: ProjectID,
        spokeId: SpokeID?,
        ref: String,
        commit: String,
        parents: [String],
        branch: String,
        files: Int,
        bytes: Int64,
        expiresAt: Date,
        restoredAt: Date?,
        createdAt: Date
    ) {
        self.id = id
        self.workspaceId = workspaceId
        self.projectId = projectId
        self.spokeId = spokeId
        self.ref = ref
        self.commit = commit
        self.parents = parents
        self.branch = branch
        self.files = files
        self.bytes = bytes
        self.expiresAt = expiresAt
        self.restoredAt = restoredAt
        self.createdAt = createdAt
    }
}

/// Saved work, newest first.
public struct ListSalvages: RemoteOperation {
    public static let name = "salvage.list"
    public static let kind = OperationKind.query
    public static let summary = "Work that was saved before its worktree was removed, newest first."
    public static let access = AccessControl.scopes("workspace:read")
    public static let examples = [ListSalvages(limit: 20)]
    public static let fields = [
        "projectId": "Only those of this project.",
        "workspaceId": "Only those of this workspace.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "salvages": "One entry per salvage.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var salvages: [SalvageRecord]
        public var nextCursor: String?

        public init(salvages: [SalvageRecord], nextCursor: String?) {
            self.salvages = salvages
            self.nextCursor = nextCursor
        }
    }

    public var projectId: ProjectID?
    public var workspaceId: WorkspaceID?
    public var limit: Int?
    public var cursor: String?

    public init(
        projectId: ProjectID? = nil,
        workspaceId: WorkspaceID? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.projectId = projectId
        self.workspaceId = workspaceId
        self.limit = limit
        self.cursor = cursor
    }
}

/// Brings saved work back as a worktree.
public struct RestoreSalvage: RemoteOperation {
    public static let name = "salvage.restore"
    public static let kind = OperationKind.mutation
    public static let summary = "Brings saved work back as a worktree and waits until it is there."
    public static let access = AccessControl.scopes("workspace:write")
    public static let examples = [RestoreSalvage(salvageId: "9a1b…", branch: "rescued")]
    public static let fields = [
        "salvageId": "The salvage to bring back.",
        "spoke": "The spoke's id or name; the one that has the ref if absent and connected, else any with the bundle.",
        "branch": "The branch to put it on; `restore/<branch>-<n>` if absent.",
        "deadlineSeconds": "How long to wait for the spoke, 1 to 600; 60 if absent.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "workspaceId": "The workspace that holds the work.",
            "spokeId": "The spoke that has it.",
            "directory": "Its path on that spoke.",
            "branch": "The branch that it is on.",
        ]
        public var workspaceId: WorkspaceID
        public var spokeId: SpokeID
        public var directory: String
        public var branch: String

        public init(workspaceId: WorkspaceID, spokeId: SpokeID, directory: String, branch: String) {
            self.workspaceId = workspaceId
            self.spokeId = spokeId
            self.directory = directory
            self.branch = branch
        }
    }

    public var salvageId: SalvageID
    public var spoke: String?
    public var branch: String?
    public var deadlineSeconds: Int?

    public init(salvageId: SalvageID, spoke: String? = nil, branch: String? = nil, deadlineSeconds: Int? = nil) {
        self.salvageId = salvageId
        self.spoke = spoke
        self.branch = branch
        self.deadlineSeconds = deadlineSeconds
    }
}
