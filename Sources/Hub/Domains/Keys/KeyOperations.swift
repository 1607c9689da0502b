import Protocol

/// API keys, as callers may ask for them.
struct KeyOperations: Sendable {
    let keys: KeyStore
    let authenticator: Authenticator

    func register(in table: inout OperationTable) {
        table.answer(CreateKey.self, with: create)
        table.answer(ListKeys.self, with: list)
        table.answer(RevokeKey.self, with: revoke)
        table.answer(RotateKey.self, with: rotate)
    }

    private func create(_ request: CreateKey, by caller: Caller) async throws(Fault) -> IssuedKey {
        try Self.check(request)
        guard caller.identity.covers(scopes: request.scopes, resources: request.resources) else {
            throw Fault(.accessDenied, "A key cannot do more than the caller may; leave out what you do not hold.")
        }
        let secret = Secret(.key)
        let draft = KeyStore.Draft(
            owner: caller.accountId,
            name: request.name,
            scopes: request.scopes,
            resources: request.resources ?? [:],
            ttlSeconds: request.ttlSeconds
        )
        return IssuedKey(key: secret.revealed, record: try await keys.create(draft, secret: secret))
    }

    private func list(_ request: ListKeys, by caller: Caller) async throws(Fault) -> KeyList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let everyone = caller.identity.holds("key:admin")
        let found = try await keys.list(
            owner: everyone ? nil : caller.accountId,
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
        authenticator.forget(request.id)
        return revoked
    }

    private func rotate(_ request: RotateKey, by caller: Caller) async throws(Fault) -> IssuedKey {
        let overlap = request.overlapSeconds ?? 3_600
        guard (0...2_592_000).contains(overlap) else {
            throw .invalid("overlapSeconds", "must be between 0 and 2592000 (30 days).")
        }
        let old = try await own(request.id, caller)
        guard caller.identity.covers(scopes: old.scopes, resources: old.resources) else {
            throw Fault(.accessDenied, "The key can do more than the caller may; rotate it with its owner's key.")
        }
        let secret = Secret(.key)
        guard let record = try await keys.rotate(request.id, overlapSeconds: overlap, secret: secret) else {
            throw Fault(.conflict, "The key was revoked, rotated or has expired already; create another.")
        }
        authenticator.forget(request.id)
        return IssuedKey(key: secret.revealed, record: record)
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
