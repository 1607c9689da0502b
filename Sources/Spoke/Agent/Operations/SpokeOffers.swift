import Logging
import Protocol
import SpokeCore

/// Everything that this spoke offers to callers, put together.
struct SpokeOffers: Sendable {
    let desk: OperationDesk
    let programs: ProgramRunner
    let surroundings: ProgramSurroundings
    /// The agents that sessions may run.
    let agents: AgentProfiles
    private let premises: Premises
    /// What every spoke offers.
    private let builtIn: SpokeOperations

    /// - Parameter name: the spoke's own.
    /// - Throws: `VALIDATION_ERROR` for an operation of the owner's that cannot be offered.
    init(name: String, surroundings: SessionSurroundings, sessions: Sessions) throws(Fault) {
        let journal = surroundings.journal
        let secrets: @Sendable () async -> SecretPatterns = { journal.patterns }
        premises = Premises(
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
        let paths = surroundings.paths
        self.surroundings = ProgramSurroundings(own: surroundings.environment) { session in
            guard let run = await sessions.running(session) else { return [:] }
            let folder = SessionFolder(root: paths.sessions, id: session, fence: run.order.fence)
            return SessionEnvironment.proof(of: session, at: paths.socket, "\(folder.path)/token")
        }
        agents = surroundings.agents
        var table = SpokeOperations()
        FileAnswers(premises: premises).register(in: &table)
        GitAnswers(premises: premises).register(in: &table)
        ProcessAnswers(premises: premises, runner: programs, surroundings: self.surroundings).register(in: &table)
        HostAnswers(
            name: name,
            dataDirectory: surroundings.paths.root,
            sessionsRunning: { await sessions.count }
        ).register(in: &table)
        builtIn = table
        desk = OperationDesk(table, agents: surroundings.agents, policy: surroundings.policy, secrets: secrets)
        desk.replace(try self.table(of: surroundings.configuration.own, tools: []))
    }

    /// The whole table: what every spoke has, what the owner added, and the tools of the owner's servers.
    ///
    /// - Throws: `VALIDATION_ERROR` or `CONFLICT` for an operation that cannot be offered, `TOO_LARGE` for too many.
    func table(of own: OwnOperations, tools: [SpokeOperations.Entry]) throws(Fault) -> SpokeOperations {
        var table = builtIn
        try CommandAnswers(
            premises: premises,
            runner: programs,
            surroundings: surroundings,
            scratch: programs.root
        ).register(own.commands, in: &table)
        for tool in tools { try table.offer(tool) }
        guard table.specBytes <= Limits.specBytes else {
            throw Fault(
                .tooLarge,
                "The descriptions of all operations take more than \(Limits.specBytes) bytes; offer fewer."
            )
        }
        return table
    }
}
