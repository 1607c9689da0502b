import Protocol

/// Mappings, as callers may ask for them. They are made by spawns and moved by sessions' ends, by nobody else.
struct MappingOperations: Sendable {
    let mappings: MappingStore

    func register(in table: inout OperationTable) {
        table.answer(GetMapping.self, with: get)
        table.answer(ListMappings.self, with: list)
    }

    private func get(_ request: GetMapping, by caller: Caller) async throws(Fault) -> MappingRecord {
        try await mappings.require(request.mappingId, seenBy: caller.confinedTo)
    }

    private func list(_ request: ListMappings, by caller: Caller) async throws(Fault) -> ListMappings.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let rows = try await mappings.list(request, seenBy: caller.confinedTo, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListMappings.Output(mappings: page.items, nextCursor: page.next)
    }
}
