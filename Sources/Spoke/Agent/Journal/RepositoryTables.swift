public import Foundation
public import GRDB
public import Protocol

/// A bare mirror of a repository.
public struct MirrorRow: Sendable, Hashable {
    public var repo: String
    public var path: String
    public var fetchedAt: Date?
    public var sizeBytes: Int64?

    public init(repo: String, path: String, fetchedAt: Date? = nil, sizeBytes: Int64? = nil) {
        self.repo = repo
        self.path = path
        self.fetchedAt = fetchedAt
        self.sizeBytes = sizeBytes
    }
}

/// What the spoke remembers about mirrors. Written inside ``Journal/append(_:with:)`` or ``Journal/write(_:)``.
public struct MirrorTable: Sendable {
    private let database: SpokeDatabase

    public init(_ database: SpokeDatabase) { self.database = database }

    public func all() async throws(Fault) -> [MirrorRow] {
        try await database.read { db in
            try Row.fetchAll(db, sql: "SELECT repo, path, fetched_at, size_bytes FROM mirrors ORDER BY repo").map {
                MirrorRow(
                    repo: $0[0],
                    path: $0[1],
                    fetchedAt: ($0[2] as Int64?).map(Date.init(milliseconds:)),
                    sizeBytes: $0[3]
                )
            }
        }
    }

    /// Writes the row, whole.
    public static func save(_ row: MirrorRow, in db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO mirrors (repo, path, fetched_at, size_bytes) VALUES (?, ?, ?, ?)",
            arguments: [row.repo, row.path, row.fetchedAt?.milliseconds, row.sizeBytes]
        )
    }

    public static func remove(_ repo: String, in db: Database) throws {
        try db.execute(sql: "DELETE FROM mirrors WHERE repo = ?", arguments: [repo])
    }
}

/// Work that was saved before its worktree went.
public struct SalvageRow: Sendable, Hashable {
    public var id: SalvageID
    public var workspaceId: WorkspaceID
    public var projectId: ProjectID
    public var repo: String
    /// `refs/salvage/<workspace>/<n>` in the mirror, and what it points at.
    public var ref: String
    public var commit: String
    public var branch: String
    public var files: Int
    public var bytes: Int64
    public var createdAt: Date
    public var expiresAt: Date

    public init(
        id: SalvageID,
        workspaceId: WorkspaceID,
        projectId: ProjectID,
        repo: String,
        ref: String,
        commit: String,
        branch: String,
        files: Int,
        bytes: Int64,
        createdAt: Date,
        expiresAt: Date
    ) {
        self.id = id
        self.workspaceId = workspaceId
        self.projectId = projectId
        self.repo = repo
        self.ref = ref
        self.commit = commit
        self.branch = branch
        self.files = files
        self.bytes = bytes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// What the spoke remembers about salvaged work. Written inside ``Journal/append(_:with:)``.
public struct SalvageTable: Sendable {
    private let database: SpokeDatabase

    public init(_ database: SpokeDatabase) { self.database = database }

    /// All there is, newest first; with `expiredBefore`, only what may go by then.
    public func all(expiredBefore limit: Date? = nil) async throws(Fault) -> [SalvageRow] {
        try await database.read { db in
            try Row.fetchAll(db, sql: SQL.all, arguments: [limit?.milliseconds ?? Int64.max]).map {
                SalvageRow(
                    id: SalvageID($0[0]),
                    workspaceId: WorkspaceID($0[1]),
                    projectId: ProjectID($0[2]),
                    repo: $0[3],
                    ref: $0[4],
                    commit: $0[5],
                    branch: $0[6],
                    files: $0[7],
                    bytes: $0[8],
                    createdAt: Date(milliseconds: $0[9]),
                    expiresAt: Date(milliseconds: $0[10])
                )
            }
        }
    }

    /// Writes the row, whole.
    public static func save(_ row: SalvageRow, in db: Database) throws {
        try db.execute(
            sql: SQL.save,
            arguments: [
                row.id.rawValue, row.workspaceId.rawValue, row.projectId.rawValue, row.repo, row.ref, row.commit,
                row.branch, row.files, row.bytes, row.createdAt.milliseconds, row.expiresAt.milliseconds,
            ]
        )
    }

    public static func remove(_ id: SalvageID, in db: Database) throws {
        try db.execute(sql: "DELETE FROM salvages WHERE id = ?", arguments: [id.rawValue])
    }

    private enum SQL {
        static let all = """
            SELECT id, workspace_id, project_id, repo, ref, commit_id, branch, files, bytes, created_at, expires_at
            FROM salvages WHERE expires_at < ? ORDER BY created_at DESC, id
            """
        static let save = """
            INSERT OR REPLACE INTO salvages (id, workspace_id, project_id, repo, ref, commit_id, branch, files, bytes,
                                             created_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
    }
}
