import Foundation
import Postgres
import Protocol

/// What the hub remembers of sessions, their mappings and what was said to them.
struct SessionStore: Sendable {
    let database: Database

    /// The session of this id or slug; `NOT_FOUND` otherwise.
    func require(_ idOrSlug: String) async throws(Fault) -> SessionRecord {
        if let session = try await database.first(SQL.find, [idOrSlug]) { return session }
        let shown = String(idOrSlug.prefix(100))
        throw Fault(.notFound, "There is no session “\(shown)”; list them with session.list.")
    }

    func find(_ ids: [SessionID]) async throws(Fault) -> [SessionRecord] {
        try await database.query(SQL.findMany, [ids])
    }

    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func list(
        _ request: ListSessions,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [SessionRecord] {
        try await database.query(
            SQL.list,
            cursor.values + [
                request.projectId, request.parentId, request.status, account, request.accountId, request.workspaceId,
                request.roleName,
            ]
        )
    }

    /// The latest mapping of a session.
    func mapping(of session: SessionID) async throws(Fault) -> MappingRecord? {
        try await database.first(SQL.mapping, [session])
    }

    func mappings(
        _ request: GetCoordinationStatus,
        session: SessionID?,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [MappingRecord] {
        try await database.query(
            SQL.mappings,
            cursor.values + [request.parentSessionId, session, request.taskId, request.status, account]
        )
    }

    /// How much each session printed, and when last. Two looks at an index per stream: no bytes are read.
    func printed(by sessions: [SessionID]) async throws(Fault) -> [SessionID: Printed] {
        let rows = try await database.query(SQL.printed, [sessions])
        return Dictionary(rows.map { ($0.sessionId, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func messages(
        of session: SessionID,
        from end: ListEnd,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [MessageRecord] {
        let statement = end == .newest ? SQL.newestMessages : SQL.messages
        return try await database.query(statement, cursor.values + [session])
    }

    struct Printed: RowDecodable {
        var sessionId: SessionID
        var bytes: Int64
        var lastAt: Date?

        init(_ row: Row) throws(Fault) {
            sessionId = try row["session_id"]
            bytes = try row["bytes"]
            lastAt = try row["last_at"]
        }
    }

    enum SQL {
        static let find = Statement<SessionRecord>(
            "SELECT * FROM nave.sessions WHERE id = $1 OR slug = $1 ORDER BY id = $1 DESC LIMIT 1"
        )

        static let findMany = Statement<SessionRecord>(
            "SELECT * FROM nave.sessions WHERE id = ANY ($1::text[]) ORDER BY created_at, id"
        )

        static let list = Statement<SessionRecord>(
            """
            SELECT * FROM nave.sessions
             WHERE ($1::int8 IS NULL
                    OR (created_at, id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR project_id = $4) AND ($5::text IS NULL OR parent_id = $5)
               AND ($6::text IS NULL OR status = $6) AND ($8::text IS NULL OR account_id = $8)
               AND ($9::text IS NULL OR workspace_id = $9) AND ($10::text IS NULL OR role_name = $10)
               AND ($7::text IS NULL OR project_id IN (
                    SELECT p.id FROM nave.projects p
                     WHERE p.org_id IS NULL OR p.org_id IN (
                        SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $7)))
             ORDER BY created_at DESC, id DESC
             LIMIT $3
            """
        )

        static let mapping = Statement<MappingRecord>(
            "SELECT * FROM nave.mappings WHERE session_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1"
        )

        static let mappings = Statement<MappingRecord>(
            """
            SELECT * FROM nave.mappings
             WHERE ($1::int8 IS NULL
                    OR (created_at, id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR parent_session_id = $4) AND ($5::text IS NULL OR session_id = $5)
               AND ($6::text IS NULL OR task_id = $6) AND ($7::text IS NULL OR status = $7)
               AND ($8::text IS NULL OR EXISTS (
                    SELECT FROM nave.sessions s JOIN nave.projects p ON p.id = s.project_id
                     WHERE s.id = mappings.session_id AND (p.org_id IS NULL OR p.org_id IN (
                        SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $8))))
             ORDER BY created_at DESC, id DESC
             LIMIT $3
            """
        )

        /// The last chunk of each stream says where the stream ends.
        static let printed = Statement<Printed>(
            """
            SELECT s.id AS session_id, coalesce(sum(o.ends), 0)::int8 AS bytes, max(o.at) AS last_at
              FROM nave.sessions s
             CROSS JOIN (VALUES ('stdout'), ('stderr'), ('pty'), ('agent')) AS t (stream)
              LEFT JOIN LATERAL (
                    SELECT c.byte_offset + octet_length(c.content) AS ends, c.at
                      FROM nave.session_output c
                     WHERE c.session_id = s.id AND c.session_number = greatest(s.fence, 1) AND c.stream = t.stream
                     ORDER BY c.byte_offset DESC LIMIT 1) o ON true
             WHERE s.id = ANY ($1::text[])
             GROUP BY s.id
            """
        )

        static let messages = Statement<MessageRecord>(
            """
            SELECT * FROM nave.messages
             WHERE session_id = $4
               AND ($1::int8 IS NULL
                    OR (created_at, id) > ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
             ORDER BY created_at, id
             LIMIT $3
            """
        )

        static let newestMessages = Statement<MessageRecord>(
            """
            SELECT * FROM nave.messages
             WHERE session_id = $4
               AND ($1::int8 IS NULL
                    OR (created_at, id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
             ORDER BY created_at DESC, id DESC
             LIMIT $3
            """
        )
    }
}
