/// Commits changes of a worktree.
public struct GitCommit: WorktreeOperation {
    public static let name = "git.commit"
    public static let kind = OperationKind.mutation
    public static let summary = "Commits changes of a worktree on its branch; hooks of the repository are not run."
    public static let access = AccessControl.scopes("git:write")
    public static let examples = [GitCommit(workspaceId: "5c4d…", message: "Say what to do", paths: ["README.md"])]
    public static let fields = WorktreeFields.with([
        "message": "The commit's message.",
        "paths": """
        Files and folders to commit; everything that changed, new files included, if absent. While a merge is under \
        way, all that is staged goes with them. A file in conflict counts as resolved if it is named here, or if \
        it has no conflict marks left and differs from the branch's own; else nothing is committed.
        """,
        "onlyStaged": "Commit what is staged and nothing else; not while files are in conflict.",
        "author": "Who wrote it, as git's settings of this machine say if absent.",
        "email": "The author's address; with author only.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "commit": "The commit's hash.",
            "branch": "The branch that moved; absent while the head is detached.",
            "files": "Files that it changed; for a merge, on this branch.",
        ]
        public var commit: String
        public var branch: String?
        public var files: Int

        public init(commit: String, branch: String?, files: Int) {
            self.commit = commit
            self.branch = branch
            self.files = files
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var message: String
    public var paths: [String]?
    public var onlyStaged: Bool?
    public var author: String?
    public var email: String?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        message: String,
        paths: [String]? = nil,
        onlyStaged: Bool? = nil,
        author: String? = nil,
        email: String? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.message = message
        self.paths = paths
        self.onlyStaged = onlyStaged
        self.author = author
        self.email = email
    }
}

/// Brings what is new at the origin into the spoke's mirror.
public struct GitFetch: WorktreeOperation {
    public static let name = "git.fetch"
    public static let kind = OperationKind.mutation
    public static let summary = "Fetches what is new at the origin, for all worktrees of the repository on this spoke."
    public static let access = AccessControl.scopes("git:write")
    public static let examples = [GitFetch(workspaceId: "5c4d…")]
    public static let fields = WorktreeFields.place
    public typealias Output = Done

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?

    public init(workspaceId: WorkspaceID? = nil, sessionId: SessionID? = nil) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
    }
}

/// Sends a worktree's commits to the origin.
public struct GitPush: WorktreeOperation {
    public static let name = "git.push"
    public static let kind = OperationKind.mutation
    public static let summary = "Sends the commits of a worktree to a branch of the origin."
    public static let access = AccessControl.scopes("git:write")
    public static let examples = [GitPush(workspaceId: "5c4d…")]
    public static let fields = WorktreeFields.with([
        "branch": "The branch at the origin, also as refs/heads/…; the worktree's own if absent.",
        "replacing": "The commit that the branch is known to be at: it is replaced, though ours does not follow it.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "branch": "The branch at the origin.",
            "commit": "The commit that it is at now.",
            "changed": "Whether it moved.",
        ]
        public var branch: String
        public var commit: String
        public var changed: Bool

        public init(branch: String, commit: String, changed: Bool) {
            self.branch = branch
            self.commit = commit
            self.changed = changed
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var branch: String?
    public var replacing: String?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        branch: String? = nil,
        replacing: String? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.branch = branch
        self.replacing = replacing
    }
}

/// Merges a revision into a worktree's branch.
public struct GitMerge: WorktreeOperation {
    public static let name = "git.merge"
    public static let kind = OperationKind.mutation
    public static let summary = """
        Merges a revision into the branch of a worktree; nothing is changed with conflicts, or while one is under way.
        """
    public static let access = AccessControl.scopes("git:write")
    public static let examples = [GitMerge(workspaceId: "5c4d…", revision: "origin/main")]
    public static let fields = WorktreeFields.with([
        "revision": "What to merge: a branch, tag or commit.",
        "message": "The merge's message; git's own if absent.",
        "fastForward": "allow (if absent), only, or never: whether the branch may simply move on.",
        "keepConflicts": """
        Leave the conflicts in the files for somebody to resolve: then git.commit ends the merge, or git.mergeAbort.
        """,
    ])

    /// Whether a branch may simply move on.
    public enum FastForward: String, Codable, CaseIterable, Hashable, Sendable { case allow, only, never }

    /// What became of it.
    public enum Outcome: String, Codable, CaseIterable, Hashable, Sendable {
        case merged
        /// Everything was there already.
        case upToDate
        case conflicts
    }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "outcome": "What became of it.",
            "head": "The commit at the head now.",
            "conflicts": "Files on which both sides disagree.",
        ]
        public var outcome: Outcome
        public var head: String
        public var conflicts: [String]

        public init(outcome: Outcome, head: String, conflicts: [String] = []) {
            self.outcome = outcome
            self.head = head
            self.conflicts = conflicts
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var revision: String
    public var message: String?
    public var fastForward: FastForward?
    public var keepConflicts: Bool?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        revision: String,
        message: String? = nil,
        fastForward: FastForward? = nil,
        keepConflicts: Bool? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.revision = revision
        self.message = message
        self.fastForward = fastForward
        self.keepConflicts = keepConflicts
    }
}

/// Gives up a merge.
public struct GitMergeAbort: WorktreeOperation {
    public static let name = "git.mergeAbort"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Gives up a merge that waits for its conflicts to be resolved; what was done is saved first."
    public static let access = AccessControl.scopes("git:write")
    public static let examples = [GitMergeAbort(workspaceId: "5c4d…")]
    public static let fields = WorktreeFields.place

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "head": "The commit at the head, as before the merge.",
            "salvageId": "What the worktree held; salvage.restore brings it back.",
            "files": "Files in it that differ from the head.",
        ]
        public var head: String
        public var salvageId: SalvageID?
        public var files: Int

        public init(head: String, salvageId: SalvageID?, files: Int) {
            self.head = head
            self.salvageId = salvageId
            self.files = files
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?

    public init(workspaceId: WorkspaceID? = nil, sessionId: SessionID? = nil) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
    }
}

/// Whether two revisions would merge, found out without touching any worktree.
public struct GitMergeability: WorktreeOperation {
    public static let name = "git.mergeability"
    public static let kind = OperationKind.query
    public static let summary = "Whether a revision would merge into another, and which files stand in the way."
    public static let access = AccessControl.scopes("git:read")
    public static let examples = [GitMergeability(workspaceId: "5c4d…", into: "origin/main")]
    public static let fields = WorktreeFields.with([
        "revision": "What would be merged; the worktree's HEAD if absent.",
        "into": "Into what: a branch as git.land takes it, or a tag or commit.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "mergeable": "Whether there would be no conflict.",
            "upToDate": "Whether there is nothing to merge.",
            "fastForward": "Whether the branch could simply move on.",
            "conflicts": "Files on which both sides disagree.",
            "tree": "The tree that the merge would have.",
            "revision": "The commit that would be merged.",
            "into": "The commit into which.",
        ]
        public var mergeable: Bool
        public var upToDate: Bool
        public var fastForward: Bool
        public var conflicts: [String]
        public var tree: String?
        public var revision: String
        public var into: String

        public init(
            mergeable: Bool,
            upToDate: Bool,
            fastForward: Bool,
            conflicts: [String],
            tree: String?,
            revision: String,
            into: String
        ) {
            self.mergeable = mergeable
            self.upToDate = upToDate
            self.fastForward = fastForward
            self.conflicts = conflicts
            self.tree = tree
            self.revision = revision
            self.into = into
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var revision: String?
    public var into: String

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        revision: String? = nil,
        into: String
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.revision = revision
        self.into = into
    }
}
