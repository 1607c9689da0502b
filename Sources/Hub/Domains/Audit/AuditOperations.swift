import Protocol

/// The audit trail, as callers may ask for it.
struct AuditOperations: Sendable {
    let audit: AuditStore

    func register(in table: inout OperationTable) { table.answer(ListAudit.self, with: list) }

    private func list(_ request: ListAudit, by caller: Caller) async throws(Fault) -> AuditList {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let reader = caller.identity.holds("audit:admin") ? nil : caller.accountId
        let page = cursor.page(try await audit.list(request, seenBy: reader, cursor)) { ($0.createdAt, $0.id) }
        return AuditList(entries: page.items, nextCursor: page.next)
    }
}
