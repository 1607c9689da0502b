import Foundation
import NIOHTTP1
import Protocol
import Testing

/// What counts against a key's rate: every request once, before anything is done for it.
@Suite struct MeteringTests {
    @Test func everyDoorCountsARequestOnceBeforeItWorks() async throws {
        let hub = try await HubUnderTest.start()
        let input: JSONValue = ["type": "object", "properties": ["n": ["type": "integer"]], "required": ["n"]]
        let offer = [CallRoutingTests.spec("count", type: .subscription, input: input)]
        let one = try await FakeProvider.join(hub, name: "one", offering: offer) { message, provider in
            guard case .requested(let call) = message else { return }
            provider.answer(call.requestId, 1)
            provider.say(.completed(CallEnded(requestId: call.requestId, timestamp: 0)))
        }
        try await Self.subscriptions(hub)
        try await Self.documents(hub)
        try await Self.messagesOfMCP(hub)
        #expect(await hub.stop() == 0)
        withExtendedLifetime(one) {}
    }

    /// A key that may ask this often, and then not for a long time.
    private static func bearer(_ hub: HubUnderTest, burst: Int) async throws -> [(String, String)] {
        let name = UUID().uuidString
        let ask = #"{"name":"\#(name)","scopes":["hub:read"],"callsPerSecond":0.01,"callsBurst":\#(burst)}"#
        let key = try #require(try await hub.call("key.create", ask).data?["key"]?.stringValue)
        return [("authorization", "Bearer \(key)")]
    }

    private static func isTooOften(_ reply: HubUnderTest.Reply) -> Bool {
        reply.status == 429 && reply.code == "RATE_LIMITED" && reply.headers.first(name: "retry-after") != nil
    }

    /// What is refused before its first value counts like what is not, is shown in the figures and has its node.
    private static func subscriptions(_ hub: HubUnderTest) async throws {
        let key = try await bearer(hub, burst: 4)
        func subscribe(_ operation: String, _ input: String) async throws -> HubUnderTest.Reply {
            try await hub.request(.POST, "/v1/subscribe/\(operation)", Array(input.utf8), key)
        }
        #expect(try await subscribe("demo.count", #"{"n":"x"}"#).status == 400)
        #expect(try await subscribe("account.get", "{}").status == 400)
        #expect(try await subscribe("project.events", "{}").code == "OPERATION_NOT_FOUND")
        #expect(try await subscribe("demo.count", #"{"n":1}"#).status == 200)
        #expect(isTooOften(try await subscribe("demo.count", #"{"n":1}"#)))
        #expect(isTooOften(try await subscribe("demo.count", #"{"n":"x"}"#)))
        for (outcome, count) in [("VALIDATION_ERROR", 1.0), ("ok", 1), ("RATE_LIMITED", 2)] {
            let name = #"nave_calls_total{operation="demo.count",outcome="\#(outcome)"}"#
            try await hub.until(name, is: count)
        }
        let calls = try await hub.call("call.list", #"{"operation":"demo.count"}"#)
        let states = (calls.data?["calls"]?.arrayValue ?? []).compactMap { $0["status"]?.stringValue }
        #expect(states.sorted() == ["completed", "failed"], "\(calls.body)")
    }

    private static func documents(_ hub: HubUnderTest) async throws {
        for path in ["/openapi.json", "/metrics", "/v1/operations"] {
            let key = try await bearer(hub, burst: 1)
            #expect(try await hub.request(.GET, path, [], key).status == 200)
            #expect(isTooOften(try await hub.request(.GET, path, [], key)), "\(path)")
        }
    }

    private static func messagesOfMCP(_ hub: HubUnderTest) async throws {
        let key = try await bearer(hub, burst: 3)
        func say(_ method: String, _ parameters: JSONValue, in session: String?) async throws -> HubUnderTest.Reply {
            let message: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": parameters]
            let headers = key + (session.map { [("mcp-session-id", $0)] } ?? [])
            return try await hub.request(.POST, "/mcp", message.serialized(), headers)
        }
        let begun = try await say("initialize", ["protocolVersion": "2025-03-26"], in: nil)
        let session = try #require(begun.headers.first(name: "mcp-session-id"), "\(begun)")
        // A call within a request is the request's: both together count once.
        let call: JSONValue = ["name": "call", "arguments": ["operation": "account.get"]]
        let called = try await say("tools/call", call, in: session)
        #expect(called.status == 200 && called.body["result"]?["isError"] != true, "\(called.body)")
        #expect(try await say("tools/list", [:], in: session).status == 200)
        #expect(isTooOften(try await say("ping", [:], in: session)))
        #expect(isTooOften(try await say("tools/call", call, in: session)))
        #expect(isTooOften(try await say("initialize", ["protocolVersion": "2025-03-26"], in: nil)))
        #expect(isTooOften(try await hub.request(.GET, "/mcp", [], key + [("mcp-session-id", session)])))
    }
}
