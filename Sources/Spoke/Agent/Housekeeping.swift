import CLinux
import Foundation
import Logging
import Protocol
import SpokeCore

/// What a spoke does without being asked: looks after its disk, its worktrees and what crashes left behind.
actor Housekeeping {
    private let surroundings: SessionSurroundings
    private let sessions: Sessions
    private let watermarks: DiskWatermarks
    private var level: DiskLevel = .ample
    private var told: [WorkspaceID: String] = [:]
    private var sampler = SessionSampler()

    private static let lookSeconds = 30
    private static let sweepEvery = 20

    init(_ surroundings: SessionSurroundings, sessions: Sessions) {
        self.surroundings = surroundings
        self.sessions = sessions
        watermarks = DiskWatermarks(softShare: surroundings.configuration.diskReserve)
    }

    /// Looks around every half minute, and sweeps every ten minutes, until cancelled.
    func run() async {
        await clearUpBehindEarlierAgents()
        var round = 0
        repeat {
            await attempt("disk not looked after") { () async throws(Fault) in try await self.lookAfterDisk() }
            await attempt("worktrees not observed") { () async throws(Fault) in try await self.observeWorktrees() }
            await attempt("sessions not sampled") { () async throws(Fault) in try await self.sampleSessions() }
            if round % Self.sweepEvery == 0 {
                await attempt("sweep incomplete") { () async throws(Fault) in try await self.sweep() }
            }
            if await sessions.count == 0 { linux_give_back_memory() }
            round += 1
        } while (try? await Task.sleep(for: .seconds(Self.lookSeconds))) != nil  // Cancelled means shutdown.
    }

    private func clearUpBehindEarlierAgents() async {
        await attempt("ended sessions not cleared up") { () async throws(Fault) in
            let rows = try await SessionTable(self.surroundings.journal.database).all([.ended])
            await self.sessions.cleanUp(rows, in: self.surroundings)
        }
    }

    /// Removes the longest unused worktrees when the disk is low, saved first, and says so.
    private func lookAfterDisk() async throws(Fault) {
        let worktrees = surroundings.worktrees
        let reading = try worktrees.diskReading()
        // Who has how much is only worth measuring when somebody has to go.
        let tenants = isTight(reading) ? try await worktrees.tenants() : []
        let verdict = watermarks.verdict(on: reading, tenants: tenants, previous: level)
        if verdict.level != level {
            level = verdict.level
            let message = verdict.message ?? "There is room on the spoke's disk again."
            try await surroundings.journal.append([
                .alert(level == .ample ? .info : .critical, level == .ample ? "disk.ample" : "disk.low", message)
            ])
        }
        for id in verdict.remove {
            await attempt("worktree not removed") { () async throws(Fault) in
                try await self.surroundings.removeWorkspace(id, reason: "the disk is low")
            }
        }
    }

    private func isTight(_ reading: DiskReading) -> Bool {
        watermarks.verdict(on: reading, tenants: [], previous: level).level > .ample
    }

    /// Tells the hub how the worktrees of running sessions stand, where that has changed.
    private func observeWorktrees() async throws(Fault) {
        let summaries = await sessions.workspaces()
        told = told.filter { summaries.contains($0.key) }
        for id in summaries where try await surroundings.worktrees.holds(id) {
            let state = try await surroundings.worktrees.state(of: id)
            let fingerprint = "\(state.head ?? "") \(state.branch ?? "") \(state.ahead) \(state.behind) \(state.dirty)"
            guard told[id] != fingerprint else { continue }
            try await surroundings.tellState(of: id)
            told[id] = fingerprint
        }
    }

    /// Tells the hub which of the silent sessions are at work.
    private func sampleSessions() async throws(Fault) {
        let sampled = sampler.sample(await sessions.subjects())
        guard !sampled.isEmpty else { return }
        try await surroundings.journal.append(sampled.map { JournalDraft(.sessionSampled, $0) })
    }

    private func sweep() async throws(Fault) {
        let report = try await surroundings.worktrees.sweep()
        for id in report.unfinishedRemovals {
            await attempt("removal not finished") { () async throws(Fault) in
                try await self.surroundings.removeWorkspace(id, reason: "an earlier removal was cut short")
            }
        }
    }

    /// Work that is tried again at the next round if it fails.
    private func attempt(_ failure: Logger.Message, _ deed: () async throws(Fault) -> Void) async {
        do {
            try await deed()
        } catch {
            surroundings.logger.warning(failure, metadata: ["error": "\(error)"])
        }
    }
}
