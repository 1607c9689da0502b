import Foundation
import Protocol
import SpokeCore

/// What this spoke does when a branch is to be landed.
struct GitLandings: Sendable {
    let premises: Premises
    private var worktrees: Worktrees { premises.worktrees }

    func register(in table: inout SpokeOperations) {
        table.answer(GitLand.self) { (request, _) async throws(Fault) in try await land(request) }
    }

    private func land(_ request: GitLand) async throws(Fault) -> GitLand.Output {
        if let flaw = BranchName.violation(of: request.into) { throw Fault.invalid("into", flaw) }
        let into = try BranchName(short: request.into)
        let strategy = request.strategy ?? .merge
        let message = try request.message.map { text throws(Fault) in try GitWords.message(text) }
        guard message == nil || strategy == .merge || strategy == .squash else {
            throw Fault.invalid("message", "is for merge and squash; \(strategy.rawValue) makes no commit of its own.")
        }
        // Not held in its place: what is gone as a worktree may still be there as a branch.
        let workspace = try await premises.workspace(request.workspaceId, request.sessionId)
        let record = try await worktrees.record(of: workspace)
        return try await worktrees.land(
            LandingOrder(
                record: record,
                into: into,
                strategy: strategy,
                message: message,
                dryRun: request.dryRun ?? false,
                pushes: try await pushes(request, record),
                force: request.force ?? false
            )
        )
    }

    /// Whether the landing is sent to the origin, if the owner lets it be.
    ///
    /// - Throws: `ACCESS_DENIED` if the owner does not.
    private func pushes(_ request: GitLand, _ record: WorktreeRecord) async throws(Fault) -> Bool {
        let policy = try await premises.policy.current()
        if let objection = policy.objection(toRepository: record.repository) { throw objection }
        let pushes: Bool
        if let asked = request.push { pushes = asked } else { pushes = try worktrees.isSentTo(record.repository) }
        if pushes, let objection = policy.objection(toOperation: GitPush.name) { throw objection }
        return pushes
    }
}
