import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Protocol
import Synchronization
import Transport

/// The hub under load, as its administrator reaches it.
struct HubUnderLoad: Sendable {
    let url: String
    let key: String

    /// - Parameter ready: the line that `hub serve` prints.
    init(ready: JSONValue) throws {
        url = ready["url"]?.stringValue ?? ""
        let file = try String(contentsOfFile: ready["adminKeyFile"]?.stringValue ?? "", encoding: .utf8)
        key = file.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func call(_ operation: String, _ input: String) async throws -> JSONValue {
        try await post("/v1/call/\(operation)", input, key)["data"] ?? .null
    }

    func post(_ path: String, _ body: String, _ key: String?) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        let value = try JSONValue(parsing: Array(bytes.readableBytesView))
        guard response.status == .ok else { throw Fault(.execution, "\(path): \(value)") }
        return value
    }
}

/// A spoke with one session that prints without end: batches of 256 records, four of them unacknowledged at most.
final class LoadSpoke: Sendable {
    private struct State {
        var records: Int64 = 0
        var head = ChainHash.origin
        var offset: Int64 = 0
        var acknowledged: Int64 = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    static let batch = 256
    private static let window = Int64(4 * batch)
    private let connection: LinkConnection
    private let order: StartSession
    private let state: Mutex<State>

    /// The session that prints.
    var session: SessionID { order.sessionId }
    /// Bytes that it printed so far.
    var printed: Int64 { state.withLock { $0.offset } }
    /// Records that the hub has for ever.
    var acknowledged: Int64 { state.withLock { $0.acknowledged } }

    private init(_ connection: LinkConnection, _ order: StartSession, _ news: AsyncStream<LinkNews>) {
        self.connection = connection
        self.order = order
        state = Mutex(State())
        Task { for await one in news { self.hear(one) } }
        Task { try await Self.beat(connection) }
    }

    /// Slices of other ways of writing are longer than a hub waits for a word.
    static func beat(_ connection: LinkConnection) async throws {
        let load = HostLoad(cpu: 0, memory: 0, disk: 0)
        while connection.channel.isActive {
            connection.send(.heartbeat(LinkHeartbeat(load: load, sessions: 1, journalNext: 1, commandsApplied: 1)))
            try await Task.sleep(for: Limits.heartbeat)
        }
    }

    /// Joins as a spoke and says hello; nothing else happens until someone asks.
    static func connect(
        _ hub: HubUnderLoad,
        token: String,
        name: String
    ) async throws -> (id: String, connection: LinkConnection, news: AsyncStream<LinkNews>) {
        let joined = try await hub.post("/v1/join", #"{"token":"\#(token)","name":"\#(name)"}"#, nil)
        let (id, credential) = (joined["spokeId"]?.stringValue ?? "", joined["credential"]?.stringValue ?? "")
        let (news, continuation) = AsyncStream<LinkNews>.makeStream()
        let dialer = WebSocketDialer(group: MultiThreadedEventLoopGroup.singleton)
        let connection = try await dialer.dial(hub.url, bearer: credential) { _, one in continuation.yield(one) }
        connection.send(.hello(hello(SpokeID(id), name)))
        return (id, connection, news)
    }

    static func start(_ hub: HubUnderLoad, token: String, name: String, project: String) async throws -> LoadSpoke {
        let (id, connection, news) = try await connect(hub, token: token, name: name)
        _ = try await hub.call(
            "coord.spawn",
            #"{"project":"\#(project)","run":{"command":["true"]},"target":{"spokeId":"\#(id)"}}"#
        )
        for await one in news {
            guard case .message(.append(let batch)) = one, let record = batch.records.first else { continue }
            connection.send(.acknowledged(StreamPosition(stream: .commands, epoch: record.epoch, seq: record.seq)))
            return LoadSpoke(connection, try WireCoder.value(StartSession.self, from: record.payload), news)
        }
        throw Fault(.execution, "The hub sent no order.")
    }

    /// Sends as fast as the window allows; returns when all that was sent is acknowledged.
    func write(until end: ContinuousClock.Instant, bytes: Int) async throws {
        while ContinuousClock.now < end { await writeBatch(bytes: bytes) }
        await room(0)
    }

    /// The same for so many batches.
    func write(batches: Int, bytes: Int) async {
        for _ in 0..<batches { await writeBatch(bytes: bytes) }
        await room(0)
    }

    private func writeBatch(bytes: Int) async {
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        await room(Self.window - Int64(Self.batch))
        let records = state.withLock { next(&$0, content) }
        connection.send(.append(StreamBatch(stream: .journal, records: records)))
    }

    private func next(_ state: inout State, _ content: [UInt8]) -> [StreamRecord] {
        (0..<Self.batch).map { _ in
            let chunk = OutputChunk(
                sessionId: order.sessionId,
                fence: order.fence,
                stream: .stdout,
                offset: state.offset,
                bytes: content
            )
            state.records += 1
            state.offset += Int64(content.count)
            let record = StreamRecord(
                epoch: 1,
                seq: state.records,
                at: 0,
                type: JournalRecordType.sessionOutput.rawValue,
                payload: chunk.encoded(),
                after: state.head
            )
            state.head = record.hash
            return record
        }
    }

    /// Waits until at most `open` records are unacknowledged.
    private func room(_ open: Int64) async {
        while state.withLock({ $0.records - $0.acknowledged > open }) {
            await withCheckedContinuation { waiter in
                let isThere = state.withLock { state in
                    if state.records - state.acknowledged <= open { return true }
                    state.waiter = waiter
                    return false
                }
                if isThere { waiter.resume() }
            }
        }
    }

    private func hear(_ news: LinkNews) {
        switch news {
        case .message(.acknowledged(let position)) where position.stream == .journal:
            let waiter = state.withLock { state in
                state.acknowledged = max(state.acknowledged, position.seq)
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        case .closed(let reason):
            let isDone = state.withLock { $0.acknowledged == $0.records }
            precondition(isDone, "The hub closed with records under way: \(reason)")
        case .message, .writable: break
        }
    }

    static func hello(_ id: SpokeID, _ name: String) -> LinkHello {
        LinkHello(
            spokeId: id,
            name: name,
            incarnation: UUID().uuidString,
            bootId: "bench",
            spokeType: .compute,
            hostInfo: HostInfo(
                os: "linux",
                arch: "bench",
                cpus: 1,
                memoryBytes: 1,
                diskFreeBytes: 1 << 40,
                gitVersion: "2",
                spokeVersion: "bench"
            ),
            labels: [:],
            slots: 1,
            draining: false,
            journal: JournalSummary(epoch: 1, first: 1, next: 1, headHash: .origin),
            commands: .start(of: 1),
            operations: OperationsSummary(hash: "none"),
            sessions: [],
            worktrees: []
        )
    }
}
