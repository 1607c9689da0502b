public import Foundation

/// How a worktree stands.
public struct GitStatus: WorktreeOperation {
    public static let name = "git.status"
    public static let kind = OperationKind.query
    public static let summary = "Branch, head and changed files of a worktree."
    public static let access = AccessControl.scopes("git:read")
    public static let examples = [GitStatus(workspaceId: "5c4d…")]
    public static let fields = WorktreeFields.with(["limit": "At most this many files, 1 to 5000; 1000 if absent."])

    /// One file that differs from the head.
    public struct Change: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "path": "The file's path.",
            "index": "What is staged, by git's letter; . for nothing.",
            "worktree": "What is not staged, by git's letter; . for nothing, ? for a file that git does not know.",
            "from": "Where a renamed file was before.",
        ]
        public var path: String
        public var index: String
        public var worktree: String
        public var from: String?

        public init(path: String, index: String, worktree: String, from: String? = nil) {
            self.path = path
            self.index = index
            self.worktree = worktree
            self.from = from
        }
    }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "workspaceId": "The workspace.",
            "branch": "The branch; absent while the head is detached.",
            "head": "The commit at the head; absent while there is none.",
            "ahead": "Commits that the base does not have.",
            "behind": "Commits of the base that the head does not have.",
            "files": "How many files differ from the head.",
            "changes": "The files that differ, up to the limit.",
        ]
        public var workspaceId: WorkspaceID
        public var branch: String?
        public var head: String?
        public var ahead: Int
        public var behind: Int
        public var files: Int
        public var changes: [Change]

        public init(
            workspaceId: WorkspaceID,
            branch: String?,
            head: String?,
            ahead: Int,
            behind: Int,
            files: Int,
            changes: [Change]
        ) {
            self.workspaceId = workspaceId
            self.branch = branch
            self.head = head
            self.ahead = ahead
            self.behind = behind
            self.files = files
            self.changes = changes
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var limit: Int?

    public init(workspaceId: WorkspaceID? = nil, sessionId: SessionID? = nil, limit: Int? = nil) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.limit = limit
    }
}

/// A patch as text, cut where it would be too long to send.
public struct GitPatch: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "patch": "The patch; what is not UTF-8 in it is replaced.",
        "isCut": "Whether the patch was longer than asked for.",
    ]
    public var patch: String
    public var isCut: Bool

    public init(patch: String, isCut: Bool) {
        self.patch = patch
        self.isCut = isCut
    }
}

/// What differs.
public struct GitDiff: WorktreeOperation {
    public static let name = "git.diff"
    public static let kind = OperationKind.query
    public static let summary = "What differs between two revisions, or between a revision and the worktree's files."
    public static let access = AccessControl.scopes("git:read")
    public static let examples = [GitDiff(workspaceId: "5c4d…", from: "origin/main", paths: ["Sources"])]
    public static let fields = WorktreeFields.with([
        "from": "The old side: a branch, tag or commit; HEAD if absent.",
        "to": "The new side; the worktree's files if absent.",
        "staged": "The new side is what is staged.",
        "sinceMergeBase": "The old side is where from and to parted.",
        "paths": "Only these files and folders.",
        "statistics": "Only how many lines changed in each file.",
        "maxBytes": "Cut the patch here, 1 to 524288; 262144 if absent.",
    ])
    public typealias Output = GitPatch

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var from: String?
    public var to: String?
    public var staged: Bool?
    public var sinceMergeBase: Bool?
    public var paths: [String]?
    public var statistics: Bool?
    public var maxBytes: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        from: String? = nil,
        to: String? = nil,
        staged: Bool? = nil,
        sinceMergeBase: Bool? = nil,
        paths: [String]? = nil,
        statistics: Bool? = nil,
        maxBytes: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.from = from
        self.to = to
        self.staged = staged
        self.sinceMergeBase = sinceMergeBase
        self.paths = paths
        self.statistics = statistics
        self.maxBytes = maxBytes
    }
}

/// One commit.
public struct GitCommitRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "commit": "Its hash.",
        "parents": "The hashes of the commits that it follows.",
        "author": "Who wrote it.",
        "email": "The author's address.",
        "authoredAt": "When it was written, as git says it.",
        "committedAt": "When it was committed, as git says it.",
        "message": "Its whole message.",
    ]
    public var commit: String
    public var parents: [String]
    public var author: String
    public var email: String
    public var authoredAt: String
    public var committedAt: String
    public var message: String

    public init(
        commit: String,
        parents: [String],
        author: String,
        email: String,
        authoredAt: String,
        committedAt: String,
        message: String
    ) {
        self.commit = commit
        self.parents = parents
        self.author = author
        self.email = email
        self.authoredAt = authoredAt
        self.committedAt = committedAt
        self.message = message
    }
}

