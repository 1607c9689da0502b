import Protocol

/// Clients' secrets, as callers may ask for them: set, listed, forgotten, sealed anew, never read.
struct SecretOperations: Sendable {
    let secrets: SecretStore
    let clients: ClientStore

    func register(in table: inout OperationTable) {
        table.answer(SetSecret.self, with: set)
        table.answer(ListSecrets.self, with: list)
        table.answer(DeleteSecret.self, with: delete)
        table.answer(RotateSecrets.self, with: rotate)
    }

    private func set(_ request: SetSecret, by caller: Caller) async throws(Fault) -> SecretRecord {
        var violations: [Fault.Violation] = []
        if !Wording.isIdentifier(request.key, bytes: 100) {
            violations.append(.init(path: "key", message: "must be a name such as apiKey."))
        }
        if request.value.isEmpty { violations.append(.init(path: "value", message: "must not be empty.")) }
        if let ttl = request.ttlSeconds, !(1...315_360_000).contains(ttl) {
            violations.append(.init(path: "ttlSeconds", message: "must be between 1 and 315360000 (ten years)."))
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        guard request.value.utf8.count <= Limits.secretBytes else {
            throw Fault(.tooLarge, "A secret has at most \(Limits.secretBytes) bytes.")
        }
        let client = try await clients.require(request.client, seenBy: caller.confinedTo)
        return try await secrets.set(request, of: client.id)
    }

    private func list(_ request: ListSecrets, by caller: Caller) async throws(Fault) -> SecretList {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 2)
        var client: ClientID?
        if let named = request.client { client = try await clients.require(named, seenBy: caller.confinedTo).id }
        let found = try await secrets.list(
            of: client,
            seenBy: caller.confinedTo,
            after: cursor,
            limit: limit + 1
        )
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.client, $0.key]) } : nil
        return SecretList(secrets: page, nextCursor: next)
    }

    private func delete(_ request: DeleteSecret, by caller: Caller) async throws(Fault) -> SecretRecord {
        let client = try await clients.require(request.client, seenBy: caller.confinedTo)
        guard let deleted = try await secrets.delete(request.key, of: client.id) else {
            throw Fault(
                .notFound,
                "“\(client.name)” has no secret “\(request.key.prefix(100))”; list them with secret.list."
            )
        }
        return deleted
    }

    private func rotate(_ request: RotateSecrets, by caller: Caller) async throws(Fault) -> RotateSecrets.Output {
        guard (request.limit ?? 1) > 0 else { throw .invalid("limit", "must be at least 1.") }
        return try await secrets.rotate(limit: request.limit)
    }
}
