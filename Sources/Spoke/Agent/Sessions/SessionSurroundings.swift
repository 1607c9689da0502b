import Foundation
import Logging
import Protocol
import SpokeCore

/// Everything that a session needs of its spoke.
struct SessionSurroundings: Sendable {
    let paths: SpokePaths
    let configuration: SpokeConfiguration
    let agents: AgentProfiles
    let policy: PolicyFile
    let journal: Journal
    let inbox: Inbox
    let worktrees: Worktrees
    let cgroups: Cgroups?
    /// The supervisor's program.
    let supervisor: String
    let environment: [String: String]
    let logger: Logger
    let sessionsRunning: @Sendable () async -> Int

    /// The one place where the owner's policy judges an order to run something (safety.md 5).
    ///
    /// - Parameter profile: how the order is run, so that what is judged is what runs.
    /// - Throws: `ACCESS_DENIED` by the policy, `UNAVAILABLE` when the disk is low.
    func admit(_ order: StartSession, as profile: RunProfile) async throws(Fault) {
        let program = try profile.command(for: order.run).first ?? ""
        let situation = Policy.Situation(
            // The session that asks is counted already.
            sessionsRunning: await sessionsRunning() - 1,
            minuteOfDay: Host.minuteOfDay()
        )
        if let objection = try await policy.current().objection(to: order, program: program, in: situation) {
            throw objection
        }
        let reading = try worktrees.diskReading()
        let verdict = DiskWatermarks(softShare: configuration.diskReserve).verdict(on: reading, tenants: [])
        if !verdict.acceptsSessions {
            throw Fault(.unavailable, verdict.message ?? "The spoke's disk is low; free some and spawn again.")
        }
    }

    /// How the program of an order is run.
    ///
    /// - Throws: `VALIDATION_ERROR` for an order without a command, `NOT_FOUND` for an agent that this spoke has not.
    func profile(of run: RunOrder) throws(Fault) -> RunProfile {
        if let command = run.command, !command.isEmpty { return .command(command) }
        guard let name = run.agent else {
            throw Fault.invalid("run", "must have a command or an agent.")
        }
        guard let profile = agents[name], !profile.command.isEmpty else {
            let known = agents.names.joined(separator: ", ")
            throw Fault(
                .notFound,
                "This spoke has no agent \(name)\(known.isEmpty ? "" : "; it has \(known)"): add it to spoke.yaml."
            )
        }
        return .agent(profile)
    }

    /// Makes a folder for the owner alone.
    func makePrivate(_ path: String) throws(Fault) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Fault(.unavailable, "The folder \(path) cannot be made.")
        }
    }

    /// Tells the hub how a worktree stands.
    func tellState(of id: WorkspaceID) async throws(Fault) {
        let state = try await worktrees.state(of: id)
        let record = WorkspaceObserved(
            workspaceId: id,
            branch: state.branch,
            headCommit: state.head,
            ahead: state.ahead,
            behind: state.behind,
            dirty: state.dirty,
            sizeBytes: state.sizeBytes
        )
        try await journal.append([JournalDraft(.workspaceObserved, record)])
    }

    /// Removes a worktree, saved first, and tells the hub of both.
    func removeWorkspace(_ id: WorkspaceID, reason: String) async throws(Fault) {
        let (removed, salvaged) = try await worktrees.remove(id, reason: reason)
        var drafts: [JournalDraft] = []
        if let salvaged { drafts.append(JournalDraft(.workspaceSalvaged, salvaged)) }
        drafts.append(JournalDraft(.workspaceRemoved, removed))
        try await journal.append(drafts)
    }
}

/// A command as it was ordered, or an agent by its profile.
enum RunProfile: Sendable {
    case command([String])
    case agent(AgentProfile)

    /// Program and arguments.
    func command(for run: RunOrder) throws(Fault) -> [String] {
        switch self {
        case .command(let command): command
        case .agent(let profile): try profile.arguments(for: run)
        }
    }

    /// How what it prints is to be read; `nil` for what is no agent.
    var output: AgentOutput? {
        guard case .agent(let profile) = self else { return nil }
        return profile.output ?? .text
    }

    /// A text as the process wants to read it.
    func encoded(_ text: String) -> String {
        guard case .agent(let profile) = self else { return text }
        return profile.encoded(text)
    }
}
