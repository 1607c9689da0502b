import Protocol

/// Workspaces, as callers may ask for them.
struct WorkspaceOperations: Sendable {
    let workspaces: WorkspaceStore

    func register(in table: inout OperationTable) {
        table.answer(ListWorkspaces.self, with: list)
        table.answer(RemoveWorktree.self, with: remove)
    }

    private func list(_ request: ListWorkspaces, by caller: Caller) async throws(Fault) -> ListWorkspaces.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let rows = try await workspaces.list(request, seenBy: caller.confinedTo, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListWorkspaces.Output(workspaces: page.items, nextCursor: page.next)
    }

    private func remove(_ request: RemoveWorktree, by caller: Caller) async throws(Fault) -> WorkspaceRecord {
        try await workspaces.remove(request.workspaceId)
    }
}
