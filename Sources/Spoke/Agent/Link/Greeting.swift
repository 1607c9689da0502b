import Foundation
import Protocol

/// Gathers the spoke's whole truth for a hello.
struct Greeting: Sendable {
    let paths: SpokePaths
    let credential: SpokeCredential
    let configuration: SpokeConfiguration
    let agents: AgentProfiles
    let journal: Journal
    let inbox: Inbox
    let sessions: Sessions
    let worktrees: Worktrees
    let draining: DrainSwitch
    /// New for each start of this process.
    private let incarnation = UUID().uuidString.lowercased()

    init(
        paths: SpokePaths,
        credential: SpokeCredential,
        configuration: SpokeConfiguration,
        agents: AgentProfiles,
        journal: Journal,
        inbox: Inbox,
        sessions: Sessions,
        worktrees: Worktrees,
        draining: DrainSwitch
    ) {
        self.paths = paths
        self.credential = credential
        self.configuration = configuration
        self.agents = agents
        self.journal = journal
        self.inbox = inbox
        self.sessions = sessions
        self.worktrees = worktrees
        self.draining = draining
    }

    func hello(offering operations: OperationsSummary) async throws(Fault) -> LinkHello {
        let state = await journal.state
        let trees = try await worktrees.list().map { record in
            WorktreeSummary(
                workspaceId: record.id,
                branch: record.branch,
                head: record.headCommit ?? "",
                dirty: false
            )
        }
        let agents = agents.offers
        return LinkHello(
            spokeId: credential.spokeId,
            name: credential.name,
            incarnation: incarnation,
            bootId: Host.bootId(),
            spokeType: .compute,
            hostInfo: await Host.info(dataDirectory: paths.root),
            labels: credential.labels.merging(configuration.labels) { _, configured in configured },
            slots: configuration.slots,
            draining: draining.isOn,
            journal: JournalSummary(
                epoch: state.epoch,
                first: state.first,
                next: state.next,
                headHash: state.headHash
            ),
            commands: try await inbox.mark(),
            operations: operations,
            sessions: try await sessionSummaries(),
            worktrees: trees,
            agents: agents.isEmpty ? nil : agents
        )
    }

    /// Every session whose order has been taken in and not been settled, also while nothing of it runs yet: what is
    /// not named here, the hub takes for lost.
    private func sessionSummaries() async throws(Fault) -> [SessionSummary] {
        var summaries = await sessions.summaries()
        let named = Set(summaries.map(\.sessionId))
        for command in try await inbox.pending() where command.type == CommandType.sessionStart.rawValue {
            // One that cannot be read starts nothing; its refusal is on its way.
            guard let order = try? WireCoder.value(StartSession.self, from: command.payload) else { continue }
            guard !named.contains(order.sessionId) else { continue }
            summaries.append(
                SessionSummary(
                    sessionId: order.sessionId,
                    fence: order.fence,
                    state: .preparing,
                    pid: nil,
                    startedAt: nil
                )
            )
        }
        return summaries
    }
}
