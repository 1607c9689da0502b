import Foundation
import NIOHTTP1
import Protocol
import Synchronization
import TestSupport
import Testing
import Transport

/// What a connection's other end may say of its own calls: ids used again, times out of all bounds, late answers.
@Suite(.serialized)
struct PeerCallTests {
    /// Requests of an operation, in the order in which the provider heard them.
    private final class Heard: Sendable {
        private let calls = Mutex<[CallRequested]>([])

        func add(_ call: CallRequested) { calls.withLock { $0.append(call) } }
        func ids(of operation: String) -> [String] {
            calls.withLock { $0 }.filter { $0.operationId == operation }.map(\.requestId)
        }
    }

    /// Answers an echo only after it has answered, late, whatever it was asked and never answered.
    private static func start() async throws -> (HubUnderTest, FakeProvider, Heard) {
        let hub = try await HubUnderTest.start()
        let heard = Heard()
        let one = try await FakeProvider.join(hub, name: "one", offering: CallRoutingTests.offer) { message, provider in
            guard case .requested(let call) = message else { return }
            heard.add(call)
            guard call.operationId == "demo.echo" else { return }
            for id in heard.ids(of: "demo.never") { provider.answer(id, "late") }
            provider.answer(call.requestId, call.input)
        }
        return (hub, one, heard)
    }

    private static func refusal(_ message: CallMessage) -> Fault.Code? {
        if case .failed(let failure) = message { failure.error.code } else { nil }
    }

    private static func data(_ message: CallMessage) -> JSONValue? {
        if case .responded(let answer) = message { answer.output["data"] } else { nil }
    }

