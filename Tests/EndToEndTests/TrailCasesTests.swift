import Foundation
import NIOHTTP1
import Protocol
import Synchronization
import TestSupport
import Testing
import Transport

/// What is written down of calls that change something, and that they are made once, from outside: a real hub, and two
/// spokes that say what they like.
@Suite(.serialized)
struct TrailCasesTests {
    private static let offer = [
        CallRoutingTests.spec("write", type: .mutation), CallRoutingTests.spec("never", type: .mutation),
        CallRoutingTests.spec("nul", type: .mutation), CallRoutingTests.spec("lose", type: .mutation),
        CallRoutingTests.spec("own", type: .mutation, scopes: ["demo:write"]),
        CallRoutingTests.spec("run", type: .subscription, scopes: ["demo:write"]),
        CallRoutingTests.spec("look", type: .subscription, scopes: ["demo:read"]), deploy,
    ]

    /// One that takes a right to some resource.
    private static let deploy = JSONValue(
        encoding: OperationSpec(
            namespace: "demo",
            name: "deploy",
            version: "1",
            type: .mutation,
            description: "A demonstration.",
            inputSchema: ["type": "object"],
            outputSchema: true,
            accessControl: AccessControl(resourceType: "project", resourceAction: "deploy")
        )
    )

    private static func behave(_ message: CallMessage, _ provider: FakeProvider) {
        guard case .requested(let call) = message else { return }
        switch call.operationId {
        case "demo.never": break
        case "demo.nul": provider.answer(call.requestId, "a\u{0}b")
        case "demo.lose": provider.fail(call.requestId, Fault(.unknown, "It broke."))
        case "demo.run", "demo.look":
            provider.say(.completed(CallEnded(requestId: call.requestId, timestamp: 0)))
        default: provider.answer(call.requestId, .string(provider.spoke.id.rawValue))
        }
    }

    @Test func whatChangesSomethingIsWrittenDownAndDoneOnce() async throws {
        let hub = try await HubUnderTest.start()
        let one = try await FakeProvider.join(hub, name: "one", offering: Self.offer, answering: Self.behave)
        let two = try await FakeProvider.join(hub, name: "two", offering: Self.offer, answering: Self.behave)
        try await Self.checkJoins(hub, one)
        try await Self.checkOnce(hub, one, two)
        try await Self.checkTargets(hub, one, two)
        try await Self.checkHostileNames(hub)
        try await Self.checkRequestIds(hub, one)
        try await Self.checkSubscriptions(hub)
        try await Self.checkResources(hub)
        try await Self.checkCoordinator(hub)
        try await Self.checkAddresses(hub, one)
        #expect(await hub.stop() == 0)
    }

    // MARK: Asking

