import Logging
import Protocol
import SpokeCore

/// Everything that this spoke offers to callers, put together.
struct SpokeOffers: Sendable {
    let desk: OperationDesk
    let programs: ProgramRunner

    /// - Parameter name: the spoke's own.
    init(name: String, surroundings: SessionSurroundings, sessions: Sessions) {
        let journal = surroundings.journal
        let secrets: @Sendable () async -> SecretPatterns = { await journal.secrets }
        let premises = Premises(
            worktrees: surroundings.worktrees,
            policy: surroundings.policy,
            workspaceOfSession: { await sessions.running($0)?.order.workspace.workspaceId },
            secrets: secrets
        )
        programs = ProgramRunner(
            root: surroundings.paths.programs,
            supervisor: surroundings.supervisor,
            cgroups: surroundings.cgroups,
            logger: surroundings.logger
        )
        var table = SpokeOperations()
        FileAnswers(premises: premises).register(in: &table)
        GitAnswers(premises: premises).register(in: &table)
        ProcessAnswers(
            premises: premises,
            runner: programs,
            surroundings: ProgramSurroundings(own: surroundings.environment)
        ).register(in: &table)
        HostAnswers(
            name: name,
            dataDirectory: surroundings.paths.root,
            sessionsRunning: { await sessions.count }
        ).register(in: &table)
        desk = OperationDesk(table, policy: surroundings.policy, secrets: secrets)
    }
}
