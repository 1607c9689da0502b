import Foundation
import Protocol
import TestSupport
import Testing

/// Calls that are not with their provider yet, as the call graph shows them and as an abort reaches them.
@Suite(.serialized)
struct PendingCallTests {
    /// Answers what the test says, and nothing by itself.
    private static func stay(_ message: CallMessage, _ provider: FakeProvider) {}

    @Test func aCallThatWaitsForItsKeyIsPendingAndMayBeAbortedAlone() async throws {
        let hub = try await HubUnderTest.start()
        let offer = [CallRoutingTests.spec("write", type: .mutation), CallRoutingTests.spec("read")]
        let one = try await FakeProvider.join(hub, name: "one", offering: offer, answering: Self.stay)
        @Sendable func write(_ id: String) async throws -> HubUnderTest.Reply {
            try await hub.call("demo.write", headers: [("idempotency-key", "once"), ("x-request-id", id)])
        }
        async let first = write("first")
        let asked = try await one.request(of: "demo.write")
        #expect(asked.requestId == "first")
        let running = try await Self.node("first", of: hub)
        #expect(running["status"] == "running" && running["startedAt"]?.stringValue != nil)
        #expect(running["providerId"]?.stringValue == one.spoke.id.rawValue)
        async let query = hub.call("demo.read", headers: [("x-request-id", "query")])
        _ = try await one.request(of: "demo.read")
        #expect(try await Self.node("query", of: hub)["status"] == "running")

        // The key is the first call's until that has ended.
        async let second = write("second")
        let waiting = try await Self.node("second", of: hub)
        #expect(waiting["status"] == "pending" && waiting["startedAt"]?.stringValue == nil)
        #expect(waiting["providerId"]?.stringValue == nil)
        // What is with its provider goes on under this policy, and what waits does not.
        for id in ["first", "query"] { #expect(try await Self.abort(id, hub).data?["aborted"] == []) }
        let stopped = try await Self.abort("second", hub)
        #expect(stopped.data?["aborted"] == ["second"])
        #expect(stopped.data?["calls"]?.arrayValue?.first?["outcome"] == "aborted")
        let end = try await second
        #expect(end.status == 409 && end.code == "ABORTED")
        let aborted = try await Self.node("second", of: hub)
        #expect(aborted["status"] == "aborted" && aborted["startedAt"]?.stringValue == nil)

        one.answer("first", "done")
        one.answer("query", "read")
        #expect(try await first.data == "done")
        #expect(try await query.data == "read")
        #expect(try await Self.node("first", of: hub)["status"] == "completed")
        // The first outcome is everybody's, and the spoke was asked once.
        #expect(try await write("third").data == "done")
        #expect(one.requests(of: "demo.write") == 1)
        #expect(await hub.stop() == 0)
    }

    @Test func whatIsRefusedWasNeverBegun() async throws {
        let hub = try await HubUnderTest.start()
        let reply = try await hub.call("project.create", #"{"surprise":1}"#, headers: [("x-request-id", "wrong")])
        #expect(reply.code == "VALIDATION_ERROR")
        let node = try await Self.node("wrong", of: hub)
        #expect(node["status"] == "failed" && node["error"]?["code"] == "VALIDATION_ERROR")
        #expect(node["providerId"]?.stringValue == nil && node["startedAt"] == node["createdAt"])
        let made = try await hub.call(
            "project.create",
            #"{"name":"p","repoUrl":"/srv/p.git"}"#,
            headers: [("x-request-id", "right")]
        )
        #expect(made.status == 200)
        let right = try await Self.node("right", of: hub)
        #expect(right["status"] == "completed" && right["providerType"] == "hub")
        #expect(await hub.stop() == 0)
    }

    private static func abort(_ id: String, _ hub: HubUnderTest) async throws -> HubUnderTest.Reply {
        try await hub.call("call.abort", #"{"requestId":"\#(id)","policy":"continueRunning"}"#)
    }

    /// The node of a call, as soon as there is one.
    private static func node(_ id: String, of hub: HubUnderTest) async throws -> JSONValue {
        let end = ContinuousClock.now + patience
        while true {
            let reply = try await hub.call("call.get", #"{"requestId":"\#(id)"}"#)
            if let node = reply.data { return node }
            try #require(ContinuousClock.now < end, "The call never came: \(reply)")
        }
    }
}
