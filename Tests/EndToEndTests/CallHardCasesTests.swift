import Foundation
import Protocol
import Synchronization
import TestSupport
import Testing
import Transport

/// Links that break under calls, a thousand calls on one link, coordinators over WebSocket, a hub that goes.
@Suite(.serialized)
struct CallHardCasesTests {
    @Test func aLinkThatBreaksEndsItsCallsAndOnlyWhatMayBeRepeatedIsAskedElsewhere() async throws {
        let hub = try await HubUnderTest.start()
        // Whoever is asked first hangs up; the other one answers.
        let hasBroken = Mutex(false)
        let fragile: FakeProvider.Answering = { message, provider in
            guard case .requested(let call) = message else { return }
            let isFirst = hasBroken.withLock { was in
                defer { was = true }
                return !was
            }
            isFirst ? provider.hangUp() : provider.answer(call.requestId, .string("alive"))
        }
        let specs = [CallRoutingTests.spec("echo"), CallRoutingTests.spec("write", type: .mutation)]
        let one = try await FakeProvider.join(hub, name: "one", offering: specs, answering: fragile)
        let two = try await FakeProvider.join(hub, name: "two", offering: specs, answering: fragile)
        #expect(try await hub.call("demo.echo").data == "alive")

        // The same for a mutation, which may have happened: its caller decides.
        hasBroken.withLock { $0 = false }
        let left = try await hub.call("demo.write")
        #expect(left.status == 503 && left.code == "SPOKE_DISCONNECTED")

        // Nobody is left. Of each is said why.
        let none = try await hub.call("demo.echo")
        #expect(none.code == "UNAVAILABLE")
        let reasons = (none.body["error"]?["details"]?["spokes"]?.arrayValue ?? []).map { $0["reason"] }
        #expect(reasons == ["disconnected", "disconnected"])
        let end = ContinuousClock.now + patience
        while try await hub.call("operation.list", #"{"namespace":"demo"}"#).data?["operations"] != [] {
            try #require(ContinuousClock.now < end, "What nobody can answer is still listed.")
        }

        // They come back, known by their sets. A key makes nothing undone: no other spoke knows of it.
        let asked = Mutex(0)
        let counting: FakeProvider.Answering = { message, provider in
            if case .requested = message { asked.withLock { $0 += 1 } }
            fragile(message, provider)
        }
        for spoke in [one.spoke, two.spoke] {
            _ = try await FakeProvider.open(hub, as: spoke, offering: specs, answering: counting)
        }
        hasBroken.withLock { $0 = false }
        let keyed = try await hub.call("demo.write", headers: [("idempotency-key", "k")])
        #expect(keyed.status == 503 && keyed.code == "SPOKE_DISCONNECTED" && asked.withLock { $0 } == 1)
        // Under that key it stays so. Its caller may know better, and takes another.
        let again = try await hub.call("demo.write", headers: [("idempotency-key", "k")])
        #expect(again.code == "SPOKE_DISCONNECTED" && asked.withLock { $0 } == 1)
        let anew = try await hub.call("demo.write", headers: [("idempotency-key", "l")])
        #expect(anew.data == "alive" && asked.withLock { $0 } == 2)
        #expect(await hub.stop() == 0)
    }

