import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol
import TestSupport
import Testing

/// Errors that operations declare for themselves, and versions that other spokes offer, as callers see them.
@Suite(.serialized)
struct OwnErrorsTests {
    private static let errors = [
        ErrorDefinition(code: "TOO_WET", description: "It drips.", httpStatus: 422),
        ErrorDefinition(code: "TOO_OLD", description: "It crumbles."),
        ErrorDefinition(
            code: "TOO_HOT",
            description: "It smokes.",
            schema: [
                "type": "object", "properties": ["degrees": ["type": "integer", "default": 90]],
                "additionalProperties": false,
            ]
        ),
    ]

    /// Fails with the code and the words of its input; any other operation says who answers.
    private static func behave(_ message: CallMessage, _ provider: FakeProvider) {
        guard case .requested(let call) = message else { return }
        guard let code = call.input["code"]?.stringValue else {
            return provider.answer(call.requestId, .string(provider.spoke.id.rawValue))
        }
        let words = call.input["words"]?.stringValue ?? "Wait."
        provider.fail(call.requestId, Fault(Fault.Code(rawValue: code), words, details: ["litres": 3]))
    }

    @Test func anOperationsOwnErrorsAreHeardAsItDeclaresThem() async throws {
        let hub = try await HubUnderTest.start()
        let offer = [
            CallRoutingTests.spec("dry", errors: Self.errors),
            CallRoutingTests.spec("wash", type: .mutation, errors: Self.errors),
            CallRoutingTests.spec("rain", type: .subscription, errors: Self.errors), CallRoutingTests.spec("plain"),
            CallRoutingTests.spec("shy", errors: [ErrorDefinition(code: "oops", description: "No code.")]),
            CallRoutingTests.spec(
                "odd",
                errors: [ErrorDefinition(code: "ODD", description: "No error.", httpStatus: 200)]
            ),
        ]
        let one = try await FakeProvider.join(hub, name: "one", offering: offer, answering: Self.behave)
        #expect(one.taken.registered == 4)
        #expect(Set(one.taken.refusals.map(\.operation)) == ["demo.shy", "demo.odd"])

        let wet = try await hub.call("demo.dry", #"{"code":"TOO_WET"}"#)
        #expect(wet.status == 422 && wet.code == "TOO_WET" && wet.body["error"]?["message"] == "Wait.")
        #expect(wet.body["error"]?["details"] == ["litres": 3])
        let old = try await hub.call("demo.dry", #"{"code":"TOO_OLD"}"#)
        #expect(old.status == 500 && old.code == "TOO_OLD")
        // Its details are as they are declared, as an answer would be.
        let hot = try await hub.call("demo.dry", #"{"code":"TOO_HOT"}"#)
        #expect(hot.code == "TOO_HOT" && hot.body["error"]?["details"] == ["degrees": 90])
        // What can throw nothing but a text says so in the text.
        let thrown = try await hub.call("demo.dry", #"{"code":"EXECUTION_ERROR","words":"TOO_WET: It pours."}"#)
        #expect(thrown.status == 422 && thrown.code == "TOO_WET" && thrown.body["error"]?["message"] == "It pours.")
        // Nobody declared these.
        for operation in ["demo.dry", "demo.plain"] {
            let odd = try await hub.call(operation, #"{"code":"TOO_ODD","words":"Look."}"#)
            #expect(odd.status == 500 && odd.code == "EXECUTION_ERROR")
            #expect(odd.body["error"]?["message"] == "TOO_ODD: Look.")
        }
        #expect(try await hub.call("demo.plain", #"{"code":"TOO_WET"}"#).code == "EXECUTION_ERROR")
        try await Self.checkMutation(hub)
        try await Self.checkSubscription(hub)
        try await Self.checkPages(hub)
        #expect(await hub.stop() == 0)
    }

    /// An idempotency key repeats the whole of it, and the graph has it as it was heard.
    private static func checkMutation(_ hub: HubUnderTest) async throws {
        for round in 1...2 {
            let headers = [("idempotency-key", "wash"), ("x-request-id", "wash-\(round)")]
            let wet = try await hub.call("demo.wash", #"{"code":"TOO_WET"}"#, headers: headers)
            #expect(wet.status == 422 && wet.code == "TOO_WET", "round \(round): \(wet)")
            let node = try await hub.call("call.get", #"{"requestId":"wash-\#(round)"}"#)
            #expect(node.data?["error"]?["code"] == "TOO_WET" && node.data?["status"] == "failed")
        }
        let thrown = #"{"code":"EXECUTION_ERROR","words":"TOO_WET: It pours."}"#
        let wet = try await hub.call("demo.wash", thrown)
        #expect(wet.status == 422 && wet.body["error"]?["message"] == "It pours.")
    }

    private static func checkSubscription(_ hub: HubUnderTest) async throws {
        for (input, code) in [("TOO_WET", "TOO_WET"), ("TOO_ODD", "EXECUTION_ERROR")] {
            let text = try await hub.followed("demo.rain", ["code": .string(input)], key: hub.key)
            #expect(text.contains("event: error") && text.contains("\"code\":\"\(code)\""), "\(text)")
        }
    }

    /// The document promises the status, and metrics count no code that a spoke made up.
    private static func checkPages(_ hub: HubUnderTest) async throws {
        let bearer = [("authorization", "Bearer \(hub.key)")]
        let document = try await hub.request(.GET, "/openapi.json", [], bearer).body
        let responses = document["paths"]?["/v1/call/demo.dry"]?["post"]?["responses"]
        #expect(responses?["422"]?["description"]?.stringValue?.contains("TOO_WET") == true)
        var request = HTTPClientRequest(url: hub.ready.url + "/metrics")
        request.headers = HTTPHeaders(bearer)
        let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(patience))
        let metrics = String(buffer: try await response.body.collect(upTo: 8 << 20))
        #expect(metrics.contains(#"nave_calls_total{operation="demo.dry",outcome="domain"} 4"#))
        #expect(metrics.contains("nave_answers_misshapen_total 1\n"))
        #expect(metrics.contains(#"nave_refusals_total{code="domain"}"#))
        #expect(!metrics.contains("TOO_WET") && !metrics.contains("TOO_OLD") && !metrics.contains("TOO_ODD"))
    }

    @Test func whatAStrangerOffersInAnotherVersionChangesNothingForWhoeverNamesASpoke() async throws {
        let hub = try await HubUnderTest.start()
        let mine = [CallRoutingTests.spec("x", type: .mutation), CallRoutingTests.spec("read", scopes: ["demo:read"])]
        let one = try await FakeProvider.join(hub, name: "one", offering: mine, answering: Self.behave)
        let theirs = [
            CallRoutingTests.spec("x", version: "2"),
            CallRoutingTests.spec("read", version: "99", scopes: ["demo:admin"]),
        ]
        let two = try await FakeProvider.join(hub, name: "stranger", offering: theirs, answering: Self.behave)
        #expect(two.taken.registered == 1 && two.taken.refusals.map(\.operation) == ["demo.x"])
        let said = two.taken.refusals.first?.message ?? ""
        #expect(said.contains("Version 1") && said.contains("mutation") && said.contains("version 2"))

        let made = try await hub.call("key.create", #"{"name":"k","scopes":["demo:read"]}"#)
        let bearer = [("authorization", "Bearer \(made.data?["key"]?.stringValue ?? "")")]
        let own = JSONValue.string(one.spoke.id.rawValue)
        func read(_ path: String, _ headers: [(String, String)] = []) async throws -> HubUnderTest.Reply {
            try await hub.request(.POST, "/v1/call/\(path)", [], bearer + headers)
        }
        #expect(try await read("dev.one.demo.read").data == own)
        #expect(try await read("demo.read", [("x-spoke", "one")]).data == own)
        #expect(try await read("demo.read", [("x-target", #"{"spokeName":"one"}"#)]).data == own)
        #expect(try await read("demo.read@1").data == own)
        // The bare name means the newest that is there.
        #expect(try await read("demo.read").code == "ACCESS_DENIED")
        #expect(try await read("dev.stranger.demo.read").code == "ACCESS_DENIED")
        #expect(try await hub.call("demo.read").data == .string(two.spoke.id.rawValue))
        two.hangUp()
        let end = ContinuousClock.now + patience
        while try await read("demo.read").data != own {
            try #require(ContinuousClock.now < end, "Who is away still says who may read.")
        }
        #expect(try await read("dev.stranger.demo.read").code == "ACCESS_DENIED")
        #expect(await hub.stop() == 0)
    }
}
