import Postgres
import Protocol

/// Changes sessions as people ask for it; what sessions do themselves is written from their spokes' journals.
struct SessionKeepingStore: Sendable {
    let database: Database

    /// The session as changed; what is `nil` stays as it is. `nil` if it is gone.
    func update(_ id: SessionID, _ request: UpdateSession) async throws(Fault) -> SessionRecord? {
        try await database.first(SQL.update, [id, request.title, request.roleName])
    }

    /// Removes a session that was put away; `false` if it was not, or is gone.
    func delete(_ id: SessionID) async throws(Fault) -> Bool { try await database.execute(SQL.delete, [id]) == 1 }

    enum SQL {
        static let update = Statement<SessionRecord>(
            """
            UPDATE nave.sessions
               SET title = coalesce($2, title), role_name = CASE WHEN $3 = '' THEN NULL ELSE coalesce($3, role_name) END
             WHERE id = $1
            RETURNING *
            """
        )

        /// What belongs to it goes with it by its foreign keys; its worktree and what was salvaged of it do not.
        static let delete = Statement<Void>("DELETE FROM nave.sessions WHERE id = $1 AND status = 'archived'")
    }
}
