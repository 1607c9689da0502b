import Protocol

/// Join tokens, as callers may ask for them.
struct JoinTokenOperations: Sendable {
    let tokens: JoinTokenStore

    func register(in table: inout OperationTable) {
        table.answer(CreateJoinToken.self, with: create)
        table.answer(ListJoinTokens.self, with: list)
        table.answer(RevokeJoinToken.self, with: revoke)
    }

    private func create(_ request: CreateJoinToken, by caller: Caller) async throws(Fault) -> IssuedJoinToken {
        let (ttl, uses, labels) = (request.ttlSeconds ?? 3_600, request.uses ?? 1, request.labels ?? [:])
        var violations: [Fault.Violation] = []
        if !(1...2_592_000).contains(ttl) {
            violations.append(.init(path: "ttlSeconds", message: "must be between 1 and 2592000 (30 days)."))
        }
        if !(1...10_000).contains(uses) {
            violations.append(.init(path: "uses", message: "must be between 1 and 10000."))
        }
        if labels.count > 64 { violations.append(.init(path: "labels", message: "must be 64 at most.")) }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            if !Wording.isIdentifier(key, bytes: 64) {
                violations.append(
                    .init(path: "labels.\(key)", message: "must have a key of letters, digits, dots and dashes.")
                )
            }
            violations += Wording.violations(ofText: value, at: "labels.\(key)", bytes: Limits.nameBytes)
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        let secret = Secret(.joinToken)
        let stored = try await tokens.create(
            secret,
            by: caller.accountId,
            ttlSeconds: ttl,
            uses: uses,
            labels: labels
        )
        return IssuedJoinToken(token: secret.revealed, expiresAt: stored.expiresAt, id: stored.id)
    }

    private func list(_ request: ListJoinTokens, by caller: Caller) async throws(Fault) -> JoinTokenList {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let page = cursor.page(try await tokens.list(cursor)) { ($0.expiresAt, $0.id.rawValue) }
        return JoinTokenList(tokens: page.items, nextCursor: page.next)
    }

    private func revoke(_ request: RevokeJoinToken, by caller: Caller) async throws(Fault) -> JoinTokenRecord {
        guard let revoked = try await tokens.revoke(request.id) else {
            throw Fault(.notFound, "There is no join token \(request.id); list them with token.list.")
        }
        return revoked
    }
}
