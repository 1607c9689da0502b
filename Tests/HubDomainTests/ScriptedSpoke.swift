import Foundation
import HubDomains
import Protocol

/// A spoke without a socket: it keeps a journal, says hello and sends what it is told to, straight to the stores.
struct ScriptedSpoke {
    let hub: TestHub
    let id: SpokeID
    let name: String
    var incarnation = UUID().uuidString
    var slots = 4
    var labels: [String: String] = [:]
    var agents: [AgentOffer] = []
    var epoch: Int64 = 1
    var records: [StreamRecord] = []
    /// How far the hub is known to have applied the journal.
    var mark = StreamMark.start(of: 1)
    var commandsMark = StreamMark.start(of: 1)
    var sessions: [SessionSummary] = []
    var worktrees: [WorktreeSummary] = []

    static let hubId: HubID = "hub-1"

    /// Joins with a fresh token and connects.
    static func join(
        _ hub: TestHub,
        _ name: String,
        slots: Int = 4,
        labels: [String: String] = [:],
        agents: [AgentOffer] = []
    ) async throws -> Self {
        let token = try await hub.ask(CreateJoinToken(uses: 1)).token
        let answer = try await hub.domains.coordination.spokes.join(
            JoinRequest(token: token, name: name, labels: labels)
        )
        var spoke = ScriptedSpoke(hub: hub, id: answer.spokeId, name: name)
        (spoke.slots, spoke.labels, spoke.agents) = (slots, labels, agents)
        let hubs = hub.domains.coordination.hubs
        if try await !hubs.renew(hubId) { try await hubs.register(hubId, url: "http://127.0.0.1:1", version: "test") }
        _ = try await spoke.connect()
        return spoke
    }

    var head: ChainHash { records.last?.hash ?? .origin }

    var hello: LinkHello {
        LinkHello(
            spokeId: id,
            name: name,
            incarnation: incarnation,
            bootId: "boot",
            spokeType: .devEnvironment,
            hostInfo: HostInfo(
                os: "linux",
                arch: "x86_64",
                cpus: 2,
                memoryBytes: 1,
                diskFreeBytes: 1,
                gitVersion: "2.39.5",
                spokeVersion: "test"
            ),
            labels: labels,
            slots: slots,
            draining: false,
            journal: JournalSummary(
                epoch: epoch,
                first: mark.seq + 1,
                next: Int64(records.count) + 1,
                headHash: head
            ),
            commands: commandsMark,
            operations: OperationsSummary(hash: ""),
            sessions: sessions,
            worktrees: worktrees,
            agents: agents
        )
    }

    func greet() async throws -> HelloOutcome {
        try await hub.domains.coordination.spokes.hello(hello, credential: id, terms: LinkTerms(hubId: Self.hubId))
    }

    mutating func connect() async throws -> LinkWelcome {
        switch try await greet() {
        case .welcome(let welcome):
            mark = welcome.journalAcknowledged
            return welcome
        case .refused(let refusal): throw Fault(.conflict, "\(refusal.code.rawValue): \(refusal.message)")
        }
    }

    func disconnect() async throws {
        try await hub.domains.coordination.spokes.disconnected(
            id,
            incarnation: incarnation,
            hub: Self.hubId,
            reason: "the test pulled the plug"
        )
    }

    /// A new start of the same spoke.
    mutating func restart() { incarnation = UUID().uuidString }

    // MARK: The journal

    mutating func note(_ type: JournalRecordType, _ payload: some Encodable) {
        note(type.rawValue, WireCoder.bytes(of: payload))
    }

    mutating func note(_ type: String, _ payload: [UInt8]) {
        let seq = Int64(records.count) + 1
        records.append(
            StreamRecord(epoch: epoch, seq: seq, at: Date().milliseconds, type: type, payload: payload, after: head)
        )
    }

    /// What was noted and not applied yet, as the link would send it.
    var batch: JournalBatch {
        JournalBatch(
            spokeId: id,
            incarnation: incarnation,
            after: mark,
            records: Array(records.dropFirst(Int(mark.seq)))
        )
    }

    func apply(_ batch: JournalBatch) async throws -> JournalVerdict? {
        try await hub.domains.coordination.journals.apply([batch]).first
    }

