import Foundation
import HubCore
import Protocol

/// Saved work, as callers may ask for it.
struct SalvageOperations: Sendable {
    let salvages: SalvageStore
    let spokes: SpokeStore
    let commands: CommandStore
    let workspaces: WorkspaceStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(ListSalvages.self, with: list)
        table.answer(RestoreSalvage.self, with: restore)
    }

    private func list(_ request: ListSalvages, by caller: Caller) async throws(Fault) -> ListSalvages.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let rows = try await salvages.list(request, seenBy: caller.confinedTo, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListSalvages.Output(salvages: page.items, nextCursor: page.next)
    }

    private func restore(_ request: RestoreSalvage, by caller: Caller) async throws(Fault) -> RestoreSalvage.Output {
        if let violation = request.branch.flatMap({ BranchName.violation(of: $0) }) {
            throw .invalid("branch", violation)
        }
        let seconds = request.deadlineSeconds ?? 60
        guard (1...600).contains(seconds) else { throw .invalid("deadlineSeconds", "must be between 1 and 600.") }
        let salvage = try await salvages.require(request.salvageId)
        let spoke = try await spoke(for: salvage, asked: request.spoke ?? caller.spokeName)
        let restoring = try await salvages.restore(salvage, on: spoke.id, branch: request.branch)
        let until = ContinuousClock.now + .seconds(seconds)
        let keys = [restoring.commandId.rawValue, restoring.workspaceId.rawValue]
        let done = try await Waiting.value(bell, keys: keys, until: until) { () async throws(Fault) in
            try await commands.completion(of: restoring.commandId)
        }
        guard let done else {
            throw Fault(
                .timeout,
                "The spoke has not answered yet, the order stands; find \(restoring.workspaceId) in workspace.list.",
                details: ["workspaceId": .string(restoring.workspaceId.rawValue)]
            )
        }
        if let error = done.error { throw error }
        let stored = try await workspaces.find([restoring.workspaceId]).first
        return RestoreSalvage.Output(
            workspaceId: restoring.workspaceId,
            spokeId: spoke.id,
            directory: done.result?["directory"]?.stringValue ?? stored?.directory ?? "",
            branch: stored?.branch ?? restoring.branch
        )
    }

    /// The spoke asked for, else the one that has the ref, else any connected one if there is a bundle to send.
    private func spoke(for salvage: SalvageRecord, asked: String?) async throws(Fault) -> SpokeRecord {
        let hasBundle = try await salvages.hasBundle(salvage.id)
        if let asked {
            let spoke = try await spokes.require(asked)
            guard spoke.id == salvage.spokeId || hasBundle else {
                throw Fault(.conflict, "Only the spoke that saved this work has it; leave the spoke out.")
            }
            return spoke
        }
        let own = try await spokes.find(salvage.spokeId.map { [$0] } ?? []).first
        if let own, own.status == .connected || !hasBundle { return own }
        let connected = try await spokes.list(ListSpokes(status: .connected), after: nil, limit: 1).first
        guard let spoke = hasBundle ? connected ?? own : own else {
            throw Fault(.unavailable, "No spoke that could bring this work back is left; join one.")
        }
        return spoke
    }
}
