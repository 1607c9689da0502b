import Protocol

/// Spokes, as callers may ask for them.
struct SpokeOperations: Sendable {
    let spokes: SpokeStore
    let losses: LossStore
    let projects: ProjectStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(ListSpokes.self, with: list)
        table.answer(GetSpoke.self, with: get)
        table.answer(UpdateSpoke.self, with: update)
        table.answer(SetSpokeDraining.self, with: drain)
        table.answer(RemoveSpoke.self, with: remove)
    }

    private func list(_ request: ListSpokes, by caller: Caller) async throws(Fault) -> ListSpokes.Output {
        let limit = try PageCursor.limit(request.limit)
        let after = try PageCursor.parts(of: request.cursor, count: 1)?[0]
        let rows = try await spokes.list(request, after: after, limit: limit + 1)
        let page = Array(rows.prefix(limit))
        let next = rows.count > limit ? page.last.map { PageCursor.text([$0.name]) } : nil
        return ListSpokes.Output(spokes: page, nextCursor: next)
    }

    private func get(_ request: GetSpoke, by caller: Caller) async throws(Fault) -> SpokeRecord {
        try await spokes.require(request.spoke)
    }

    private func update(_ request: UpdateSpoke, by caller: Caller) async throws(Fault) -> SpokeRecord {
        let spoke = try await spokes.require(request.spoke)
        guard let named = request.project else { return spoke }
        var project: ProjectID?
        if !named.isEmpty { project = try await projects.find(named, seenBy: caller.confinedTo).id }
        guard let changed = try await spokes.keep(spoke.id, for: project) else { throw Self.gone }
        return changed
    }

    private static var gone: Fault {
        Fault(.notFound, "The spoke was removed meanwhile; list them with spoke.list.")
    }

    private func drain(_ request: SetSpokeDraining, by caller: Caller) async throws(Fault) -> SpokeRecord {
        let spoke = try await spokes.require(request.spoke)
        guard let changed = try await spokes.setDraining(spoke.id, request.draining ?? true) else {
            throw Self.gone
        }
        return changed
    }

    private func remove(_ request: RemoveSpoke, by caller: Caller) async throws(Fault) -> Done {
        let spoke = try await spokes.require(request.spoke)
        let lost = try await losses.remove(spoke.id, endingSessions: request.lost == true)
        guard let lost else {
            throw Fault(
                .conflict,
                "“\(spoke.name)” is connected or has running sessions; stop it and wait for their end, or, if the "
                    + "machine is gone for good, remove it with lost: true."
            )
        }
        bell.ring(lost)
        return Done()
    }
}
