import Foundation
import Postgres
import Protocol

/// What the hub remembers of saved work.
struct SalvageStore: Sendable {
    let database: Database
    let commands: CommandStore

    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func list(
        _ request: ListSalvages,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [SalvageRecord] {
        try await database.query(SQL.list, cursor.values + [request.projectId, request.workspaceId, account])
    }

    func require(_ id: SalvageID) async throws(Fault) -> SalvageRecord {
        guard let salvage = try await database.first(SQL.find, [id]) else {
            throw Fault(.notFound, "There is no salvage \(id); list them with salvage.list.")
        }
        return salvage
    }

    /// Whether any spoke could bring it back, not only the one that has the ref.
    func hasBundle(_ id: SalvageID) async throws(Fault) -> Bool {
        try await database.first(SQL.hasBundle, [id]) ?? false
    }

    /// Orders a salvage to be brought back on a spoke as a worktree of its own.
    func restore(_ salvage: SalvageRecord, on spoke: SpokeID, branch: String?) async throws(Fault) -> Restoring {
        let workspace = WorkspaceID.random()
        let chosen = branch ?? "restore/\(salvage.branch)-\(workspace.rawValue.suffix(8))"
        return try await database.transaction { transaction async throws(Fault) -> Restoring in
            guard let material = try await transaction.first(SQL.material, [salvage.id]) else {
                throw Fault(.notFound, "The salvage was removed meanwhile; list them with salvage.list.")
            }
            let order = RestoreWorkspace(
                commandId: .random(),
                workspace: WorkspaceOrder(
                    workspaceId: workspace,
                    projectId: salvage.projectId,
                    repository: material.repository,
                    defaultBranch: material.defaultBranch,
                    branch: chosen,
                    base: salvage.parents.first,
                    keep: .always
                ),
                ref: salvage.ref,
                commit: salvage.commit,
                bundle: spoke == salvage.spokeId ? nil : material.bundle
            )
            try await commands.append(.workspaceRestore, order, id: order.commandId, to: spoke, in: transaction)
            try await transaction.execute(
                SQL.place,
                [workspace, salvage.projectId, spoke, chosen, salvage.parents.first, salvage.ref]
            )
            return Restoring(commandId: order.commandId, workspaceId: workspace, branch: chosen)
        }
    }

    /// Forgets what expired; answers how many.
    @discardableResult
    func prune() async throws(Fault) -> Int { try await database.execute(SQL.prune) }

    /// A restore under way.
    struct Restoring: Sendable {
        var commandId: CommandID
        var workspaceId: WorkspaceID
        var branch: String
    }

    struct Material: RowDecodable {
        var repository: String
        var defaultBranch: String
        var bundle: Data?

        init(_ row: Row) throws(Fault) {
            repository = try row["repository"]
            defaultBranch = try row["default_branch"]
            bundle = try row["bundle"]
        }
    }

    enum SQL {
        static let list = Statement<SalvageRecord>(
            """
            SELECT id, workspace_id, project_id, spoke_id, ref, commit, parents, branch, files, bytes, expires_at,
                   restored_at, created_at
              FROM nave.salvages
             WHERE ($1::int8 IS NULL
                    OR (created_at, id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR project_id = $4) AND ($5::text IS NULL OR workspace_id = $5)
               AND ($6::text IS NULL OR project_id IN (
                    SELECT p.id FROM nave.projects p
                     WHERE p.org_id IS NULL OR p.org_id IN (
                        SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $6)))
             ORDER BY created_at DESC, id DESC
             LIMIT $3
            """
        )

        static let find = Statement<SalvageRecord>(
            """
            SELECT id, workspace_id, project_id, spoke_id, ref, commit, parents, branch, files, bytes, expires_at,
                   restored_at, created_at
              FROM nave.salvages WHERE id = $1
            """
        )

        static let hasBundle = Statement<Bool>("SELECT bundle IS NOT NULL FROM nave.salvages WHERE id = $1")

        static let material = Statement<Material>(
            """
            SELECT coalesce(p.repo_url, p.directory) AS repository, p.default_branch, v.bundle
              FROM nave.salvages v JOIN nave.projects p ON p.id = v.project_id
             WHERE v.id = $1
            """
        )

        static let place = Statement<Void>(
            """
            INSERT INTO nave.workspaces (id, project_id, spoke_id, name, branch, base_ref, state, salvage_ref)
            VALUES ($1, $2, $3, $4, $4, $5, 'pending', $6)
            """
        )

        static let prune = Statement<Void>(
            """
            DELETE FROM nave.salvages
             WHERE id IN (SELECT id FROM nave.salvages WHERE expires_at < now() ORDER BY expires_at LIMIT 500)
            """
        )
    }
}
