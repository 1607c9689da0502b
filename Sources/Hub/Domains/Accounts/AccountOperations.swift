import HubCore
import Protocol

/// Accounts, as callers may ask for them.
struct AccountOperations: Sendable {
    let accounts: AccountStore
    let authenticator: Authenticator

    func register(in table: inout OperationTable) {
        table.answer(GetAccount.self, with: get)
        table.answer(ListAccounts.self, with: list)
        table.answer(CreateAccount.self, with: create)
        table.answer(UpdateAccount.self, with: update)
        table.answer(SuspendAccount.self, with: suspend)
        table.answer(ActivateAccount.self, with: activate)
        table.answer(DeactivateAccount.self, with: deactivate)
        table.answer(DeleteAccount.self, with: delete)
    }

    private func get(_ request: GetAccount, by caller: Caller) async throws(Fault) -> AccountSelf {
        let account = try await account(request.account, caller, others: "account:read")
        return AccountSelf(
            account: account,
            scopes: caller.identity.scopes,
            resources: caller.identity.resources ?? [:],
            keyId: caller.keyId,
            sessionId: caller.sessionId,
            spokeId: caller.spokeId
        )
    }

    private func list(_ request: ListAccounts, by caller: Caller) async throws(Fault) -> AccountList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let found = try await accounts.list(request, after: cursor?.first, limit: limit + 1)
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.email]) } : nil
        return AccountList(accounts: page, nextCursor: next)
    }

    private func create(_ request: CreateAccount, by caller: Caller) async throws(Fault) -> AccountRecord {
        var request = request
        request.email = request.email.lowercased()
        let violations =
            Self.violations(email: request.email)
            + Self.violations(displayName: request.displayName, giteaUsername: request.giteaUsername)
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await accounts.create(request)
    }

    private func update(_ request: UpdateAccount, by caller: Caller) async throws(Fault) -> AccountRecord {
        var request = request
        request.email = request.email?.lowercased()
        let violations =
            (request.email.map(Self.violations(email:)) ?? [])
            + Self.violations(displayName: request.displayName, giteaUsername: request.giteaUsername)
        guard violations.isEmpty else { throw .invalid(violations) }
        let isFree = request.email == nil && request.accessLevel == nil && request.giteaUsername == nil
        if !isFree { try caller.check(AccessControl.scopes("account:admin")) }
        let account = try await account(request.account, caller, others: "account:admin")
        if let updated = try await accounts.update(account.id, request) { return updated }
        throw try await Self.lastAdministrator(accounts.require(account.id.rawValue))
    }

    private func suspend(_ request: SuspendAccount, by caller: Caller) async throws(Fault) -> AccountRecord {
        try await move(accounts.require(request.account), to: .suspended)
    }

    private func activate(_ request: ActivateAccount, by caller: Caller) async throws(Fault) -> AccountRecord {
        try await move(accounts.require(request.account), to: .active)
    }

    private func deactivate(_ request: DeactivateAccount, by caller: Caller) async throws(Fault) -> AccountRecord {
        try await move(account(request.account, caller, others: "account:admin"), to: .deactivated)
    }

    private func delete(_ request: DeleteAccount, by caller: Caller) async throws(Fault) -> AccountRecord {
        let account = try await accounts.require(request.account)
        guard account.id != caller.accountId else {
            throw Fault(
                .conflict,
                "Nobody deletes their own account, because the trail must say who it was; give it up with "
                    + "account.deactivate, or let another administrator delete it.",
                details: ["field": "account"]
            )
        }
        guard let use = try await accounts.delete(account.id) else {
            authenticator.forget(.account(account.id))
            return account
        }
        throw use.isEmpty ? Self.lastAdministrator(account) : use.fault(account)
    }

    /// The account that a request names; the caller's own if it names none. For another's the scope is needed, which is
    /// asked for before the look-up: who may not ask is not told who exists.
    private func account(
        _ named: String?,
        _ caller: Caller,
        others scope: String
    ) async throws(Fault) -> AccountRecord {
        let own = try await own(caller)
        guard let named, named != own.id.rawValue, named.lowercased() != own.email else { return own }
        try caller.check(AccessControl.scopes(scope))
        return try await accounts.require(named)
    }

    private func own(_ caller: Caller) async throws(Fault) -> AccountRecord {
        guard let account = try await accounts.find(caller.accountId) else {
            throw Fault(.notFound, "The account \(caller.accountId) was removed; use a key of another.")
        }
        return account
    }

    private func move(_ account: AccountRecord, to status: AccountStatus) async throws(Fault) -> AccountRecord {
        guard AccountLifecycle.mayBecome(status, from: account.status) else { throw Self.stuck(account, status) }
        let origins = AccountLifecycle.origins(of: status)
        if let moved = try await accounts.move(account.id, to: status, from: origins) {
            authenticator.forget(.account(account.id))
            return moved
        }
        let now = try await accounts.require(account.id.rawValue)
        throw origins.contains(now.status) ? Self.lastAdministrator(now) : Self.stuck(now, status)
    }

    private static func stuck(_ account: AccountRecord, _ status: AccountStatus) -> Fault {
        Fault(
            .invalidTransition,
            "“\(account.email)” is \(account.status.rawValue); it cannot become \(status.rawValue).",
            details: ["status": .string(account.status.rawValue)]
        )
    }

    private static func lastAdministrator(_ account: AccountRecord) -> Fault {
        Fault(
            .conflict,
            "“\(account.email)” is the last active administrator; make another account admin first.",
            details: ["field": "account"]
        )
    }

    private static func violations(email: String) -> [Fault.Violation] {
        let found = Wording.violations(ofName: email, at: "email")
        let parts = email.split(separator: "@", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty && !email.contains(" ")
            && email.utf8.count <= 254
        guard found.isEmpty, !isAddress, email != AccountStore.administrator else { return found }
        return [.init(path: "email", message: "must be an address such as ada@example.org.")]
    }

    private static func violations(displayName: String?, giteaUsername: String?) -> [Fault.Violation] {
        (displayName.map { Wording.violations(ofText: $0, at: "displayName", bytes: Limits.nameBytes) } ?? [])
            + (giteaUsername.map { Wording.violations(ofName: $0, at: "giteaUsername") } ?? [])
    }
}