    @Test func anIdThatIsUsedAgainIsAnotherCall() async throws {
        let (hub, one, heard) = try await Self.start()
        let coordinator = try await FakeCoordinator.dial(hub)
        // Aborted and asked again in one breath: the first call's end is not the second's.
        for round in 0..<20 {
            coordinator.ask("demo.never", id: "x")
            coordinator.line.connection.send(.callAborted(CallEnded(requestId: "x", timestamp: 0)))
            coordinator.ask("demo.echo", ["round": .integer(Int64(round))], id: "x")
            #expect(Self.data(try await coordinator.end(of: "x")) == ["round": .integer(Int64(round))])
        }
        // Over HTTP a call that was given up leaves its id to nobody: a late answer to it is nobody's.
        let headers = [("x-request-id", "again"), ("x-deadline", "100ms"), ("authorization", "Bearer \(hub.key)")]
        let late = try await hub.request(.POST, "/v1/call/demo.never", Array("{}".utf8), headers)
        #expect(late.code == "TIMEOUT")
        let next = try await hub.request(
            .POST,
            "/v1/call/demo.echo",
            Array(#"{"own":1}"#.utf8),
            [headers[0], headers[2]]
        )
        #expect(next.data == ["own": 1])
        #expect(heard.ids(of: "demo.never").last == "again" && heard.ids(of: "demo.echo").last != "again")

        // A subscription's values are held by the credit of the call that they belong to.
        coordinator.ask("demo.count", id: "s")
        _ = try await one.request(of: "demo.count")
        coordinator.line.connection.send(.callAborted(CallEnded(requestId: "s", timestamp: 0)))
        coordinator.ask("demo.count", id: "s")
        let ids = try await eventually("two subscriptions") {
            let ids = heard.ids(of: "demo.count")
            return ids.count == 2 ? ids : nil
        }
        for value in 0..<Limits.subscriptionCredit {
            one.answer(ids[0], "first")
            one.answer(ids[1], .integer(Int64(value)))
        }
        for value in 0..<Limits.subscriptionCredit {
            #expect(Self.data(try await coordinator.end(of: "s")) == .integer(Int64(value)))
        }
        one.say(.completed(CallEnded(requestId: ids[1], timestamp: 0)))
        guard case .completed = try await coordinator.end(of: "s") else { throw Fault(.execution, "no end came") }
        #expect(await hub.stop() == 0)
    }

    @Test func whatAHeaderCouldNotSayAConnectionCannotEither() async throws {
        let (hub, one, _) = try await Self.start()
        let coordinator = try await FakeCoordinator.dial(hub)
        let long = String(repeating: "k", count: 256)
        var calls: [CallRequested] = []
        for text in ["", "a\u{0}b", "a b", "\u{E4}", long] {
            calls.append(CallRequested(requestId: text, operationId: "project.create", input: [:], timestamp: 0))
            for number in 0..<3 {
                var call = CallRequested(requestId: "w", operationId: "project.create", input: [:], timestamp: 0)
                if number == 0 { call.parentRequestId = text }
                if number == 1 { call.idempotencyKey = text }
                if number == 2 { call.traceparent = text }
                calls.append(call)
            }
        }
        for idle in [Int64(1) << 53, -1 << 53, 0, -1, 86_400_001] {
            calls.append(
                CallRequested(requestId: "i", operationId: "demo.count", input: [:], idleTimeout: idle, timestamp: 0)
            )
        }
        for call in calls {
            coordinator.line.connection.send(.callRequested(call))
            let id = call.requestId
            #expect(Self.refusal(try await coordinator.end(of: id)) == .validation, "\(call)")
        }
        // A spoke is no exception, and neither an extreme deadline nor timestamp disturbs anyone.
        one.say(
            .requested(
                CallRequested(requestId: "up", operationId: "spoke.get", input: [:], idleTimeout: 1 << 53, timestamp: 0)
            )
        )
        let refused = try await one.wait { message in
            if case .failed(let failure) = message, failure.requestId == "up" { failure } else { CallFailed?.none }
        }
        #expect(refused.error.code == .validation)
        for (number, deadline) in [Int64(1) << 53, -1 << 53].enumerated() {
            coordinator.line.connection.send(
                .callRequested(
                    CallRequested(
                        requestId: "d\(number)",
                        operationId: "demo.echo",
                        input: [:],
                        deadline: deadline,
                        timestamp: -deadline
                    )
                )
            )
            let end = try await coordinator.end(of: "d\(number)")
            #expect(Self.data(end) == [:] || Self.refusal(end) == .timeout)
        }
        #expect(try await hub.call("account.get").status == 200)
        #expect(await hub.stop() == 0)
    }

    @Test func aSubscriptionOverAConnectionHasItsTimesAndGoesOnWhereItWas() async throws {
        let (hub, one, _) = try await Self.start()
        let coordinator = try await FakeCoordinator.dial(hub)
        // A minute's difference between the clocks is nobody's deadline.
        let asked = Int64(1_000)
        coordinator.line.connection.send(
            .callRequested(
                CallRequested(
                    requestId: "slow-clock",
                    operationId: "demo.echo",
                    input: ["a": 1],
                    deadline: asked + 60_000,
                    timestamp: asked
                )
            )
        )
        #expect(Self.data(try await coordinator.end(of: "slow-clock")) == ["a": 1])

        func follow(_ id: String, _ operation: String, _ change: (inout CallRequested) -> Void) {
            var call = CallRequested(requestId: id, operationId: operation, input: [:], timestamp: asked)
            change(&call)
            coordinator.line.connection.send(.callRequested(call))
        }
        follow("idle", "demo.count") { $0.idleTimeout = 50 }
        #expect(Self.refusal(try await coordinator.end(of: "idle")) == .timeout)
        try await one.abort(of: "idle")
        follow("late", "demo.count") { $0.deadline = asked + 50 }
        #expect(Self.refusal(try await coordinator.end(of: "late")) == .timeout)
        try await one.abort(of: "late")
        // The hub's own subscriptions alike: the session waits for a spoke that starts it, and prints nothing.
        _ = try await hub.call("project.create", #"{"name":"app","repoUrl":"/srv/app.git"}"#)
        let spawned = try await hub.call("coord.spawn", #"{"project":"app","run":{"command":["true"]}}"#)
        let output: JSONValue = ["sessionId": spawned.data?["sessionId"] ?? .null, "follow": true]
        follow("own-late", "session.output") { ($0.input, $0.deadline) = (output, asked + 50) }
        #expect(Self.refusal(try await coordinator.end(of: "own-late")) == .timeout)
        follow("own-idle", "session.output") { ($0.input, $0.idleTimeout) = (output, 50) }
        #expect(Self.refusal(try await coordinator.end(of: "own-idle")) == .timeout)

        follow("resume", "demo.count") { $0.metadata = ["lastEventId": "7"] }
        let heard = try await one.wait { message in
            if case .requested(let call) = message, call.requestId == "resume" { call } else { CallRequested?.none }
        }
        #expect(heard.metadata?["lastEventId"] == "7")
        one.answer("resume", "eighth", meta: ["source": "local", "eventId": "8"])
        guard case .responded(let value) = try await coordinator.end(of: "resume") else {
            throw Fault(.execution, "no value came")
        }
        #expect(value.output["meta"]?["eventId"] == "8" && value.output["data"] == "eighth")
        #expect(await hub.stop() == 0)
    }
}
