import Protocol

/// The audit trail, as callers may ask for it.
struct AuditOperations: Sendable {
    let audit: AuditStore

    func register(in table: inout OperationTable) { table.answer(ListAudit.self, with: list) }

    private func list(_ request: ListAudit, by caller: Caller) async throws(Fault) -> AuditList {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let reader = caller.identity.holds("audit:admin") ? nil : caller.accountId
        let page = cursor.page(try await audit.list(request, seenBy: reader, cursor)) { ($0.createdAt, $0.id) }
        if page.items.isEmpty, request.cursor == nil { try await check(request, reader) }
        return AuditList(entries: page.items, nextCursor: page.next)
    }

    /// Whoever misspells a name must not read from an empty list that nothing was changed.
    private func check(_ request: ListAudit, _ reader: AccountID?) async throws(Fault) {
        if let account = request.account, try await !audit.knows(account: account, seenBy: reader) {
            throw Fault(
                .notFound,
                "There is no account “\(account.prefix(100))” whose lines you may read; see account.list."
            )
        }
        if let org = request.org, try await !audit.knows(organization: org, seenBy: reader) {
            throw OrganizationStore.unknown(org)
        }
    }
}