    /// The trail's lines of an action, newest first.
    private static func lines(_ hub: HubUnderTest, _ action: String) async throws -> [JSONValue] {
        try await hub.call("audit.list", #"{"action":"\#(action)"}"#).data?["entries"]?.arrayValue ?? []
    }

    private static func key(_ hub: HubUnderTest, _ rights: String) async throws -> (String, id: String) {
        let made = try await hub.call("key.create", #"{"name":"k",\#(rights)}"#)
        let id = made.data?["record"]?["id"] ?? made.data?["id"]
        return (try #require(made.data?["key"]?.stringValue), try #require(id?.stringValue))
    }

    /// How often a spoke was asked for an operation.
    private static func asked(_ provider: FakeProvider, _ operation: String) -> Int {
        provider.requests.filter { $0.operationId == operation }.count
    }

    private static func keyed(_ key: String) -> [(String, String)] { [("idempotency-key", key)] }

    // MARK: Checks

    private static func checkJoins(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let lines = try await lines(hub, "spoke.join")
        #expect(lines.count == 2 && lines.last?["details"]?["spokeId"]?.stringValue == one.spoke.id.rawValue)
        #expect(lines.last?["details"]?["joinTokenId"]?.stringValue != nil)
    }

    /// Every line says where the request came from: over HTTP, over a coordinator's connection and over a spoke's link.
    private static func checkAddresses(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let asked = CallRequested(requestId: "over-link", operationId: "token.create", input: [:], timestamp: 0)
        one.say(.requested(asked))
        _ = try await one.wait {
            if case .failed(let failure) = $0, failure.requestId == "over-link" { true } else { Bool?.none }
        }
        let coordinator = try await FakeCoordinator.dial(hub)
        coordinator.ask("token.create", id: "over-socket")
        _ = try await coordinator.end(of: "over-socket")
        _ = try await hub.call("token.create", headers: [("x-request-id", "over-http")])
        for request in ["over-link", "over-socket", "over-http"] {
            let found = try await hub.call("audit.list", #"{"requestId":"\#(request)"}"#).data?["entries"]?.arrayValue
            #expect(found?.map { $0["details"]?["from"] } == ["127.0.0.1"], "\(request)")
        }
        #expect(try await lines(hub, "spoke.join").allSatisfy { $0["details"]?["from"] == "127.0.0.1" })
    }

    /// Whoever was asked may have done it, whatever became of the answer.
    private static func checkOnce(_ hub: HubUnderTest, _ one: FakeProvider, _ two: FakeProvider) async throws {
        for (operation, code, again) in [
            ("never", "TIMEOUT", "TIMEOUT"), ("lose", "UNKNOWN_ERROR", "UNKNOWN_ERROR"), ("nul", nil, "CONFLICT"),
        ] as [(String, String?, String)] {
            let headers = keyed("once-\(operation)")
            let deadline = operation == "never" ? [("x-deadline", "200ms")] : []
            let first = try await hub.call("dev.one.demo.\(operation)", headers: headers + deadline)
            #expect(first.code == code)
            let second = try await hub.call("dev.one.demo.\(operation)", headers: headers)
            #expect(second.code == again, "\(operation)")
            #expect(asked(one, "demo.\(operation)") == 1 && asked(two, "demo.\(operation)") == 0)
            #expect(try await lines(hub, "demo.\(operation)").count == 2)
        }
    }

    /// The same key means the same spoke.
    private static func checkTargets(_ hub: HubUnderTest, _ one: FakeProvider, _ two: FakeProvider) async throws {
        let headers = keyed("target")
        let first = try await hub.call("dev.one.demo.write", headers: headers)
        #expect(first.data?.stringValue == one.spoke.id.rawValue)
        #expect(try await hub.call("dev.two.demo.write", headers: headers).code == "CONFLICT")
        #expect(try await hub.call("demo.write", headers: headers + [("x-spoke", "two")]).code == "CONFLICT")
        #expect(try await hub.call("dev.one.demo.write@1", headers: headers).code == "CONFLICT")
        // Said otherwise, it is the same spoke.
        #expect(try await hub.call("demo.write", headers: headers + [("x-spoke", "one")]).data == first.data)
        let field = [("x-target", #"{"spokeName":"one"}"#)]
        #expect(try await hub.call("demo.write", headers: headers + field).data == first.data)
        #expect(asked(one, "demo.write") == 1 && asked(two, "demo.write") == 0)
    }

    /// No text of an input keeps a line from being written.
    private static func checkHostileNames(_ hub: HubUnderTest) async throws {
        let (poor, _) = try await key(hub, #""scopes":["nothing:read"]"#)
        let long = String(repeating: "x", count: 4_096)
        var expected = 0
        for text in [#"a\u0000b"#, long, #"\u001b[2J"#] {
            let input = #"{"project":"\#(text)","account":"\#(text)","org":"\#(text)","sessionId":"\#(text)"}"#
            _ = try await hub.call("demo.own", input)
            let denied = [("authorization", "Bearer \(poor)")]
            #expect(
                try await hub.request(.POST, "/v1/call/demo.own", Array(input.utf8), denied).code == "ACCESS_DENIED"
            )
            expected += 2
            #expect(try await lines(hub, "demo.own").count == expected)
        }
        #expect(try await lines(hub, "demo.own").filter { $0["outcome"] == "denied" }.count == 3)
        // What cannot be read is no call.
        #expect(try await hub.call("demo.own", #"{"project":"\ud800"}"#).code == "VALIDATION_ERROR")
        #expect(try await lines(hub, "demo.own").count == expected)
    }

    /// The line of a call whose id another one has goes by the node's.
    private static func checkRequestIds(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        async let first = hub.call("dev.one.demo.never", headers: [("x-request-id", "taken"), ("x-deadline", "20s")])
        _ = try await one.wait {
            if case .requested(let call) = $0, call.requestId == "taken" { true } else { Bool?.none }
        }
        let second = try await hub.call("token.create", headers: [("x-request-id", "taken")])
        let id = try #require(second.body["meta"]?["requestId"]?.stringValue)
        let line = try await lines(hub, "token.create").first
        #expect(
            id != "taken" && line?["requestId"]?.stringValue == id && line?["details"]?["callId"]?.stringValue == id
        )
        #expect(try await hub.call("call.get", #"{"requestId":"\#(id)"}"#).data?["operationId"] == "token.create")
        one.answer("taken", "done")
        #expect(try await first.data == "done")
    }

    /// A subscription that takes more than reading leaves a line when it begins, or is refused, and a node.
    private static func checkSubscriptions(_ hub: HubUnderTest) async throws {
        let (poor, _) = try await key(hub, #""scopes":["demo:read"]"#)
        #expect(try await hub.followed("demo.run", [:], key: hub.key).contains("event: completed"))
        #expect(try await hub.followed("demo.run", [:], key: poor).contains("ACCESS_DENIED"))
        #expect(try await hub.followed("demo.look", [:], key: poor).contains("event: completed"))
        let lines = try await lines(hub, "demo.run")
        #expect(lines.map { $0["outcome"] } == ["denied", "succeeded"])
        #expect(try await Self.lines(hub, "demo.look").isEmpty)
        let id = try #require(lines.last?["requestId"]?.stringValue)
        #expect(try await hub.call("call.get", #"{"requestId":"\#(id)"}"#).data?["operationId"] == "demo.run")
        // Over a link the desk alone decides.
        let coordinator = try await FakeCoordinator.dial(hub, key: poor)
        coordinator.ask("demo.run", id: "poor-run")
        guard case .failed(let failure) = try await coordinator.end(of: "poor-run") else {
            Issue.record("it was let in")
            return
        }
        #expect(failure.error.code == .accessDenied)
        #expect(try await Self.lines(hub, "demo.run").map { $0["outcome"] } == ["denied", "denied", "succeeded"])
    }

    /// An operation that takes a right to a resource is open to keys that have it.
    private static func checkResources(_ hub: HubUnderTest) async throws {
        for (resources, isOpen) in [
            (#"{"project:p1":["deploy"]}"#, true), (#"{"project:*":["*"]}"#, true),
            (#"{"project:p1":["read"]}"#, false),
            (#"{"spoke:p1":["deploy"]}"#, false), ("{}", false),
        ] {
            let (key, _) = try await key(hub, #""scopes":["nothing:read"],"resources":\#(resources)"#)
            let bearer = [("authorization", "Bearer \(key)")]
            let reply = try await hub.request(.POST, "/v1/call/demo.deploy", [], bearer)
            #expect(reply.status == (isOpen ? 200 : 403), "\(resources): \(reply.body)")
            if !isOpen {
                let missing = reply.body["error"]?["details"]?["missing"]
                #expect(reply.code == "ACCESS_DENIED" && missing == ["project:*#deploy"])
            }
        }
        #expect(try await hub.call("demo.deploy").status == 200)
    }

    /// A coordinator's connection ends with its key.
    private static func checkCoordinator(_ hub: HubUnderTest) async throws {
        let (key, id) = try await key(hub, #""scopes":["demo:read"]"#)
        let coordinator = try await FakeCoordinator.dial(hub, key: key)
        let stays = try await FakeCoordinator.dial(hub)
        coordinator.ask("demo.echo", id: "before")
        _ = try await coordinator.end(of: "before")
        #expect(try await hub.call("key.revoke", #"{"id":"\#(id)"}"#).status == 200)
        #expect(try await coordinator.line.closing().code == CloseReason.goingAway.code)
        stays.ask("operation.list", id: "after")
        guard case .responded = try await stays.end(of: "after") else {
            Issue.record("another key's connection ended, too")
            return
        }
    }
}
