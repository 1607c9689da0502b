import Foundation
import Logging
import Protocol
import SpokeCore

/// One session on this spoke, from the order to its end: worktree, process, output, what is left behind.
///
///     preparing ──started──▶ running ──finished──▶ ending ──▶ ended
///         └──────failed or aborted──────▶ ended
///
/// Whatever dies in between, the same order carried out again comes to the same result (see ``resume()``).
actor SessionRun {
    enum Phase: Sendable {
        case preparing
        case running(SupervisedProcess)
        case ended
    }

    nonisolated let order: StartSession
    private let surroundings: SessionSurroundings
    /// How its program is run: as its owner wanted when it was ordered, whatever is changed meanwhile.
    private let profile: Result<RunProfile, Fault>
    private let logger: Logger
    private let input: SessionInput
    private(set) var phase: Phase = .preparing
    private(set) var startedAt: Date?
    private var abort: AbortSession?
    /// Who wants it to have started, and who wants it to have ended.
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var mourners: [CheckedContinuation<Void, Never>] = []
    /// Its end is in the journal.
    private var isSettled = false
    /// Who waits for the process to read a message.
    private var readings: [MessageID: Task<Void, Never>] = [:]
    /// It was asked to stop in its own words: however it then ends, it was aborted.
    private var isAskedToStop = false

    init(_ order: StartSession, in surroundings: SessionSurroundings) {
        self.order = order
        self.surroundings = surroundings
        profile = Result { () throws(Fault) in try surroundings.profile(of: order.run) }
        input = SessionInput(order, journal: surroundings.journal)
        var logger = surroundings.logger
        logger[metadataKey: "session"] = "\(order.sessionId)"
        self.logger = logger
    }

    private var pump: OutputPump { OutputPump(order: order, journal: surroundings.journal, logger: logger) }

    private var folder: SessionFolder {
        SessionFolder(root: surroundings.paths.sessions, id: order.sessionId, fence: order.fence)
    }

    // MARK: The session's life

    /// Runs the session to its end: from the beginning, or from wherever an earlier agent left it.
    func run() async {
        do {
            try await carryOut()
        } catch  where Task.isCancelled {
            // The agent stops, the session goes on: the next run of the agent takes it up.
        } catch {
            await fail(error)
        }
        phase = .ended
        wakeWaiters()
        for waiter in mourners { waiter.resume() }
        mourners = []
        for reading in readings.values { reading.cancel() }
    }

    /// Returns when nothing of this run is left to be done.
    func untilEnded() async {
        if case .ended = phase { return }
        await withCheckedContinuation { mourners.append($0) }
    }

    private func carryOut() async throws(Fault) {
        switch try await SupervisedProcess.adopt(folder) {
        case .running(let process): try await follow(process)
        case .finished(let end), .lost(let end): try await conclude(end)
        case .absent:
            guard abort == nil else { return try await concludeUnstarted() }
            let process = try await start()
            try await follow(process)
        }
    }

    private func start() async throws(Fault) -> SupervisedProcess {
        try await surroundings.admit(order, as: try profile.get())
        let workspace = try await surroundings.worktrees.prepare(order.workspace, for: order.sessionId)
        if abort != nil { throw Fault(.aborted, "The session was aborted before its process started.") }
        let process = try await SupervisedProcess.start(
            try spec(in: workspace),
            in: folder,
            supervisor: surroundings.supervisor
        )
        let started = Date()
        let record = SessionStarted(
            sessionId: order.sessionId,
            fence: order.fence,
            workspaceId: order.workspace.workspaceId,
            pid: process.pid,
            startedAt: started,
            agentOutput: try profile.get().output
        )
        var row = self.row(.running)
        row.pid = process.pid
        row.startedAt = started
        try await surroundings.journal.append([JournalDraft(.sessionStarted, record)]) { [row] db in
            try SessionTable.save(row, in: db)
        }
        startedAt = started
        return process
    }

    private func spec(in workspace: WorkspaceCreated) throws(Fault) -> ProcessSpec {
        let tokenFile = "\(folder.path)/token"
        try surroundings.makePrivate(folder.path)
        // Of no use to anybody once this machine has stopped: it need not survive that.
        try PrivateFile.write(Array(SessionEnvironment.newToken().utf8), to: tokenFile, durably: false)
        let environment = SessionEnvironment(
            own: surroundings.environment,
            socket: surroundings.paths.socket,
            order: order,
            workspace: workspace,
            tokenFile: tokenFile
        )
        return ProcessSpec(
            sessionId: order.sessionId,
            command: try profile.get().command(for: order.run),
            environment: environment.variables,
            directory: workspace.directory,
            timeoutSeconds: order.timeoutSeconds,
            stdin: .open,
            cgroup: surroundings.cgroups?.make(for: order.sessionId)
        )
    }

    /// Takes the process's output in until its end.
    private func follow(_ process: SupervisedProcess) async throws(Fault) {
        phase = .running(process)
        // What runs goes on, even if its profile is gone by the time that the agent comes back to it.
        if case .agent(let profile)? = try? profile.get(), profile.promptVia == .stdin {
            let prompt = try await input.plan(profile.encoded(order.run.prompt ?? ""), for: order.commandId)
            try await input.deliver(prompt, to: process)
        }
        wakeWaiters()
        if let abort { Task { await self.stop(process, grace: abort.graceSeconds) } }
        guard let end = await pump.follow(process) else { return }
        try await conclude(end)
        process.release()
    }

    /// All that the process wrote is in the journal, then its end, then nothing is left of it but its worktree.
    private func conclude(_ end: ProcessEnd) async throws(Fault) {
        if let failure = end.failure { throw failure }
        let sums = try await pump.drain(folder, sizes: end.sizes)
        let exited = SessionExited(
            sessionId: order.sessionId,
            fence: order.fence,
            exitCode: end.exitCode,
            exitSignal: end.exitSignal,
            reason: isAskedToStop && end.reason == .exited ? .aborted : end.reason,
            endedAt: end.endedAt,
            streams: sums,
            swept: end.swept,
            remaining: end.remaining
        )
        try await settle(with: JournalDraft(.sessionExited, exited))
        await clean(succeeded: end.reason == .exited && end.exitCode == 0)
    }

    /// Aborted while it waited for its worktree: it never had a process.
    private func concludeUnstarted() async throws(Fault) {
        let exited = SessionExited(
            sessionId: order.sessionId,
            fence: order.fence,
            exitCode: nil,
            exitSignal: nil,
            reason: .aborted,
            endedAt: Date(),
            streams: []
        )
        try await settle(with: JournalDraft(.sessionExited, exited))
    }

    private func fail(_ fault: Fault) async {
        logger.notice("session failed", metadata: ["error": "\(fault)"])
        do {
            if abort != nil { return try await concludeUnstarted() }
            let failed = SessionFailed(
                sessionId: order.sessionId,
                fence: order.fence,
                error: fault,
                at: Date()
            )
            try await settle(with: JournalDraft(.sessionFailed, failed))
            await clean(succeeded: false)
        } catch {
            // The journal refuses; the order is still open and the next start of the agent tries again.
            logger.error("session's end not journaled", metadata: ["error": "\(error)"])
        }
    }

    /// The end is told once: record, row and the order's completion are one transaction.
    private func settle(with draft: JournalDraft) async throws(Fault) {
        var row = self.row(.ended)
        row.startedAt = startedAt
        row.endedAt = Date()
        let settled = try await surroundings.inbox.completed(order.commandId, drafts: [draft]) { [row] db in
            try SessionTable.save(row, in: db)
        }
        isSettled = true
        if settled { logger.info("session ended") }
    }

    private func row(_ state: SessionRow.State) -> SessionRow {
        SessionRow(
            id: order.sessionId,
            fence: order.fence,
            state: state,
            workspaceId: order.workspace.workspaceId,
            spec: WireCoder.bytes(of: order)
        )
    }

    /// What is left of a session that has ended: its folder goes, its worktree as ordered, its row last.
    ///
    /// Doing it again is harmless, so a crash in between is mended by ``cleanUp()``.
    private func clean(succeeded: Bool) async {
        do {
            try await surroundings.journal.forget(output: order.sessionId)
            try await leaveWorkspace(succeeded: succeeded)
            if let group = surroundings.cgroups?.directory(of: order.sessionId) { Cgroups.remove(group) }
            try folder.remove()
            let id = order.sessionId
            try await surroundings.journal.write { db in try SessionTable.remove(id, in: db) }
        } catch {
            // Nothing is lost: the next start of the agent tries again.
            logger.notice("session not cleaned up", metadata: ["error": "\(error)"])
        }
    }

    private func leaveWorkspace(succeeded: Bool) async throws(Fault) {
        let workspace = order.workspace
        guard try await surroundings.worktrees.holds(workspace.workspaceId) else { return }
        try await surroundings.worktrees.lease(workspace.workspaceId, to: nil)
        if workspace.keep == .never || (workspace.keep == .onFailure && succeeded) {
            try await surroundings.removeWorkspace(workspace.workspaceId, reason: "the session ended")
        } else {
            try await surroundings.tellState(of: workspace.workspaceId)
        }
    }

    /// Clears up behind a session whose end was told by an agent that died before it had cleared up itself.
    func cleanUp() async {
        // A folder that tells of no end is treated as a failure: what may still be wanted stays.
        if case .finished(let end)? = try? await SupervisedProcess.adopt(folder) {
            await clean(succeeded: end.reason == .exited && end.exitCode == 0)
        } else {
            await clean(succeeded: false)
        }
    }

    // MARK: What others want of it

    /// Takes a message on: from here on it has its place behind those that came before.
    func plan(_ message: SendMessage) async throws(Fault) -> SessionInput.Planned {
        try await input.plan(profile.get().encoded(message.text), for: message.commandId)
    }

    /// Writes a message to the process's standard input, as one line.
    func deliver(_ planned: SessionInput.Planned) async throws(Fault) {
        await untilStarted()
        guard case .running(let process) = phase else {
            throw Fault(.conflict, "The session has ended; nobody can read the message.")
        }
        try await input.deliver(planned, to: process)
    }

    /// Tells the hub once the process has read a message; until then it stays delivered.
    func tellWhenRead(_ message: SendMessage, _ planned: SessionInput.Planned) {
        guard case .running(let process) = phase, readings[message.messageId] == nil else { return }
        readings[message.messageId] = Task {
            if await input.untilRead(planned, by: process) { await tellRead(message) }
            readings[message.messageId] = nil
        }
    }

    private func tellRead(_ message: SendMessage) async {
        let progress = SessionMessageProgress(
            sessionId: order.sessionId,
            fence: order.fence,
            messageId: message.messageId,
            delivery: .consumed
        )
        do {
            try await surroundings.journal.append([JournalDraft(.sessionMessage, progress)])
        } catch {
            // It stays delivered, which is true as well.
            logger.notice("a message's reading was not journaled", metadata: ["error": "\(error)"])
        }
    }

    /// Ends the session, with proof.
    func stop(_ order: AbortSession) async -> AbortOutcome {
        if abort == nil { abort = order }
        let begun = ContinuousClock.now
        if case .preparing = phase {
            await untilStarted()
            guard case .running = phase else {
                return AbortOutcome(
                    outcome: .stopped,
                    waitedMilliseconds: (ContinuousClock.now - begun).milliseconds
                )
            }
        }
        guard case .running(let process) = phase else {
            return AbortOutcome(outcome: .stopped, waitedMilliseconds: 0)
        }
        let outcome = await stop(process, grace: order.graceSeconds)
        if outcome.outcome == .stopped { await untilSettled() }
        return outcome
    }

    /// Waits a moment for the end to be in the journal: what is told of the abort stands behind it, so that the hub
    /// learns of the exit code first. With much output to take in, nobody waits for that.
    private func untilSettled() async {
        let deadline = ContinuousClock.now + .seconds(2)
        while !isSettled, ContinuousClock.now < deadline {
            // Cancelled, the agent stops: its next run tells the end.
            do { try await Task.sleep(for: .milliseconds(2)) } catch { return }
        }
    }

    @discardableResult
    private func stop(_ process: SupervisedProcess, grace: Double) async -> AbortOutcome {
        let begun = ContinuousClock.now
        await askToStop(process, grace: grace)
        do {
            return try await process.stop(grace: .milliseconds(Int64(grace * 1_000)))
        } catch {
            logger.warning("abort not confirmed", metadata: ["error": "\(error)"])
            let leader = ProcessRecord(pid: process.pid, command: order.run.command?.first ?? "")
            return AbortOutcome(
                outcome: .incomplete,
                remaining: [leader],
                waitedMilliseconds: (ContinuousClock.now - begun).milliseconds
            )
        }
    }

    /// An agent that can be told to stop in its own words is, and has the grace of one step to do so.
    private func askToStop(_ process: SupervisedProcess, grace: Double) async {
        // What cannot be read as an agent's order is ended without words.
        guard case .agent(let profile)? = try? profile.get(), let words = profile.interrupt,
            let planned = try? await input.plan(words, for: CommandID("interrupt-\(order.fence)"))
        else { return }
        isAskedToStop = true
        // Whether it reads the words or not, the steps that follow do not wait for it.
        let saying = Task { try? await input.deliver(planned, to: process) }
        _ = await process.ends(within: .milliseconds(Int64(grace * 1_000)))
        saying.cancel()
    }

    private func untilStarted() async {
        guard case .preparing = phase else { return }
        await withCheckedContinuation { waiters.append($0) }
    }

    private func wakeWaiters() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    /// Its processes, while they run.
    var subject: SessionSampler.Subject? {
        guard case .running(let process) = phase else { return nil }
        let printed = process.sizes.values.reduce(0, +)
        return .init(sessionId: order.sessionId, fence: order.fence, pid: process.pid, printedBytes: printed)
    }

    /// What the hub is told of it on every connection.
    var summary: SessionSummary {
        let (state, pid): (SessionSummary.State, Int32?) =
            switch phase {
            case .preparing: (.preparing, nil)
            case .running(let process): (.running, process.pid)
            case .ended: (.ended, nil)
            }
        return SessionSummary(
            sessionId: order.sessionId,
            fence: order.fence,
            state: state,
            pid: pid,
            startedAt: startedAt
        )
    }
}
