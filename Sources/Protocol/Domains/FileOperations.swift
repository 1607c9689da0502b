public import Foundation

/// An operation that a spoke carries out in one of its worktrees.
public protocol WorktreeOperation: RemoteOperation {
    /// The workspace whose worktree is meant.
    var workspaceId: WorkspaceID? { get }
    /// The session whose worktree is meant, where the workspace is not named.
    var sessionId: SessionID? { get }
}

/// The fields that name a worktree, said once.
enum WorktreeFields {
    static let place = [
        "workspaceId": "The workspace in whose worktree it happens.",
        "sessionId": "The session in whose worktree it happens, where no workspace is named.",
    ]

    static func with(_ others: [String: String]) -> [String: String] { place.merging(others) { $1 } }
}

/// What stands at a path.
public enum FileKind: String, Codable, CaseIterable, Hashable, Sendable {
    case file, folder, link
    /// A pipe, a socket or a device: never opened.
    case other
}

/// One file or folder as it stands.
public struct FileFacts: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "path": "The path below the worktree, or the absolute one outside of it.",
        "kind": "What stands there; a link is not followed.",
        "sizeBytes": "A file's size.",
        "executable": "Whether its owner may execute it.",
        "modifiedAt": "When its content last changed.",
        "target": "Where a link leads.",
    ]
    public var path: String
    public var kind: FileKind
    public var sizeBytes: Int64
    public var executable: Bool
    public var modifiedAt: Date
    public var target: String?

    public init(
        path: String,
        kind: FileKind,
        sizeBytes: Int64,
        executable: Bool,
        modifiedAt: Date,
        target: String? = nil
    ) {
        self.path = path
        self.kind = kind
        self.sizeBytes = sizeBytes
        self.executable = executable
        self.modifiedAt = modifiedAt
        self.target = target
    }
}

/// Reads a file, or a part of it.
public struct ReadFile: WorktreeOperation {
    public static let name = "fs.read"
    public static let kind = OperationKind.query
    public static let summary = "A file of a worktree, whole or in part: text where it is UTF-8, base64 otherwise."
    public static let access = AccessControl.scopes("fs:read")
    public static let examples = [ReadFile(workspaceId: "5c4d…", path: "README.md")]
    public static let fields = WorktreeFields.with([
        "path": "Relative to the worktree, or absolute inside one.",
        "offset": "The first byte wanted; 0 if absent.",
        "maxBytes": "At most this many bytes, 1 to 524288; 262144 if absent.",
        "asBase64": "Base64 even where it is text.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "path": "The path below the worktree, links resolved.",
            "sizeBytes": "The whole file's size.",
            "offset": "Where this part begins.",
            "text": "The part as text; absent where it is not UTF-8.",
            "base64": "The part as bytes, where it is not given as text.",
            "nextOffset": "Where the next part begins; absent at the end.",
        ]
        public var path: String
        public var sizeBytes: Int64
        public var offset: Int64
        public var text: String?
        public var base64: Data?
        public var nextOffset: Int64?

        public init(
            path: String,
            sizeBytes: Int64,
            offset: Int64,
            text: String?,
            base64: Data?,
            nextOffset: Int64?
        ) {
            self.path = path
            self.sizeBytes = sizeBytes
            self.offset = offset
            self.text = text
            self.base64 = base64
            self.nextOffset = nextOffset
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var path: String
    public var offset: Int64?
    public var maxBytes: Int?
    public var asBase64: Bool?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        path: String,
        offset: Int64? = nil,
        maxBytes: Int? = nil,
        asBase64: Bool? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.path = path
        self.offset = offset
        self.maxBytes = maxBytes
        self.asBase64 = asBase64
    }
}

/// Writes a file, whole or not at all.
public struct WriteFile: WorktreeOperation {
    public static let name = "fs.write"
    public static let kind = OperationKind.mutation
    public static let summary = "Writes a file of a worktree; others see the old content or the new, never a part."
    public static let access = AccessControl.scopes("fs:write")
    public static let examples = [WriteFile(workspaceId: "5c4d…", path: "notes/today.md", text: "# Today\n")]
    public static let fields = WorktreeFields.with([
        "path": "Relative to the worktree, or absolute inside one. Nothing of git's own (.git) can be written.",
        "text": "The content as text.",
        "base64": "The content as bytes; instead of text.",
        "mustBeNew": "Refuse where something stands at the path already.",
        "createFolders": "Make the folders on the way that are missing.",
        "executable": "Whether it may be executed; as before, or not, if absent.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "path": "The path below the worktree, links resolved.",
            "sizeBytes": "What was written.",
            "created": "Whether nothing stood there before.",
        ]
        public var path: String
        public var sizeBytes: Int64
        public var created: Bool

        public init(path: String, sizeBytes: Int64, created: Bool) {
            self.path = path
            self.sizeBytes = sizeBytes
            self.created = created
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var path: String
    public var text: String?
    public var base64: Data?
    public var mustBeNew: Bool?
    public var createFolders: Bool?
    public var executable: Bool?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        path: String,
        text: String? = nil,
        base64: Data? = nil,
        mustBeNew: Bool? = nil,
        createFolders: Bool? = nil,
        executable: Bool? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.path = path
        self.text = text
        self.base64 = base64
        self.mustBeNew = mustBeNew
        self.createFolders = createFolders
        self.executable = executable
    }
}

/// What a file or folder is, without opening it.
public struct StatFile: WorktreeOperation {
    public static let name = "fs.stat"
    public static let kind = OperationKind.query
    public static let summary = "What stands at a path of a worktree; a link itself, not where it leads."
    public static let access = AccessControl.scopes("fs:read")
    public static let examples = [StatFile(sessionId: "0d3f…", path: "Makefile")]
    public static let fields = WorktreeFields.with(["path": "Relative to the worktree, or absolute inside one."])
    public typealias Output = FileFacts

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var path: String

    public init(workspaceId: WorkspaceID? = nil, sessionId: SessionID? = nil, path: String) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.path = path
    }
}

/// What is in a folder.
public struct ListFolder: WorktreeOperation {
    public static let name = "fs.list"
    public static let kind = OperationKind.query
    public static let summary = "What is in a folder of a worktree, by name."
    public static let access = AccessControl.scopes("fs:read")
    public static let examples = [ListFolder(workspaceId: "5c4d…", path: "Sources", limit: 100)]
    public static let fields = WorktreeFields.with([
        "path": "Relative to the worktree, or absolute inside one; the worktree itself if absent.",
        "after": "Only names behind this one: the last name of the page before.",
        "limit": "At most this many, 1 to 2000; 500 if absent.",
    ])

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "path": "The folder below the worktree.",
            "entries": "One entry per file or folder; each path ends with its name.",
            "hasMore": "Whether there are more behind the last one.",
            "unnamed": "How many there are besides whose names are not UTF-8, so that no call can name them.",
        ]
        public var path: String
        public var entries: [FileFacts]
        public var hasMore: Bool
        public var unnamed: Int?

        public init(path: String, entries: [FileFacts], hasMore: Bool, unnamed: Int? = nil) {
            self.path = path
            self.entries = entries
            self.hasMore = hasMore
            self.unnamed = unnamed
        }
    }

    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?
    public var path: String?
    public var after: String?
    public var limit: Int?

    public init(
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil,
        path: String? = nil,
        after: String? = nil,
        limit: Int? = nil
    ) {
        self.workspaceId = workspaceId
        self.sessionId = sessionId
        self.path = path
        self.after = after
        self.limit = limit
    }
}
