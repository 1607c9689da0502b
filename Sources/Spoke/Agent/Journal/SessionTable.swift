public import Foundation
public import GRDB
public import Protocol

/// A session as this spoke knows it: enough to find its process again after a restart.
public struct SessionRow: Sendable, Hashable {
    public enum State: String, CaseIterable, Sendable { case preparing, running, ended }

    public var id: SessionID
    public var fence: Int64
    public var state: State
    public var workspaceId: WorkspaceID?
    public var supervisorPid: Int32?
    public var pid: Int32?
    public var startedAt: Date?
    public var endedAt: Date?
    /// The order, as it came: a ``StartSession`` in JSON.
    public var spec: [UInt8]
    /// What the agent program calls the session, to resume it.
    public var providerSessionId: String?

    public init(
        id: SessionID,
        fence: Int64,
        state: State = .preparing,
        workspaceId: WorkspaceID? = nil,
        supervisorPid: Int32? = nil,
        pid: Int32? = nil,
        startedAt: Date? = nil,
        endedAt: Date? = nil,
        spec: [UInt8],
        providerSessionId: String? = nil
    ) {
        self.id = id
        self.fence = fence
        self.state = state
        self.workspaceId = workspaceId
        self.supervisorPid = supervisorPid
        self.pid = pid
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.spec = spec
        self.providerSessionId = providerSessionId
    }
}

/// What the spoke remembers about sessions. Writing happens inside ``Journal/append(_:with:)``, so that a session's
/// row and the record that tells of it are one.
public struct SessionTable: Sendable {
    private let database: SpokeDatabase

    public init(_ database: SpokeDatabase) { self.database = database }

    /// The session, if this spoke has had it.
    public func one(_ id: SessionID) async throws(Fault) -> SessionRow? {
        try await database.read { db in
            try Row.fetchOne(db.cachedStatement(sql: "\(SQL.all) WHERE id = ?"), arguments: [id.rawValue])
                .map(SessionRow.init)
        }
    }

    /// All sessions in one of `states`, oldest first.
    public func all(_ states: Set<SessionRow.State> = Set(SessionRow.State.allCases)) async throws(Fault)
        -> [SessionRow]
    {
        try await database.read { db in
            try Row.fetchAll(db.cachedStatement(sql: "\(SQL.all) ORDER BY started_at, id")).map(SessionRow.init)
                .filter { states.contains($0.state) }
        }
    }

    /// Writes the row, whole. A smaller fence than the stored one changes nothing.
    ///
    /// - Returns: whether it was written.
    @discardableResult
    public static func save(_ row: SessionRow, in db: Database) throws -> Bool {
        try db.cachedStatement(sql: SQL.save).execute(arguments: [
            row.id.rawValue, row.fence, row.state.rawValue, row.workspaceId?.rawValue, row.supervisorPid, row.pid,
            row.startedAt?.milliseconds, row.endedAt?.milliseconds, Data(row.spec), row.providerSessionId,
        ])
        return db.changesCount > 0
    }

    /// Forgets a session, the positions of its streams and the places of its inputs.
    public static func remove(_ id: SessionID, in db: Database) throws {
        try db.execute(sql: "DELETE FROM sessions WHERE id = ?", arguments: [id.rawValue])
        try db.execute(sql: "DELETE FROM session_inputs WHERE session_id = ?", arguments: [id.rawValue])
        try OutputSums.forget(id, in: db)
    }

    private enum SQL {
        static let all = """
            SELECT id, fence, state, workspace_id, supervisor_pid, pid, started_at, ended_at, spec,
                   provider_session_id
            FROM sessions
            """
        /// What carries a smaller fence is history and loses against what is here.
        static let save = """
            INSERT INTO sessions (id, fence, state, workspace_id, supervisor_pid, pid, started_at, ended_at, spec,
                                  provider_session_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET
                fence = excluded.fence, state = excluded.state, workspace_id = excluded.workspace_id,
                supervisor_pid = excluded.supervisor_pid, pid = excluded.pid, started_at = excluded.started_at,
                ended_at = excluded.ended_at, spec = excluded.spec,
                provider_session_id = excluded.provider_session_id
            WHERE sessions.fence <= excluded.fence
            """
    }
}

extension SessionRow {
    fileprivate init(_ row: Row) throws {
        guard let state = State(rawValue: row[2]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "A session's state is not one.")
        }
        self.init(
            id: SessionID(row[0]),
            fence: row[1],
            state: state,
            workspaceId: (row[3] as String?).map { WorkspaceID($0) },
            supervisorPid: row[4],
            pid: row[5],
            startedAt: (row[6] as Int64?).map(Date.init(milliseconds:)),
            endedAt: (row[7] as Int64?).map(Date.init(milliseconds:)),
            spec: [UInt8](row[8] as Data),
            providerSessionId: row[9]
        )
    }
}
