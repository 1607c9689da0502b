public import Foundation
public import GRDB
public import Protocol

/// A worktree on this spoke.
public struct WorkspaceRow: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable { case pending, ready, busy, salvaging, removed, lost }

    public var id: WorkspaceID
    public var projectId: ProjectID
    /// What `git clone` was told.
    public var repo: String
    public var branch: String
    /// The worktree's directory.
    public var path: String
    /// The commit it began at, and the last one known.
    public var base: String?
    public var head: String?
    public var state: State
    /// The session that works in it now.
    public var leaseSession: SessionID?
    public var lastUsedAt: Date
    public var sizeBytes: Int64?

    public init(
        id: WorkspaceID,
        projectId: ProjectID,
        repo: String,
        branch: String,
        path: String,
        base: String? = nil,
        head: String? = nil,
        state: State = .pending,
        leaseSession: SessionID? = nil,
        lastUsedAt: Date,
        sizeBytes: Int64? = nil
    ) {
        self.id = id
        self.projectId = projectId
        self.repo = repo
        self.branch = branch
        self.path = path
        self.base = base
        self.head = head
        self.state = state
        self.leaseSession = leaseSession
        self.lastUsedAt = lastUsedAt
        self.sizeBytes = sizeBytes
    }
}

/// What the spoke remembers about worktrees. Written inside ``Journal/append(_:with:)``.
public struct WorkspaceTable: Sendable {
    private let database: SpokeDatabase

    public init(_ database: SpokeDatabase) { self.database = database }

    public func one(_ id: WorkspaceID) async throws(Fault) -> WorkspaceRow? {
        try await database.read { db in
            try Row.fetchOne(db.cachedStatement(sql: "\(SQL.all) WHERE id = ?"), arguments: [id.rawValue])
                .map(WorkspaceRow.init)
        }
    }

    /// All worktrees in one of `states`, longest unused first.
    public func all(_ states: Set<WorkspaceRow.State> = Set(WorkspaceRow.State.allCases)) async throws(Fault)
        -> [WorkspaceRow]
    {
        try await database.read { db in
            try Row.fetchAll(db.cachedStatement(sql: "\(SQL.all) ORDER BY last_used_at, id")).map(WorkspaceRow.init)
                .filter { states.contains($0.state) }
        }
    }

    /// Writes the row, whole.
    public static func save(_ row: WorkspaceRow, in db: Database) throws {
        try db.cachedStatement(sql: SQL.save).execute(arguments: [
            row.id.rawValue, row.projectId.rawValue, row.repo, row.branch, row.path, row.base, row.head,
            row.state.rawValue, row.leaseSession?.rawValue, row.lastUsedAt.milliseconds, row.sizeBytes,
        ])
    }

    public static func remove(_ id: WorkspaceID, in db: Database) throws {
        try db.execute(sql: "DELETE FROM workspaces WHERE id = ?", arguments: [id.rawValue])
    }

    private enum SQL {
        static let all = """
            SELECT id, project_id, repo, branch, path, base, head, state, lease_session, last_used_at, size_bytes
            FROM workspaces
            """
        static let save = """
            INSERT INTO workspaces (id, project_id, repo, branch, path, base, head, state, lease_session,
                                    last_used_at, size_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET
                project_id = excluded.project_id, repo = excluded.repo, branch = excluded.branch,
                path = excluded.path, base = excluded.base, head = excluded.head, state = excluded.state,
                lease_session = excluded.lease_session, last_used_at = excluded.last_used_at,
                size_bytes = excluded.size_bytes
            """
    }
}

extension WorkspaceRow {
    fileprivate init(_ row: Row) throws {
        guard let state = State(rawValue: row[7]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "A workspace's state is not one.")
        }
        self.init(
            id: WorkspaceID(row[0]),
            projectId: ProjectID(row[1]),
            repo: row[2],
            branch: row[3],
            path: row[4],
            base: row[5],
            head: row[6],
            state: state,
            leaseSession: (row[8] as String?).map { SessionID($0) },
            lastUsedAt: Date(milliseconds: row[9]),
            sizeBytes: row[10]
        )
    }
}
