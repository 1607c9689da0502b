import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Protocol
import Synchronization
import Transport

/// How many journal records per second a running hub takes in, each acknowledged only after its commit.
///
///     hub serve …            # prints {"url":…,"adminKeyFile":…}
///     bench-ingest URL ADMIN_KEY_FILE [SPOKES] [SECONDS] [BYTES PER RECORD]
///
/// Compare with `pgbench -c8 -j2 -M prepared` doing one insert per transaction on the same server.
@main
struct IngestBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let key = FileManager.default.contents(atPath: arguments[2]) else {
            return print("bench-ingest URL ADMIN_KEY_FILE [SPOKES] [SECONDS] [BYTES PER RECORD]")
        }
        func number(_ index: Int, _ usual: Int) -> Int {
            arguments.count > index ? Int(arguments[index]) ?? usual : usual
        }
        let hub = Hub(
            url: arguments[1],
            key: String(decoding: key, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        )
        try await measure(hub, spokes: number(3, 32), seconds: number(4, 10), bytes: number(5, 200))
    }

    /// Fills the hub through `spokes` links and prints what it acknowledged.
    static func measure(_ hub: Hub, spokes: Int, seconds: Int, bytes: Int) async throws {
        let run = UUID().uuidString.prefix(8).lowercased()
        _ = try await hub.call("project.create", #"{"name":"bench-\#(run)","repoUrl":"/srv/\#(run).git"}"#)
        let token = try await hub.call("token.create", #"{"uses":\#(spokes)}"#)["token"]?.stringValue ?? ""
        var writers: [Writer] = []
        for index in 0..<spokes {
            writers.append(
                try await Writer.start(hub, token: token, name: "bench-\(run)-\(index)", project: "bench-\(run)")
            )
        }
        let before = writers.map(\.acknowledged).reduce(0, +)
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in writers {
                group.addTask { try await writer.write(until: began + .seconds(seconds), bytes: bytes) }
            }
            try await group.waitForAll()
        }
        let took = ContinuousClock.now - began
        let records = writers.map(\.acknowledged).reduce(0, +) - before
        let perSecond = Double(records) / (Double(took.milliseconds) / 1_000)
        print("\(spokes) spokes, \(bytes) bytes: \(records) records acknowledged, \(Int(perSecond)) per second")
    }
}

/// The hub under load, as its administrator reaches it.
struct Hub: Sendable {
    let url: String
    let key: String

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
final class Writer: Sendable {
    private struct State {
        var records: Int64 = 0
        var head = ChainHash.origin
        var offset: Int64 = 0
        var acknowledged: Int64 = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private static let batch = 256
    private static let window = Int64(4 * batch)
    private let connection: LinkConnection
    private let order: StartSession
    private let state: Mutex<State>

    /// Records that the hub has for ever.
    var acknowledged: Int64 { state.withLock { $0.acknowledged } }

    private init(_ connection: LinkConnection, _ order: StartSession, _ news: AsyncStream<LinkNews>) {
        self.connection = connection
        self.order = order
        state = Mutex(State())
        Task { for await one in news { self.hear(one) } }
    }

    static func start(_ hub: Hub, token: String, name: String, project: String) async throws -> Writer {
        let joined = try await hub.post("/v1/join", #"{"token":"\#(token)","name":"\#(name)"}"#, nil)
        let (id, credential) = (joined["spokeId"]?.stringValue ?? "", joined["credential"]?.stringValue ?? "")
        let (news, continuation) = AsyncStream<LinkNews>.makeStream()
        let dialer = WebSocketDialer(group: MultiThreadedEventLoopGroup.singleton)
        let connection = try await dialer.dial(hub.url, bearer: credential) { _, one in continuation.yield(one) }
        connection.send(.hello(hello(SpokeID(id), name)))
        _ = try await hub.call(
            "coord.spawn",
            #"{"project":"\#(project)","run":{"command":["true"]},"target":{"spokeId":"\#(id)"}}"#
        )
        for await one in news {
            guard case .message(.append(let batch)) = one, let record = batch.records.first else { continue }
            connection.send(.acknowledged(StreamPosition(stream: .commands, epoch: record.epoch, seq: record.seq)))
            return Writer(connection, try WireCoder.value(StartSession.self, from: record.payload), news)
        }
        throw Fault(.execution, "The hub sent no order.")
    }

    /// Sends as fast as the window allows; returns when all that was sent is acknowledged.
    func write(until end: ContinuousClock.Instant, bytes: Int) async throws {
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        while ContinuousClock.now < end {
            await room(Self.window - Int64(Self.batch))
            let records = state.withLock { next(&$0, content) }
            connection.send(.append(StreamBatch(stream: .journal, records: records)))
        }
        await room(0)
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
        case .closed(let reason): fatalError("The hub closed: \(reason)")
        case .message, .writable: break
        }
    }

    private static func hello(_ id: SpokeID, _ name: String) -> LinkHello {
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
