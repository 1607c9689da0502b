import Protocol

/// Accounts, as callers may ask for them.
struct AccountOperations: Sendable {
    let accounts: AccountStore

    func register(in table: inout OperationTable) {
        table.answer(GetAccount.self, with: get)
    }

    private func get(_ request: GetAccount, by caller: Caller) async throws(Fault) -> AccountSelf {
        guard let account = try await accounts.find(caller.accountId) else {
            throw Fault(.notFound, "The account \(caller.accountId) was removed; use a key of another.")
        }
        return AccountSelf(
            account: account,
            scopes: caller.identity.scopes,
            resources: caller.identity.resources ?? [:],
            keyId: caller.keyId,
            sessionId: caller.sessionId,
            spokeId: caller.spokeId
        )
    }
}
