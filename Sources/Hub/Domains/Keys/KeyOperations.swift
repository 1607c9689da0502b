import Protocol

/// API keys, as callers may ask for them.
struct KeyOperations: Sendable {
    let keys: KeyStore
    let accounts: AccountStore
    let authenticator: Authenticator

    func register(in table: inout OperationTable) {
        table.answer(CreateKey.self, with: create)
        table.answer(ListKeys.self, with: list)
        table.answer(RevokeKey.self, with: revoke)
        table.answer(RotateKey.self, with: rotate)
        table.answer(UpdateKey.self, with: update)
    }

    private func create(_ request: CreateKey, by caller: Caller) async throws(Fault) -> IssuedKey {
        try Self.check(request)
        guard caller.identity.covers(scopes: request.scopes, resources: request.resources) else {
            throw Fault(.accessDenied, "A key cannot do more than the caller may; leave out what you do not hold.")
        }
        let asked = try Self.rate(request.callsPerSecond, request.callsBurst, caller)
        let rate = try CallRate.granted(asked, by: caller.principal.callRate)
        let owner = try await owner(request.account, caller)
        let secret = Secret(.key)
        let draft = KeyStore.Draft(
            owner: owner.id,
            name: request.name,
            scopes: request.scopes,
            resources: request.resources ?? [:],
            ttlSeconds: request.ttlSeconds,
            // What a session makes for itself ends with it.
            session: owner.id == caller.accountId ? caller.sessionId : nil,
            rate: rate
        )
        return IssuedKey(key: secret.revealed, record: try await keys.create(draft, secret: secret))
    }

    /// Whose key it will be: the caller's account, or another active one for those who look after all keys.
    private func owner(_ named: String?, _ caller: Caller) async throws(Fault) -> AccountRecord {
        let isOwn = named == nil || named == caller.accountId.rawValue
        if !isOwn { try caller.check(AccessControl.scopes("key:admin")) }
        let account = try await accounts.require(named ?? caller.accountId.rawValue)
        guard account.status == .active else {
            throw Fault(
                .conflict,
                "“\(account.email)” is \(account.status.rawValue), its keys are not accepted; activate it first.",
                details: ["field": "account"]
            )
        }
        return account
    }

    /// A rate as asked for; those of their own are set by whoever looks after all keys.
    private static func rate(
        _ perSecond: Double?,
        _ burst: Int?,
        _ caller: Caller,
        mayReset: Bool = false
    ) throws(Fault) -> CallRate? {
        guard let perSecond else {
            guard burst == nil else { throw .invalid("callsBurst", "goes with callsPerSecond.") }
            return nil
        }
        try caller.check(AccessControl.scopes("key:admin"))
        if mayReset, perSecond == 0 { return CallRate(perSecond: 0, burst: 1) }
        guard Limits.callRates.contains(perSecond) else {
            throw .invalid("callsPerSecond", "must be between 0.01 and 1000000.")
        }
        let burst = burst ?? Int(perSecond.rounded(.up))
        guard Limits.callBursts.contains(burst) else {
            throw .invalid("callsBurst", "must be between 1 and 1000000.")
        }
        return CallRate(perSecond: perSecond, burst: burst)
    }

    private func list(_ request: ListKeys, by caller: Caller) async throws(Fault) -> KeyList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let everyone = caller.identity.holds("key:admin")
        var owner = everyone ? nil : caller.accountId
        if let named = request.account, named != caller.accountId.rawValue {
            try caller.check(AccessControl.scopes("key:admin"))
            owner = try await accounts.require(named).id
        } else if request.account != nil {
            owner = caller.accountId
        }
        let found = try await keys.list(
            owner: owner,
            includeRevoked: request.includeRevoked ?? false,
            after: cursor?.first,
            limit: limit + 1
        )
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.id.rawValue]) } : nil
        return KeyList(keys: page, nextCursor: next)
    }

    private func revoke(_ request: RevokeKey, by caller: Caller) async throws(Fault) -> KeyRecord {
        _ = try await own(request.id, caller)
        guard let revoked = try await keys.revoke(request.id) else { throw Self.unknown(request.id) }
        authenticator.forget(.key(request.id))
        return revoked
    }

    private func rotate(_ request: RotateKey, by caller: Caller) async throws(Fault) -> IssuedKey {
        let overlap = request.overlapSeconds ?? 3_600
        guard (0...2_592_000).contains(overlap) else {
            throw .invalid("overlapSeconds", "must be between 0 and 2592000 (30 days).")
        }
        let old = try await own(request.id, caller)
        let oldRate = old.callsPerSecond.map { CallRate(perSecond: $0, burst: old.callsBurst ?? 0) }
        guard caller.principal.callRate?.covers(oldRate) ?? true,
            caller.identity.covers(scopes: old.scopes, resources: old.resources)
        else {
            throw Fault(.accessDenied, "The key can do more than the caller may; rotate it with its owner's key.")
        }
        let secret = Secret(.key)
        guard let record = try await keys.rotate(request.id, overlapSeconds: overlap, secret: secret) else {
            throw Fault(.conflict, "The key was revoked, rotated or has expired already; create another.")
        }
        authenticator.forget(.key(request.id))
        return IssuedKey(key: secret.revealed, record: record)
    }

    private func update(_ request: UpdateKey, by caller: Caller) async throws(Fault) -> KeyRecord {
        if let name = request.name {
            let violations = Wording.violations(ofName: name, at: "name")
            guard violations.isEmpty else { throw .invalid(violations) }
        }
        let rate = try Self.rate(request.callsPerSecond, request.callsBurst, caller, mayReset: true)
        if rate != nil { _ = try CallRate.granted(rate, by: caller.principal.callRate) }
        _ = try await own(request.id, caller)
        guard let changed = try await keys.update(request, rate: rate) else { throw Self.unknown(request.id) }
        authenticator.forget(.key(request.id))
        return changed
    }

    /// The key, if it is the caller's or the caller looks after all of them; another's does not exist for others.
    private func own(_ id: KeyID, _ caller: Caller) async throws(Fault) -> KeyRecord {
        guard let key = try await keys.find(id),
            key.ownerId == caller.accountId || caller.identity.holds("key:admin")
        else { throw Self.unknown(id) }
        return key
    }

    private static func unknown(_ id: KeyID) -> Fault {
        Fault(.notFound, "There is no key \(id); list them with key.list.")
    }

    private static func check(_ request: CreateKey) throws(Fault) {
        var violations = Wording.violations(ofName: request.name, at: "name")
        if request.scopes.count > 100 { violations.append(.init(path: "scopes", message: "must be 100 at most.")) }
        for (index, scope) in request.scopes.enumerated() where !Wording.isScope(scope) {
            let message = "must be namespace:read, namespace:write, namespace:admin or *."
            violations.append(.init(path: "scopes[\(index)]", message: message))
        }
        for (key, actions) in (request.resources ?? [:]).sorted(by: { $0.key < $1.key }) {
            if !key.contains(":") || key.hasPrefix(":") || Wording.hasControl(key) || actions.contains("") {
                violations.append(.init(path: "resources.\(key)", message: "must be actions by type:id."))
            }
        }
        if let ttl = request.ttlSeconds, !(1...315_360_000).contains(ttl) {
            violations.append(.init(path: "ttlSeconds", message: "must be between 1 and 315360000 (ten years)."))
        }
        guard violations.isEmpty else { throw .invalid(violations) }
    }
}
