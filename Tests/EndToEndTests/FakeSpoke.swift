import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Protocol
import TestSupport
import Transport

/// A spoke that speaks the real wire and does nothing else: what a test tells it to say, it says.
final class FakeSpoke: Sendable {
    let id: SpokeID
    let credential: String
    let incarnation = UUID().uuidString.lowercased()

    init(id: SpokeID, credential: String) {
        self.id = id
        self.credential = credential
    }

    /// Joins with the hub's own token.
    static func join(_ hub: HubUnderTest, name: String = "fake", token: String? = nil) async throws -> FakeSpoke {
        let body = WireCoder.bytes(of: ["token": token ?? hub.joinToken, "name": name])
        let reply = try await hub.request(.POST, "/v1/join", body)
        guard reply.status == 200, let id = reply.body["spokeId"]?.stringValue,
            let credential = reply.body["credential"]?.stringValue
        else { throw Fault(.execution, "Joining was answered with \(reply.status): \(reply.body)") }
        return FakeSpoke(id: SpokeID(id), credential: credential)
    }

    /// What the hub says, in order.
    struct Line: Sendable {
        let connection: LinkConnection
        let news: AsyncStream<LinkNews>

        /// The first message that `pick` takes; throws how the connection ended, or after 20 seconds.
        func first<Value: Sendable>(
            line: UInt = #line,
            _ pick: @escaping @Sendable (LinkMessage) -> Value?
        ) async throws -> Value {
            try await withThrowingTaskGroup(of: Value.self) { group in
                group.addTask {
                    for await one in news {
                        switch one {
                        case .message(let message): if let value = pick(message) { return value }
                        case .closed(let reason): throw reason
                        case .writable: break
                        }
                    }
                    throw CloseReason.lost
                }
                group.addTask {
                    try await Task.sleep(for: patience)
                    throw Fault(.timeout, "The hub did not say what line \(line) expects.")
                }
                defer { group.cancelAll() }
                guard let value = try await group.next() else { throw CloseReason.lost }
                return value
            }
        }

        /// Why the hub closed.
        func closing() async throws -> CloseReason {
            do {
                _ = try await first { _ in Bool?.none }
            } catch let reason as CloseReason {
                return reason
            }
            throw Fault(.execution, "The connection did not close.")
        }
    }

    /// Opens a connection and says nothing.
    func dial(_ hub: HubUnderTest) async throws -> Line {
        let (news, continuation) = AsyncStream<LinkNews>.makeStream()
        let dialer = WebSocketDialer(group: MultiThreadedEventLoopGroup.singleton)
        let connection = try await dialer.dial(hub.ready.url, bearer: credential) { _, one in
            continuation.yield(one)
            if case .closed = one { continuation.finish() }
        }
        return Line(connection: connection, news: news)
    }

    func hello(versions: [Int] = [1], journal: JournalSummary, incarnation: String? = nil) -> LinkHello {
        LinkHello(
            versions: versions,
            spokeId: id,
            name: "fake",
            incarnation: incarnation ?? self.incarnation,
            bootId: "boot",
            spokeType: .compute,
            hostInfo: HostInfo(
                os: "linux",
                arch: "x86_64",
                cpus: 2,
                memoryBytes: 1 << 30,
                diskFreeBytes: 1 << 34,
                gitVersion: "2.39",
                spokeVersion: "0.2.0"
            ),
            labels: [:],
            slots: 4,
            draining: false,
            journal: journal,
            commands: .start(of: 1),
            operations: OperationsSummary(hash: "none"),
            sessions: [],
            worktrees: []
        )
    }

    /// Connects, says hello and is welcomed.
    func open(_ hub: HubUnderTest, journal: JournalSummary? = nil) async throws -> (Line, LinkWelcome) {
        let line = try await dial(hub)
        let empty = JournalSummary(epoch: 1, first: 1, next: 1, headHash: .origin)
        line.connection.send(.hello(hello(journal: journal ?? empty)))
        let welcome = try await line.first { message in
            if case .welcome(let welcome) = message { welcome } else { LinkWelcome?.none }
        }
        return (line, welcome)
    }
}

/// Records as a spoke would write them.
struct FakeJournal {
    private(set) var records: [StreamRecord] = []

    var summary: JournalSummary {
        JournalSummary(
            epoch: 1,
            first: 1,
            next: Int64(records.count) + 1,
            headHash: records.last?.hash ?? .origin
        )
    }

    /// Alerts: records that need nothing else to exist.
    mutating func raise(_ count: Int) {
        for _ in 0..<count {
            let seq = Int64(records.count) + 1
            let alert = AlertRaised(level: .info, kind: "test", message: "number \(seq)")
            records.append(
                StreamRecord(
                    epoch: 1,
                    seq: seq,
                    at: seq,
                    type: JournalRecordType.alertRaised.rawValue,
                    payload: WireCoder.bytes(of: alert),
                    after: records.last?.hash ?? .origin
                )
            )
        }
    }
}