    @discardableResult
    mutating func flush() async throws -> JournalVerdict? {
        let verdict = try await apply(batch)
        if case .applied(let mark) = verdict { self.mark = mark }
        return verdict
    }

    // MARK: What sessions do

    mutating func start(_ session: SpawnedSession, fence: Int64 = 1, agentOutput: AgentOutput? = nil) {
        note(
            .workspaceCreated,
            WorkspaceCreated(
                workspaceId: session.workspaceId,
                branch: session.branch,
                directory: "/worktrees/x",
                baseCommit: "b",
                headCommit: "h"
            )
        )
        note(
            .sessionStarted,
            SessionStarted(
                sessionId: session.sessionId,
                fence: fence,
                workspaceId: session.workspaceId,
                pid: 42,
                startedAt: Date(milliseconds: 1_000),
                agentOutput: agentOutput
            )
        )
    }

    @discardableResult
    mutating func print(
        _ session: SpawnedSession,
        _ texts: [String],
        stream: Protocol.OutputStream = .stdout,
        from: Int64 = 0,
        fence: Int64 = 1
    ) -> OutputSum {
        var (offset, hash) = (from, ChainHash.origin)
        for text in texts {
            let bytes = Array(text.utf8)
            let chunk = OutputChunk(
                sessionId: session.sessionId,
                fence: fence,
                stream: stream,
                offset: offset,
                bytes: bytes
            )
            note(JournalRecordType.sessionOutput.rawValue, chunk.encoded())
            offset += Int64(bytes.count)
            hash = hash.appending(bytes)
        }
        return OutputSum(stream: stream, bytes: offset, hash: hash)
    }

    mutating func exit(
        _ session: SpawnedSession,
        code: Int32? = 0,
        reason: ExitReason = .exited,
        sums: [OutputSum] = [],
        fence: Int64 = 1
    ) {
        note(
            .sessionExited,
            SessionExited(
                sessionId: session.sessionId,
                fence: fence,
                exitCode: code,
                exitSignal: nil,
                reason: reason,
                endedAt: Date(milliseconds: 2_000),
                streams: sums
            )
        )
    }

    /// Takes in all commands that wait for it, as the durable stream gives them.
    mutating func takeCommands() async throws -> [StreamRecord] {
        let commands = hub.domains.coordination.commands
        let records = try await commands.load(id, epoch: commandsMark.epoch, after: commandsMark.seq)
        guard let last = records.last else { return [] }
        commandsMark = StreamMark(after: last)
        try await commands.acknowledge(
            id,
            StreamPosition(stream: .commands, epoch: last.epoch, seq: last.seq)
        )
        return records
    }

    /// The commands of one type, decoded.
    mutating func take<Command: Decodable>(_ type: CommandType, as: Command.Type = Command.self) async throws
        -> [Command]
    {
        try await takeCommands().filter { $0.type == type.rawValue }.map { try WireCoder.value(from: $0.payload) }
    }
}

extension TestHub {
    /// A project to spawn in.
    func project(_ name: String = "app") async throws -> ProjectRecord {
        try await ask(CreateProject(name: name, repoUrl: "https://example.org/\(name).git"))
    }

    func spawn(_ order: SpawnOrder) async throws -> SpawnedSession {
        let output = try await ask(SpawnSessions(order))
        guard let session = output.sessionId, let mapping = output.mappingId, let workspace = output.workspaceId,
            let branch = output.branch, let status = output.status
        else { throw Fault(.execution, "The answer is not a spawned session.") }
        return SpawnedSession(
            sessionId: session,
            mappingId: mapping,
            workspaceId: workspace,
            spokeId: output.spokeId,
            branch: branch,
            status: status
        )
    }

    func spawn(_ project: String = "app", title: String? = nil) async throws -> SpawnedSession {
        try await spawn(SpawnOrder(project: project, title: title, run: RunOrder(command: ["true"])))
    }

    func view(_ session: SpawnedSession) async throws -> MappingView {
        let found = try await ask(GetCoordinationStatus(sessionId: session.sessionId.rawValue)).mappings
        guard let view = found.first else { throw Fault(.notFound, "No mapping.") }
        return view
    }
}
