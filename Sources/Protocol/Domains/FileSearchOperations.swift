/// Files by a pattern of their paths.
public struct GlobFiles: WorktreeOperation {
    public static let name = "fs.glob"
    public static let kind = OperationKind.query
    public static let summary = "Files of a worktree whose paths fit a pattern; links are not followed."
    public static let access = AccessControl.scopes("fs:read")
    public static let examples = [GlobFiles(workspaceId: "5c4d…", pattern: "Sources/**/*.swift")]
    public static let fields = WorktreeFields.with([
        "pattern": "A path where * stands for any text and ? for one character of a name, ** for any folders.",
        "path": "The folder to search; the worktree itself if absent. The pattern is relative to it.",
        "limit": "At most this many, 1 to 5000; 1000 if absent.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "paths": "The files' paths below the worktree, in order.",
            "hasMore": "Whether the search ended at a limit before it had seen everything.",
        ]
        public var paths: [String]
        public var hasMore: Bool

        public init(paths: [String], hasMore: Bool) {
            self.paths = paths
            self.hasMore = hasMore
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var pattern: String
    public var path: String?
    public var limit: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        pattern: String,
        path: String? = nil,
        limit: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.pattern = pattern
        self.path = path
        self.limit = limit
    }
}

/// Lines that contain a text.
public struct GrepFiles: WorktreeOperation {
    public static let name = "fs.grep"
    public static let kind = OperationKind.query
    public static let summary = "Lines of a worktree's files that contain a text; binary files and links are left out."
    public static let access = AccessControl.scopes("fs:read")
    public static let examples = [GrepFiles(workspaceId: "5c4d…", text: "deadline", glob: "**/*.swift")]
    public static let fields = WorktreeFields.with([
        "text": "What the lines contain, taken literally.",
        "ignoreCase": "Whether a and A are the same; ASCII letters only.",
        "glob": "Only files whose paths fit this pattern, as in fs.glob.",
        "path": "The folder to search; the worktree itself if absent.",
        "limit": "At most this many lines, 1 to 1000; 200 if absent.",
    ])

    /// One line that fits.
    public struct Match: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "path": "The file's path below the worktree.",
            "line": "The line's number, from 1.",
            "column": "The byte in the line where the text begins, from 1.",
            "text": "The line, cut to 500 bytes around the text.",
        ]
        public var path: String
        public var line: Int
        public var column: Int
        public var text: String

        public init(path: String, line: Int, column: Int, text: String) {
            self.path = path
            self.line = line
            self.column = column
            self.text = text
        }
    }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "matches": "Lines that contain the text, by path and number.",
            "filesSearched": "Files that were read.",
            "hasMore": "Whether the search ended at a limit before it had seen everything.",
        ]
        public var matches: [Match]
        public var filesSearched: Int
        public var hasMore: Bool

        public init(matches: [Match], filesSearched: Int, hasMore: Bool) {
            self.matches = matches
            self.filesSearched = filesSearched
            self.hasMore = hasMore
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var text: String
    public var ignoreCase: Bool?
    public var glob: String?
    public var path: String?
    public var limit: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        text: String,
        ignoreCase: Bool? = nil,
        glob: String? = nil,
        path: String? = nil,
        limit: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.text = text
        self.ignoreCase = ignoreCase
        self.glob = glob
        self.path = path
        self.limit = limit
    }
}
