import Protocol

/// Sessions and workspaces as they are looked after: renamed, shown, removed once they were put away.
struct SessionKeepingOperations: Sendable {
    let sessions: SessionStore
    let keeping: SessionKeepingStore
    let workspaces: WorkspaceStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(UpdateSession.self, with: update)
        table.answer(DeleteSession.self, with: delete)
        table.answer(GetWorkspace.self, with: workspace)
    }

    private func update(_ request: UpdateSession, by caller: Caller) async throws(Fault) -> SessionRecord {
        var violations = request.title.map { Wording.violations(ofName: $0, at: "title") } ?? []
        if let role = request.roleName {
            violations += Wording.violations(ofText: role, at: "roleName", bytes: Limits.nameBytes)
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        let session = try await sessions.require(request.sessionId)
        guard let changed = try await keeping.update(session.id, request) else { throw Self.gone(session) }
        bell.ring([changed.id.rawValue])
        return changed
    }

    private func delete(_ request: DeleteSession, by caller: Caller) async throws(Fault) -> SessionRecord {
        let session = try await sessions.require(request.sessionId)
        if try await keeping.delete(session.id) {
            bell.ring([session.id.rawValue])
            return session
        }
        let now = try await sessions.require(session.id.rawValue)
        throw Fault(
            .invalidTransition,
            "Session “\(now.slug)” is \(now.status.rawValue); put it away with session.archive before it is deleted.",
            details: ["status": .string(now.status.rawValue)]
        )
    }

    private func workspace(_ request: GetWorkspace, by caller: Caller) async throws(Fault) -> WorkspaceRecord {
        if let found = try await workspaces.find([request.workspaceId]).first { return found }
        throw Fault(
            .notFound,
            "There is no workspace \(request.workspaceId.rawValue.prefix(100)); list them with workspace.list."
        )
    }

    private static func gone(_ session: SessionRecord) -> Fault {
        Fault(.notFound, "Session “\(session.slug)” was removed meanwhile; list them with session.list.")
    }
}
