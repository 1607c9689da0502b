import Crypto
import Foundation
import Logging
import Protocol
import SpokeCore
import TestSupport
import Testing

@testable import SpokeAgent

/// Calls of the spoke's sessions while its link is dialled or greeted: nobody waits for an answer that cannot come.
@Suite struct GreetingLinkTests {
    @Test func whatIsAskedBeforeTheHubsWelcomeFailsAtOnce() async throws {
        // It takes the connection and never answers the hello.
        let hub = try SmallServer { request in
            let key = (request.headers["sec-websocket-key"] ?? "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            let accept = Data(Insecure.SHA1.hash(data: Data(key.utf8))).base64EncodedString()
            return .webSocket(accepting: accept, subprotocol: "nave.v1")
        }
        defer { hub.stop() }
        let scratch = try Scratch()
        let journal = try await scratch.open()
        let link = Self.service(port: hub.port, journal)
        let running = Task { await link.run() }

        let end = ContinuousClock.now + patience
        while await link.link == nil {
            try #require(ContinuousClock.now < end, "The spoke does not say hello.")
            try await Task.sleep(for: .milliseconds(5))
        }
        // Without a word on patience, as `spoke notify` asks.
        await #expect(throws: Fault.self) {
            try await link.call(HubQuestion(operation: "coord.notify", input: [:]))
        }
        let fault = await Self.fault { () async throws(Fault) in
            _ = try await link.call(HubQuestion(operation: "host.info", input: [:], patience: .seconds(600)))
        }
        #expect(fault?.code == .unavailable && fault?.message.contains("try again") == true, "\(fault as Any)")
        let followed = await Self.fault { () async throws(Fault) in
            try await link.follow(HubQuestion(operation: "session.output", input: [:])) { _ in }
        }
        #expect(followed?.code == .unavailable, "\(followed as Any)")

        await link.leave(.shutdown)
        running.cancel()
        await running.value
        try await journal.close()
    }

    private static func service(port: UInt16, _ journal: Journal) -> LinkService {
        let credential = SpokeCredential(
            spokeId: "s",
            name: "s",
            hub: "http://127.0.0.1:\(port)",
            key: "k",
            labels: [:]
        )
        let desk = OperationDesk(SpokeOperations(), policy: PolicyFile(path: "/nonexistent"), secrets: { .none })
        return LinkService(
            credential: credential,
            journal: journal,
            inbox: Inbox(journal),
            desk: desk,
            logger: Logger(label: "test"),
            hello: { hello(offering: $0) },
            measure: { (HostLoad(cpu: 0, memory: 0, disk: 0), 0) },
            opened: { _ in },
            commandsArrived: {}
        )
    }

    private static func hello(offering operations: OperationsSummary) -> LinkHello {
        LinkHello(
            spokeId: "s",
            name: "s",
            incarnation: "i",
            bootId: "b",
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
            slots: 1,
            draining: false,
            journal: JournalSummary(epoch: 1, first: 1, next: 1, headHash: .origin),
            commands: .start(of: 1),
            operations: operations,
            sessions: [],
            worktrees: []
        )
    }

    private static func fault(_ work: () async throws(Fault) -> Void) async -> Fault? {
        do throws(Fault) {
            try await work()
            return nil
        } catch {
            return error
        }
    }
}
