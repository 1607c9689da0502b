import Foundation
import HubCore
import Postgres
import Protocol

/// Brings sessions into being and places them.
///
/// A slot is taken under the lock of the spoke's row, in the transaction that writes the order to start: two hubs that
/// choose the same last slot at the same time cannot both get it.
struct SpawnStore: Sendable {
    let database: Database
    let spokes: SpokeStore
    let commands: CommandStore

    /// How often another spoke is tried when the chosen one filled up meanwhile.
    private static let choices = 4

    /// Session, workspace, mapping and order in one transaction; without a free spoke, the first three.
    func spawn(_ draft: SpawnDraft) async throws(Fault) -> SpawnedSession {
        do {
            return try await database.transaction { transaction async throws(Fault) -> SpawnedSession in
                if let earlier = try await repeated(draft, in: transaction) { return earlier }
                return try await spawn(draft, in: transaction)
            }
        } catch {
            // Of two calls with one key the slower finds the other's session.
            guard error.details?["constraint"]?.stringValue == "unq_sessions_idempotency_key" else { throw error }
            return try await spawn(draft)
        }
    }

    private func repeated(
        _ draft: SpawnDraft,
        in transaction: Transaction
    ) async throws(Fault) -> SpawnedSession? {
        guard let key = draft.order.idempotencyKey else { return nil }
        let values: [(any Bindable)?] = [draft.account, key]
        guard let earlier = try await transaction.first(SQL.repeated, values) else { return nil }
        guard earlier.project == draft.project.id, earlier.run == draft.run else {
            throw Fault(
                .conflict,
                "This idempotency key belongs to another spawn; use a new one.",
                details: ["field": "idempotencyKey"]
            )
        }
        return earlier.session
    }

    private func spawn(_ draft: SpawnDraft, in transaction: Transaction) async throws(Fault) -> SpawnedSession {
        if let parent = draft.parent, try await transaction.first(SQL.exists, [parent]) == nil {
            throw Fault(.notFound, "There is no session “\(parent)” to be the parent; leave it out or name one.")
        }
        var draft = draft
        if let wanted = draft.order.taskId?.rawValue ?? draft.order.task {
            draft.take(try await TaskMoveStore.take(wanted, in: draft.project.id, transaction))
        }
        let reused = try await reusable(draft, in: transaction)
        let branch: String
        if let reused {
            draft.workspaceId = reused.id
            branch = reused.branch ?? draft.project.defaultBranch
        } else {
            branch = try await freeBranch(draft, in: transaction)
        }
        let ask = PlacementAsk(
            projectId: draft.project.id,
            target: draft.order.target ?? SpokeTarget(),
            pinned: reused?.spokeId,
            agent: WantedAgent(draft.run)
        )
        try await requireTarget(ask, in: transaction)
        let spoke = try await choose(ask, in: transaction)
        try await transaction.execute(SQL.insert, values(draft, branch: branch, spoke: spoke, isReuse: reused != nil))
        if let task = draft.task { try await TaskMoveStore.begin(task.id, with: draft.mappingId, transaction) }
        if let spoke {
            try await start(draft.sessionId, on: spoke, in: transaction)
        } else {
            try await transaction.execute(SQL.wake, [Ending.placementChannel])
        }
        return SpawnedSession(
            sessionId: draft.sessionId,
            mappingId: draft.mappingId,
            workspaceId: draft.workspaceId,
            spokeId: spoke,
            branch: branch,
            status: .active
        )
    }

    /// A spoke that is named must exist: waiting for a misspelt name would be waiting for ever.
    private func requireTarget(_ ask: PlacementAsk, in transaction: Transaction) async throws(Fault) {
        guard let wanted = ask.target.spokeId?.rawValue ?? ask.target.spokeName else { return }
        if try await transaction.first(SpokeStore.SQL.find, [wanted]) != nil { return }
        let names = try await transaction.query(SpokeStore.SQL.names)
        throw Nearness.notFound("spoke", wanted, among: names, listedBy: "spoke.list")
    }

    /// The spoke that takes the session, its row locked; `nil` if none can.
    private func choose(_ ask: PlacementAsk, in transaction: Transaction) async throws(Fault) -> SpokeID? {
        for _ in 0..<Self.choices {
            let facts = try await spokes.facts(for: ask.projectId, onlyFree: true, in: transaction)
            guard case .place(let spoke) = Placement.decide(ask, among: facts) else { return nil }
            let held = try await spokes.lockedFacts(spoke, for: ask.projectId, in: transaction)
            if let held, Placement.refusal(of: held, for: ask) == nil { return spoke }
        }
        return nil
    }

    private func reusable(
        _ draft: SpawnDraft,
        in transaction: Transaction
    ) async throws(Fault) -> WorkspaceRecord? {
        guard draft.mode == .reuse, let id = draft.order.worktree?.workspaceId else { return nil }
        guard let workspace = try await transaction.first(SQL.reuse, [id, draft.project.id]) else {
            throw Fault(
                .conflict,
                "Workspace \(id) is not a free worktree of this project; list them with workspace.list."
            )
        }
        return workspace
    }

    /// The branch asked for, or `wt/<name>` if nobody ever worked on it, or that with the session's tag.
    private func freeBranch(_ draft: SpawnDraft, in transaction: Transaction) async throws(Fault) -> String {
        if let branch = draft.branch { return branch }
        let branch = "wt/\(draft.name)"
        try await transaction.execute(SQL.lockBranch, ["\(draft.project.id) \(branch)"])
        let isTaken = try await transaction.first(SQL.isTaken, [draft.project.id, branch]) ?? false
        return isTaken ? "\(branch)-\(draft.tag)" : branch
    }

    private func values(
        _ draft: SpawnDraft,
        branch: String,
        spoke: SpokeID?,
        isReuse: Bool
    ) -> [(any Bindable)?] {
        let order = draft.order
        let choice = WorktreeChoice(mode: draft.mode, workspaceId: nil, keep: draft.keep)
        return [
            draft.sessionId, draft.mappingId, draft.workspaceId, draft.project.id, spoke, draft.parent, draft.account,
            "\(draft.name)-\(draft.tag)", draft.title, spoke == nil ? 0 : 1, JSON(draft.run), JSON(order.env ?? [:]),
            JSON(choice), JSON(order.target ?? SpokeTarget()), order.grants ?? [],
            draft.priority, order.timeoutSeconds, order.disconnectPolicy.map { JSON($0) }, branch, order.base,
            draft.task?.slug, draft.task?.id, order.idempotencyKey, isReuse, draft.name,
            JSON(draft.traceparent.map { ["traceparent": $0] } ?? [:]),
        ]
    }
}
