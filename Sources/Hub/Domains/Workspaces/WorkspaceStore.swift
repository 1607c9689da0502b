import Foundation
import Postgres
import Protocol

/// What the hub remembers of workspaces.
struct WorkspaceStore: Sendable {
    let database: Database
    let commands: CommandStore

    func find(_ ids: [WorkspaceID]) async throws(Fault) -> [WorkspaceRecord] {
        try await database.query(SQL.findMany, [ids])
    }

    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func list(
        _ request: ListWorkspaces,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [WorkspaceRecord] {
        try await database.query(
            SQL.list,
            cursor.values + [request.projectId, request.spokeId, request.state, account]
        )
    }

    /// Orders the removal of a workspace in which nobody works; the spoke salvages, removes and tells.
    ///
    /// - Throws: `CONFLICT` while a session works in it.
    func remove(_ id: WorkspaceID) async throws(Fault) -> WorkspaceRecord {
        try await database.transaction { transaction async throws(Fault) -> WorkspaceRecord in
            guard let seen = try await transaction.query(SQL.findMany, [[id]]).first else {
                throw Fault(.notFound, "There is no workspace \(id); list them with workspace.list.")
            }
            if seen.state == .removed { return seen }
            guard let spoke = seen.spokeId else {
                throw Fault(.conflict, "The workspace's spoke is gone; nothing is left to remove.")
            }
            let order = RemoveWorkspace(commandId: .random(), workspaceId: id, reason: "asked for")
            try await commands.append(.workspaceRemove, order, id: order.commandId, to: spoke, in: transaction)
            guard let marked = try await transaction.first(SQL.markForRemoval, [id, spoke]) else {
                throw Fault(.conflict, "A session works in this workspace; abort it or wait for its end.")
            }
            return marked
        }
    }

    enum SQL {
        static let findMany = Statement<WorkspaceRecord>("SELECT * FROM nave.workspaces WHERE id = ANY ($1::text[])")

        static let list = Statement<WorkspaceRecord>(
            """
            SELECT * FROM nave.workspaces
             WHERE ($1::int8 IS NULL
                    OR (created_at, id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR project_id = $4) AND ($5::text IS NULL OR spoke_id = $5)
               AND (state = $6 OR ($6::text IS NULL AND state <> 'removed'))
               AND ($7::text IS NULL OR project_id IN (
                    SELECT p.id FROM nave.projects p
                     WHERE p.org_id IS NULL OR p.org_id IN (
                        SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $7)))
             ORDER BY created_at DESC, id DESC
             LIMIT $3
            """
        )

        static let markForRemoval = Statement<WorkspaceRecord>(
            """
            UPDATE nave.workspaces w SET state = 'salvaging'
             WHERE w.id = $1 AND w.spoke_id = $2 AND w.state IN ('ready', 'lost', 'salvaging')
               AND NOT EXISTS (SELECT FROM nave.mappings m WHERE m.workspace_id = w.id AND m.status = 'active')
            RETURNING *
            """
        )
    }
}