/// The commits behind a revision.
public struct GitLog: WorktreeOperation {
    public static let name = "git.log"
    public static let kind = OperationKind.query
    public static let summary = "The commits that lead to a revision, newest first."
    public static let access = AccessControl.scopes("git:read")
    public static let examples = [GitLog(workspaceId: "5c4d…", since: "origin/main")]
    public static let fields = WorktreeFields.with([
        "revision": "Where to begin: a branch, tag or commit; HEAD if absent.",
        "since": "Without what this revision already has.",
        "paths": "Only commits that changed these files or folders.",
        "skip": "Leave out so many of the newest, up to 1000000.",
        "limit": "At most this many, 1 to 500; 50 if absent.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "commits": "One entry per commit.",
            "hasMore": "Whether there are older ones.",
        ]
        public var commits: [GitCommitRecord]
        public var hasMore: Bool

        public init(commits: [GitCommitRecord], hasMore: Bool) {
            self.commits = commits
            self.hasMore = hasMore
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var revision: String?
    public var since: String?
    public var paths: [String]?
    public var skip: Int?
    public var limit: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        revision: String? = nil,
        since: String? = nil,
        paths: [String]? = nil,
        skip: Int? = nil,
        limit: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.revision = revision
        self.since = since
        self.paths = paths
        self.skip = skip
        self.limit = limit
    }
}

/// One commit, or a file as it was in it.
public struct GitShow: WorktreeOperation {
    public static let name = "git.show"
    public static let kind = OperationKind.query
    public static let summary = "A commit with its patch, or a file as it was in a commit."
    public static let access = AccessControl.scopes("git:read")
    public static let examples = [GitShow(workspaceId: "5c4d…", revision: "HEAD~1", path: "README.md")]
    public static let fields = WorktreeFields.with([
        "revision": "A branch, tag or commit; HEAD if absent.",
        "path": "The file wanted; the commit and its patch if absent.",
        "maxBytes": "Cut the patch or the file here, 1 to 524288; 262144 if absent.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "commit": "The commit that the revision stands for.",
            "patch": "What it changed; absent where a file was asked for.",
            "text": "The file, where it is UTF-8.",
            "base64": "The file, where it is not.",
            "isCut": "Whether there was more than maxBytes.",
        ]
        public var commit: GitCommitRecord
        public var patch: String?
        public var text: String?
        public var base64: Data?
        public var isCut: Bool

        public init(
            commit: GitCommitRecord,
            patch: String? = nil,
            text: String? = nil,
            base64: Data? = nil,
            isCut: Bool
        ) {
            self.commit = commit
            self.patch = patch
            self.text = text
            self.base64 = base64
            self.isCut = isCut
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var revision: String?
    public var path: String?
    public var maxBytes: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        revision: String? = nil,
        path: String? = nil,
        maxBytes: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.revision = revision
        self.path = path
        self.maxBytes = maxBytes
    }
}

/// The worktrees of a spoke.
public struct GitWorktrees: RemoteOperation {
    public static let name = "git.worktrees"
    public static let kind = OperationKind.query
    public static let summary = "The worktrees that this spoke has, last used first."
    public static let access = AccessControl.scopes("git:read")
    public static let examples = [GitWorktrees()]
    public static let fields = ["projectId": "Only those of this project; to be named by all but org:admin."]

    /// One worktree.
    public struct Entry: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "workspaceId": "Its workspace.",
            "projectId": "The project whose files are in it.",
            "repository": "Where its repository comes from; without passwords.",
            "branch": "The branch that it was made for.",
            "directory": "Its path on the spoke.",
            "state": "How far it has come: preparing, ready or removing.",
            "sessionId": "The session that works in it.",
            "lastUsedAt": "When a session last began or ended in it.",
        ]
        public var workspaceId: WorkspaceID
        public var projectId: ProjectID
        public var repository: String
        public var branch: String
        public var directory: String
        public var state: String
        public var sessionId: SessionID?
        public var lastUsedAt: Date

        public init(
            workspaceId: WorkspaceID,
            projectId: ProjectID,
            repository: String,
            branch: String,
            directory: String,
            state: String,
            sessionId: SessionID?,
            lastUsedAt: Date
        ) {
            self.workspaceId = workspaceId
            self.projectId = projectId
            self.repository = repository
            self.branch = branch
            self.directory = directory
            self.state = state
            self.sessionId = sessionId
            self.lastUsedAt = lastUsedAt
        }
    }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["worktrees": "One entry per worktree."]
        public var worktrees: [Entry]

        public init(worktrees: [Entry]) { self.worktrees = worktrees }
    }

    public var projectId: ProjectID?

    public init(projectId: ProjectID? = nil) { self.projectId = projectId }
}
