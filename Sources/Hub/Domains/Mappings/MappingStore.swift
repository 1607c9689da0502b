import Postgres
import Protocol

/// What the hub remembers of which session works where; written with the sessions themselves.
struct MappingStore: Sendable {
    let database: Database

    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func require(_ id: MappingID, seenBy account: AccountID?) async throws(Fault) -> MappingRecord {
        if let found = try await database.first(SQL.find, [id, account]) { return found }
        throw Fault(.notFound, "There is no mapping \(id.rawValue.prefix(100)); list them with mapping.list.")
    }

    /// Mappings, newest first.
    func list(
        _ request: ListMappings,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [MappingRecord] {
        try await database.query(
            SQL.list,
            cursor.values + [
                request.sessionId, request.parentSessionId, request.spokeId, request.workspaceId, request.taskId,
                request.status, request.projectId, account,
            ]
        )
    }

    enum SQL {
        static let find = Statement<MappingRecord>(
            """
            SELECT m.* FROM nave.mappings m
             WHERE m.id = $1
               AND ($2::text IS NULL OR EXISTS (
                    SELECT FROM nave.sessions s JOIN nave.projects p ON p.id = s.project_id
                     WHERE s.id = m.session_id AND (p.org_id IS NULL OR p.org_id IN (
                        SELECT o.org_id FROM nave.organization_members o WHERE o.account_id = $2))))
            """
        )

        static let list = Statement<MappingRecord>(
            """
            SELECT m.* FROM nave.mappings m
             WHERE ($1::int8 IS NULL
                    OR (m.created_at, m.id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR m.session_id = $4) AND ($5::text IS NULL OR m.parent_session_id = $5)
               AND ($6::text IS NULL OR m.spoke_id = $6) AND ($7::text IS NULL OR m.workspace_id = $7)
               AND ($8::text IS NULL OR m.task_id = $8) AND ($9::text IS NULL OR m.status = $9)
               AND ($10::text IS NULL
                    OR EXISTS (SELECT FROM nave.sessions s WHERE s.id = m.session_id AND s.project_id = $10))
               AND ($11::text IS NULL OR EXISTS (
                    SELECT FROM nave.sessions s JOIN nave.projects p ON p.id = s.project_id
                     WHERE s.id = m.session_id AND (p.org_id IS NULL OR p.org_id IN (
                        SELECT o.org_id FROM nave.organization_members o WHERE o.account_id = $11))))
             ORDER BY m.created_at DESC, m.id DESC
             LIMIT $3
            """
        )
    }
}