    @Test func whoeverWasAskedLastProvesWhatBecameOfAnAbortedCall() async throws {
        let hub = try await HubUnderTest.start()
        let hasBroken = Mutex(false)
        let answering: FakeProvider.Answering = { message, provider in
            switch message {
            case .requested:
                let isFirst = hasBroken.withLock { was in
                    defer { was = true }
                    return !was
                }
                if isFirst { provider.hangUp() }
            case .aborted(let end) where end.wantsProof == true:
                provider.fail(end.requestId, Fault(.aborted, "It is stopped."))
            default: break
            }
        }
        let specs = [CallRoutingTests.spec("never")]
        let spokes = [
            try await FakeProvider.join(hub, name: "one", offering: specs, answering: answering),
            try await FakeProvider.join(hub, name: "two", offering: specs, answering: answering),
        ]
        async let call = hub.call("demo.never", headers: [("x-request-id", "last")])
        let end = ContinuousClock.now + patience
        while spokes.contains(where: { $0.requests(of: "demo.never") == 0 }) {
            try #require(ContinuousClock.now < end, "The other one was never asked.")
            try await Task.sleep(for: .milliseconds(5))
        }
        let stops = try await hub.call("call.abort", #"{"requestId":"last"}"#)
        #expect(stops.data?["calls"]?.arrayValue?.first?["outcome"] == "aborted", "\(stops)")
        #expect(try await call.code == "ABORTED")
        #expect(await hub.stop() == 0)
    }

    @Test func aCoordinatorKeepsOneConnectionForAThousandCallsAndForSubscriptions() async throws {
        let hub = try await HubUnderTest.start()
        let one = try await FakeProvider.join(
            hub,
            name: "one",
            offering: CallRoutingTests.offer,
            answering: CallRoutingTests.behave
        )
        let coordinator = try await FakeCoordinator.dial(hub)

        // All of them are under way at once; one more than a link carries is refused, and none is lost.
        let count = Limits.callsInFlight
        for number in 0..<count { coordinator.ask("demo.never", id: "n-\(number)") }
        _ = try await one.wait { message in
            if case .requested(let call) = message, call.requestId == "n-\(count - 1)" { true } else { Bool?.none }
        }
        coordinator.ask("demo.echo", id: "over")
        let end = try await coordinator.line.first { message in
            switch message {
            case .callResponded, .callFailed: message
            default: LinkMessage?.none
            }
        }
        guard case .callFailed(let failure) = end, failure.requestId == "over" else {
            Issue.record("Something else than the call over the limit ended: \(end)")
            return
        }
        #expect(failure.error.code == .rateLimited && failure.error.retryable)
        // Answered in another order than asked, each caller hears its own.
        for number in (0..<count).reversed() { one.answer("n-\(number)", .integer(Int64(number))) }
        var seen: Set<String> = []
        for _ in 0..<count {
            let answer = try await coordinator.line.first { message in
                if case .callResponded(let answer) = message { answer } else { CallResponded?.none }
            }
            #expect("n-\(answer.output["data"]?.integerValue ?? -1)" == answer.requestId)
            seen.insert(answer.requestId)
        }
        #expect(seen.count == count)

        try await Self.checkSubscription(coordinator, one)
        try await Self.checkAuthority(hub, one)
        #expect(await hub.stop() == 0)
    }

    /// Values come as far as credit goes, also from a provider that would send more.
    private static func checkSubscription(_ coordinator: FakeCoordinator, _ one: FakeProvider) async throws {
        coordinator.ask("demo.count", id: "s")
        _ = try await one.wait {
            if case .requested(let call) = $0, call.requestId == "s" { true } else { Bool?.none }
        }
        for value in 0..<Limits.subscriptionCredit { one.answer("s", .integer(Int64(value))) }
        for value in 0..<Limits.subscriptionCredit {
            let got = try await coordinator.line.first { message in
                if case .callResponded(let answer) = message { answer.output["data"] } else { JSONValue?.none }
            }
            #expect(got == .integer(Int64(value)))
        }
        // The coordinator gave no more: the next value is held, however often others come and go on the same links, and
        // the provider is asked for what the hub's own credit allows, and not for ever.
        _ = try await one.wait {
            if case .credit(let credit) = $0, credit.requestId == "s" { true } else { Bool?.none }
        }
        one.answer("s", "more")
        for round in 0..<50 {
            coordinator.ask("demo.echo", ["round": .integer(Int64(round))], id: "round-\(round)")
            let next = try await coordinator.line.first { message in
                if case .callResponded(let answer) = message { answer.output["data"] } else { JSONValue?.none }
            }
            #expect(next == ["round": .integer(Int64(round))], "A value came without credit.")
        }
        #expect(one.credit(of: "s") <= Limits.subscriptionCredit)
        coordinator.line.connection.send(.callCredit(CallCredit(requestId: "s", values: 1)))
        let more = try await coordinator.line.first { message in
            if case .callResponded(let answer) = message { answer.output["data"] } else { JSONValue?.none }
        }
        #expect(more == "more")
        coordinator.line.connection.send(.callAborted(CallEnded(requestId: "s", timestamp: 0)))
        try await one.abort(of: "s")
        // A provider that sends without credit is cut off.
        coordinator.ask("demo.count", id: "t")
        _ = try await one.wait {
            if case .requested(let call) = $0, call.requestId == "t" { true } else { Bool?.none }
        }
        for value in 0...(4 * Limits.subscriptionCredit) { one.answer("t", .integer(Int64(value))) }
        try await one.abort(of: "t")
    }

    /// A connection may what its key may, and a link's own words on it close it with a reason.
    private static func checkAuthority(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let made = try await hub.call("key.create", #"{"name":"k","scopes":["demo:read"]}"#)
        let key = try #require(made.data?["key"]?.stringValue)
        let poor = try await FakeCoordinator.dial(hub, key: key)
        poor.ask("demo.secret", id: "a")
        guard case .failed(let failure) = try await poor.end(of: "a") else {
            Issue.record("a call without the right was answered")
            return
        }
        #expect(failure.error.code == .accessDenied)
        poor.ask("demo.echo", id: "b")
        guard case .responded = try await poor.end(of: "b") else {
            Issue.record("a call with the right was not answered")
            return
        }
        poor.line.connection.send(.hello(one.spoke.hello(journal: FakeJournal().summary)))
        let reason = try await poor.line.closing()
        #expect(reason.code >= 4_000 && !reason.text.isEmpty)
        // A spoke asks with its own rights, and those are few.
        one.say(.requested(CallRequested(requestId: "up", operationId: "demo.secret", input: [:], timestamp: 0)))
        let denied = try await one.wait { message in
            if case .failed(let failure) = message, failure.requestId == "up" { failure } else { CallFailed?.none }
        }
        #expect(denied.error.code == .accessDenied)
        // It may ask itself through the hub: one id in both directions is two calls.
        one.say(.requested(CallRequested(requestId: "self", operationId: "demo.echo", input: ["x": 1], timestamp: 0)))
        let own = try await one.wait { message in
            if case .responded(let answer) = message, answer.requestId == "self" { answer } else { CallResponded?.none }
        }
        #expect(own.output["meta"]?["spokeId"]?.stringValue == one.spoke.id.rawValue)
    }

    @Test func aDrainingHubLetsCallsUnderWayEnd() async throws {
        let hub = try await HubUnderTest.start()
        let one = try await FakeProvider.join(
            hub,
            name: "one",
            offering: CallRoutingTests.offer,
            answering: CallRoutingTests.behave
        )
        async let answer = hub.call("demo.never", headers: [("x-request-id", "last")])
        _ = try await one.request(of: "demo.never")
        async let exit = hub.stop()
        // The hub has begun to leave when it says goodbye to coordinators and spokes; only then it is answered.
        try await one.goodbye()
        one.answer("last", "in time")
        #expect(try await answer.data == "in time")
        one.hangUp()
        #expect(await exit == 0)
    }
}
