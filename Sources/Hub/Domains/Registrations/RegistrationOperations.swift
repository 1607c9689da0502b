import Protocol

/// Offers of operations and their definitions, as callers may ask for them. Spokes make them by saying hello.
struct RegistrationOperations: Sendable {
    let offers: OfferStore

    func register(in table: inout OperationTable) {
        table.answer(ListRegistrations.self, with: list)
        table.answer(DeleteOperation.self, with: delete)
    }

    private func list(_ request: ListRegistrations, by caller: Caller) async throws(Fault) -> ListRegistrations.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let page = cursor.page(try await offers.list(request, cursor)) { ($0.createdAt, $0.id) }
        return ListRegistrations.Output(registrations: page.items, nextCursor: page.next)
    }

    private func delete(_ request: DeleteOperation, by caller: Caller) async throws(Fault) -> DeleteOperation.Output {
        if let gone = try await offers.delete(request.operationId) { return gone }
        let providers = try await offers.providers(of: request.operationId)
        guard !providers.isEmpty else {
            let shown = request.operationId.prefix(100)
            throw Fault(.notFound, "There is no operation “\(shown)” to delete; list offers with registration.list.")
        }
        let named = Wording.naming(providers)
        throw Fault(
            .conflict,
            "“\(request.operationId)” is offered by \(named); take it out of their configuration or remove them first.",
            details: ["field": "operationId", "providers": .array(providers.map(JSONValue.string))]
        )
    }
}
