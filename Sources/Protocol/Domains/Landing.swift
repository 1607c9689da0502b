/// How a branch comes into another.
public enum LandingStrategy: String, Codable, CaseIterable, Hashable, Sendable {
    /// A merge commit with both histories.
    case merge
    /// One commit with all that the branch changed.
    case squash
    /// The branch's commits one by one on top.
    case rebase
    /// The other branch simply moves on; refused where it cannot.
    case fastForward
}

/// Why two sides cannot both have a file.
public enum ConflictKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// Both changed the same lines.
    case content
    /// Both added it.
    case bothAdded
    /// One changed it, the other deleted it.
    case modifyDelete
    /// It was renamed on one side, and on the other renamed, deleted or its new name taken.
    case rename
    /// It is a file on one side and a folder, a link or a submodule on the other.
    case type
    /// Both changed it, and it is no text.
    case binary
    case submodule
    /// Something that this version has no word for.
    case other
}

/// One file that stands in the way of a merge.
public struct MergeConflict: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "path": "The file.",
        "kind": "Why both sides cannot have it.",
        "commit": "The commit that does not fit, where commits are landed one by one.",
    ]
    public var path: String
    public var kind: ConflictKind
    public var commit: String?

    public init(path: String, kind: ConflictKind, commit: String? = nil) {
        self.path = path
        self.kind = kind
        self.commit = commit
    }
}

/// What became of a landing.
public enum LandingOutcome: String, Codable, CaseIterable, Hashable, Sendable {
    case landed
    /// Everything was there already.
    case upToDate
    /// Nothing was changed: the two sides disagree.
    case conflicts
    /// A dry run that found no conflict.
    case mergeable
}

/// Brings the branch of a worktree into another branch, without touching any worktree.
public struct GitLand: WorktreeOperation {
    public static let name = "git.land"
    public static let kind = OperationKind.mutation
    public static let summary = "Brings the commits of a worktree into a branch and sends that to the origin."
    public static let access = AccessControl.scopes("git:write")
    public static let examples = [GitLand(workspaceId: "5c4d…", into: "main", strategy: .squash)]
    public static let fields = WorktreeFields.with([
        "into": "The branch that gets the commits.",
        "strategy": "merge if absent; squash, rebase or fastForward.",
        "message": "The commit's message; one that names both branches if absent. Not with rebase and fastForward.",
        "dryRun": "Only says whether it would go, and which files stand in the way.",
        "push": "Whether it is sent to the origin; if absent, it is unless the origin is a clone with files.",
        "force": "Though a session works in the worktree.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "outcome": "What became of it.",
            "conflicts": "Files on which the two sides disagree.",
            "branch": "The branch that was to be landed.",
            "source": "The commit that was to be landed.",
            "into": "The branch that it went into.",
            "before": "The commit that this branch was at.",
            "commit": "The commit that it is at now; absent where nothing was changed.",
            "commits": "How many commits of the branch the other did not have.",
            "pushed": "Whether the origin has it.",
            "ref": "Where the commit stands in the spoke's mirror.",
        ]
        public var outcome: LandingOutcome
        public var conflicts: [MergeConflict]
        public var branch: String
        public var source: String
        public var into: String
        public var before: String
        public var commit: String?
        public var commits: Int
        public var pushed: Bool
        public var ref: String?

        public init(
            outcome: LandingOutcome,
            conflicts: [MergeConflict] = [],
            branch: String,
            source: String,
            into: String,
            before: String,
            commit: String? = nil,
            commits: Int,
            pushed: Bool = false,
            ref: String? = nil
        ) {
            self.outcome = outcome
            self.conflicts = conflicts
            self.branch = branch
            self.source = source
            self.into = into
            self.before = before
            self.commit = commit
            self.commits = commits
            self.pushed = pushed
            self.ref = ref
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var into: String
    public var strategy: LandingStrategy?
    public var message: String?
    public var dryRun: Bool?
    public var push: Bool?
    public var force: Bool?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        into: String,
        strategy: LandingStrategy? = nil,
        message: String? = nil,
        dryRun: Bool? = nil,
        push: Bool? = nil,
        force: Bool? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.into = into
        self.strategy = strategy
        self.message = message
        self.dryRun = dryRun
        self.push = push
        self.force = force
    }
}

/// Brings what a session did into a branch, on the spoke that has it.
public struct LandSession: RemoteOperation {
    public static let name = "coord.land"
    public static let kind = OperationKind.mutation
    public static let summary = "Brings the branch of a session into another one, on the spoke that has it."
    public static let access = AccessControl.scopes("coord:write")
    public static let examples = [
        LandSession(sessionId: "run-the-tests-1f2e3d4c", into: "main", dryRun: true),
        LandSession(branch: "wt/fix-login", projectId: "website", into: "main", strategy: .squash),
    ]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "branch": "Or the branch that was worked on, with projectId.",
        "projectId": "The project of that branch, by id or name.",
        "into": "The branch that gets the commits; the project's main branch if absent.",
        "strategy": "merge if absent; squash, rebase or fastForward.",
        "message": "The commit's message; one that names both branches if absent. Not with rebase and fastForward.",
        "dryRun": "Only says whether it would go, and which files stand in the way.",
        "push": "Whether it is sent to the origin; if absent, it is unless the origin is a clone with files.",
        "force": "Though the session still works.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = GitLand.Output.fields.merging([
            "sessionId": "The session that worked on the branch last.",
            "workspaceId": "The workspace that it worked in.",
            "spokeId": "The spoke that did it.",
        ]) { $1 }
        public var outcome: LandingOutcome
        public var conflicts: [MergeConflict]
        public var branch: String
        public var source: String
        public var into: String
        public var before: String
        public var commit: String?
        public var commits: Int
        public var pushed: Bool
        public var ref: String?
        public var sessionId: SessionID?
        public var workspaceId: WorkspaceID
        public var spokeId: SpokeID

        public init(_ landing: GitLand.Output, session: SessionID?, workspace: WorkspaceID, spoke: SpokeID) {
            outcome = landing.outcome
            conflicts = landing.conflicts
            branch = landing.branch
            source = landing.source
            into = landing.into
            before = landing.before
            commit = landing.commit
            commits = landing.commits
            pushed = landing.pushed
            ref = landing.ref
            sessionId = session
            workspaceId = workspace
            spokeId = spoke
        }
    }

    public var sessionId: String?
    public var branch: String?
    public var projectId: String?
    public var into: String?
    public var strategy: LandingStrategy?
    public var message: String?
    public var dryRun: Bool?
    public var push: Bool?
    public var force: Bool?

    public init(
        sessionId: String? = nil,
        branch: String? = nil,
        projectId: String? = nil,
        into: String? = nil,
        strategy: LandingStrategy? = nil,
        message: String? = nil,
        dryRun: Bool? = nil,
        push: Bool? = nil,
        force: Bool? = nil
    ) {
        self.sessionId = sessionId
        self.branch = branch
        self.projectId = projectId
        self.into = into
        self.strategy = strategy
        self.message = message
        self.dryRun = dryRun
        self.push = push
        self.force = force
    }
}
