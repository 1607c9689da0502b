import Foundation
import Protocol
import Synchronization
import TestSupport
import Testing

/// Consumers of server-sent events that stop reading: they hold their source, and leave nothing behind when they go.
@Suite(.serialized)
struct StalledReaderTests {
    /// A source without an end: it sends as many values as it is granted.
    private final class Spring: Sendable {
        private static let value = JSONValue.string(String(repeating: "x", count: 128 << 10))
        private let sent = Mutex<[String: Int]>([:])

        func answer(_ message: CallMessage, _ provider: FakeProvider) {
            switch message {
            case .requested(let call) where call.operationId == "demo.spring":
                send(Limits.subscriptionCredit, of: call.requestId, provider)
            case .requested(let call): provider.answer(call.requestId, call.input)
            case .credit(let credit): send(credit.values, of: credit.requestId, provider)
            default: break
            }
        }

        func count(of id: String) -> Int { sent.withLock { $0[id] ?? 0 } }

        private func send(_ values: Int, of id: String, _ provider: FakeProvider) {
            sent.withLock { $0[id, default: 0] += values }
            for _ in 0..<values { provider.answer(id, Self.value) }
        }
    }

    @Test func aReaderThatStopsHoldsItsSourceAndLeavesNothingBehind() async throws {
        let hub = try await HubUnderTest.start()
        let spring = Spring()
        let offer = [CallRoutingTests.spec("spring", type: .subscription), CallRoutingTests.spec("echo")]
        let one = try await FakeProvider.join(hub, name: "one", offering: offer, answering: spring.answer)

        var reader: RawSocket? = try await Self.stalled(hub, "first")
        try await Self.untilHeld(spring, "first", hub)
        // What the sockets hold, and the credit: nothing is kept besides.
        #expect(spring.count(of: "first") < Limits.subscriptionCredit + (16 << 20) / (128 << 10))
        #expect(try await hub.metric("nave_subscriptions") == 1)
        #expect(reader != nil)
        reader = nil
        try await one.abort(of: "first")
        try await hub.until("nave_subscriptions", is: 0)
        try await hub.until("nave_calls_open", is: 0)

        // One that still does not read does not keep the hub from leaving.
        let another = try await Self.stalled(hub, "second")
        try await Self.untilHeld(spring, "second", hub)
        #expect(await hub.stop() == 0)
        withExtendedLifetime((one, another)) {}
    }

    private static func stalled(_ hub: HubUnderTest, _ id: String) async throws -> RawSocket {
        let request =
            "POST /v1/subscribe/demo.spring HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
            + "Authorization: Bearer \(hub.key)\r\nX-Request-Id: \(id)\r\n\r\n"
        return try await RawSocket.stalled(request, port: hub.port, after: "event: data")
    }

    /// Waits until the source may send no more: many round trips over its link bring no credit.
    private static func untilHeld(_ spring: Spring, _ id: String, _ hub: HubUnderTest) async throws {
        let end = ContinuousClock.now + patience
        while true {
            let sent = spring.count(of: id)
            for _ in 0..<50 { #expect(try await hub.call("demo.echo").status == 200) }
            if sent > Limits.subscriptionCredit, spring.count(of: id) == sent { return }
            try #require(ContinuousClock.now < end, "The source is never held: \(sent) values are sent.")
        }
    }
}
