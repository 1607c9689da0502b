import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol
import Synchronization
import TestSupport
import Testing
import Transport

/// Calls that spokes answer, as everybody sees them from outside: a real hub, and spokes that say what they like.
@Suite(.serialized)
struct CallRoutingTests {
    static func spec(
        _ name: String,
        type: OperationKind = .query,
        version: String = "1",
        scopes: [String] = [],
        input: JSONValue = ["type": "object"],
        output: JSONValue = true,
        errors: [ErrorDefinition]? = nil
    ) -> JSONValue {
        JSONValue(
            encoding: OperationSpec(
                namespace: "demo",
                name: name,
                version: version,
                type: type,
                description: "A demonstration.",
                inputSchema: input,
                outputSchema: output,
                errorSchemas: errors,
                accessControl: AccessControl(requiredScopes: scopes)
            )
        )
    }

    static let offer: [JSONValue] = [
        spec("echo"), spec("never"), spec("odd"), spec("fail"), spec("write", type: .mutation),
        spec("count", type: .subscription), spec("secret", scopes: ["demo:admin"]),
        spec(
            "strict",
            input: ["type": "object", "properties": ["n": ["type": "integer", "minimum": 1]], "required": ["n"]],
            output: [
                "type": "object", "additionalProperties": false,
                "properties": ["n": ["type": "integer"], "unit": ["type": "string", "default": "ms"]],
            ]
        ),
    ]

    /// Echoes, fails, counts, or stays silent, by the operation's name.
    static func behave(_ message: CallMessage, _ provider: FakeProvider) {
        guard case .requested(let call) = message else { return }
        let id = call.requestId
        switch call.operationId {
        case "demo.echo", "demo.write", "demo.secret": provider.answer(id, call.input)
        // Says more than its schema, and something else.
        case "demo.strict": provider.answer(id, ["n": "many", "extra": true])
        case "demo.fail": provider.fail(id, Fault(.notFound, "There is no such thing.", details: ["x": 1]))
        case "demo.odd":
            // To nobody, then twice, then an end that no query has.
            provider.answer("nobody", "stray")
            provider.answer(id, "first", meta: ["source": "http", "statusCode": 203])
            provider.answer(id, "second")
            provider.say(.completed(CallEnded(requestId: id, timestamp: 0)))
            provider.fail("nobody", Fault(.unknown, "stray"))
        default: break
        }
    }

    @Test func aCallGoesToASpokeAndItsAnswerComesBack() async throws {
        let hub = try await HubUnderTest.start()
        let bad: [JSONValue] = [Self.spec("not a name"), Self.spec("broken", input: ["type": "nonsense"])]
        let one = try await FakeProvider.join(hub, name: "one", offering: Self.offer + bad, answering: Self.behave)
        #expect(one.taken.registered == Self.offer.count && one.taken.refusals.count == 2)

        try await Self.checkCatalogue(hub)
        try await Self.checkAnswers(hub, one)
        try await Self.checkSchemas(hub)
        try await Self.checkAddresses(hub)
        try await Self.checkDeadline(hub, one)
        try await Self.checkLeaving(hub, one)
        try await Self.checkSubscription(hub, one)
        try await Self.checkChange(hub, one)
        #expect(await hub.stop() == 0)
    }

    private static func checkCatalogue(_ hub: HubUnderTest) async throws {
        let list = try await hub.call("operation.list", #"{"namespace":"demo"}"#)
        #expect(list.data?["operations"]?.arrayValue?.count == offer.count)
        #expect(list.data?["operations"]?.arrayValue?.first?["spokes"] == ["one"])
        let route = try await hub.request(
            .GET,
            "/v1/operations/demo.echo",
            [],
            [("authorization", "Bearer \(hub.key)")]
        )
        #expect(route.data?["providers"]?.arrayValue?.first?["name"] == "one")
        try await checkPages(hub)
        let key = try await hub.call("key.create", #"{"name":"k","scopes":["account:read"]}"#).data?["key"]
        let poor = [("authorization", "Bearer \(key?.stringValue ?? "")")]
        let seen = try await hub.request(.GET, "/v1/operations", [], poor)
        let ids = (seen.data?["operations"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        #expect(ids.contains("demo.echo") && !ids.contains("demo.secret"))
        #expect(try await hub.request(.POST, "/v1/call/demo.secret", [], poor).code == "ACCESS_DENIED")
    }

    /// The route's query is the operation's input.
    private static func checkPages(_ hub: HubUnderTest) async throws {
        let mine = [("authorization", "Bearer \(hub.key)")]
        var (ids, cursor): ([String], String?) = ([], nil)
        repeat {
            let from = cursor?.addingPercentEncoding(withAllowedCharacters: .alphanumerics).map { "&cursor=\($0)" }
            let page = try await hub.request(.GET, "/v1/operations?namespace=demo&limit=2\(from ?? "")", [], mine)
            let found = page.data?["operations"]?.arrayValue ?? []
            #expect(page.status == 200 && (1...2).contains(found.count), "\(page.body)")
            ids += found.compactMap { $0["id"]?.stringValue }
            cursor = page.data?["nextCursor"]?.stringValue
        } while cursor != nil && ids.count < offer.count
        #expect(ids.count == offer.count && ids == ids.sorted() && cursor == nil)
        for wrong in ["limit=0", "limit=x", "cursor=x", "type=x", "colour=x"] {
            #expect(try await hub.request(.GET, "/v1/operations?\(wrong)", [], mine).code == "VALIDATION_ERROR")
        }
    }

    private static func checkAnswers(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let reply = try await hub.call(
            "demo.echo",
            #"{"text":"ä\n","list":[1,2.5,null]}"#,
            headers: [("x-request-id", "r-1"), ("traceparent", trace), ("x-deadline", "30s")]
        )
        #expect(reply.status == 200)
        #expect(reply.data == ["text": "ä\n", "list": [1, .number(2.5), .null]])
        let meta = reply.body["meta"]
        #expect(meta?["operationId"] == "demo.echo" && meta?["requestId"] == "r-1" && meta?["source"] == "local")
        #expect(meta?["spokeId"]?.stringValue == one.spoke.id.rawValue && meta?["timestamp"] != nil)
        let request = try await one.request(of: "demo.echo")
        #expect(request.requestId == "r-1" && request.traceparent == trace && request.identity?.scopes == ["*"])
        #expect((request.deadline ?? 0) > request.timestamp && request.sessionId == nil)

        let fault = try await hub.call("demo.fail")
        #expect(fault.status == 404 && fault.code == "NOT_FOUND" && fault.body["error"]?["details"] == ["x": 1])
        for _ in 0..<3 {
            let odd = try await hub.call("demo.odd")
            #expect(odd.data == "first" && odd.body["meta"]?["statusCode"] == 203)
        }
        #expect(try await hub.call("demo.echo").status == 200)
        #expect(try await hub.call("demo.nothing").code == "OPERATION_NOT_FOUND")
        let large = #"{"text":"\#(String(repeating: "x", count: Limits.frameBytes))"}"#
        #expect(try await hub.call("demo.echo", large).code == "TOO_LARGE")
        #expect(try await hub.call("demo.count").code == "VALIDATION_ERROR")
        // The audit trail knows of mutations on spokes, too.
        let idempotent = [("idempotency-key", "once")]
        #expect(try await hub.call("demo.write", #"{"a":1}"#, headers: idempotent).data == ["a": 1])
        #expect(try await hub.call("demo.write", #"{"a":1}"#, headers: idempotent).data == ["a": 1])
        #expect(try await hub.call("demo.write", #"{"a":2}"#, headers: idempotent).code == "CONFLICT")
    }

    /// An input is checked before anyone is asked; an answer is made to fit, and never fails its call.
    private static func checkSchemas(_ hub: HubUnderTest) async throws {
        let wrong = try await hub.call("demo.strict", #"{"n":0}"#)
        #expect(wrong.code == "VALIDATION_ERROR")
        #expect(wrong.body["error"]?["details"]?.arrayValue?.first?["path"] == "n")
        let misshapen = try await hub.metric("nave_answers_misshapen_total")
        let shaped = try await hub.call("demo.strict", #"{"n":1}"#)
        #expect(shaped.data == ["n": "many", "unit": "ms"])
        try await hub.until("nave_answers_misshapen_total", is: misshapen + 1)
    }

    private static func checkAddresses(_ hub: HubUnderTest) async throws {
        #expect(try await hub.call("dev.one.demo.echo").status == 200)
        #expect(try await hub.call("demo.echo", headers: [("x-spoke", "one")]).status == 200)
        #expect(try await hub.call("demo.echo@1").status == 200)
        let named = try await hub.call("demo.echo", headers: [("x-spoke", "nobody")])
        #expect(named.status == 503 && named.code == "UNAVAILABLE")
        let spokes = named.body["error"]?["details"]?["spokes"]?.arrayValue
        #expect(spokes?.first?["reason"] == "unknown" && spokes?.last?["reason"] == "notTargeted")
        let labels = try await hub.call("demo.echo", headers: [("x-target", #"{"labels":{"gpu":"yes"}}"#)])
        #expect(labels.body["error"]?["details"]?["spokes"]?.arrayValue?.first?["reason"] == "labels")
        // A word that is not understood must not choose another machine.
        for target in ["{", "null", #"{"spokename":"one"}"#, #"{"labels":{"gpu":"yes"},"zz":1}"#] {
            #expect(try await hub.call("demo.echo", headers: [("x-target", target)]).code == "VALIDATION_ERROR")
        }
        let session = try await hub.call("demo.echo", headers: [("x-target", #"{"sessionId":"none"}"#)])
        #expect(session.code == "NOT_FOUND")
    }

    private static func checkDeadline(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let late = try await hub.call("demo.never", headers: [("x-deadline", "100ms"), ("x-request-id", "late-1")])
        #expect(late.status == 504 && late.code == "TIMEOUT")
        try await one.abort(of: "late-1")
        // The answer comes after all: it disturbs nobody, and is counted.
        let ignored = try await hub.metric("nave_answers_ignored_total")
        one.answer("late-1", "too late")
        try await hub.until("nave_answers_ignored_total", is: ignored + 1)
        #expect(try await hub.call("demo.echo").status == 200)
    }

    private static func checkLeaving(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let call = Task { try await hub.call("demo.never", headers: [("x-request-id", "left-1")]) }
        _ = try await one.wait {
            if case .requested(let call) = $0, call.requestId == "left-1" { true } else { Bool?.none }
        }
        call.cancel()
        try await one.abort(of: "left-1")
    }

    /// A consumer that reads nothing gets no more than its credit; one that leaves ends it at its source.
    private static func checkSubscription(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        var request = HTTPClientRequest(url: hub.ready.url + "/v1/subscribe/demo.count")
        request.method = .POST
        request.headers = ["authorization": "Bearer \(hub.key)", "x-request-id": "s-1"]
        let response = try await client.execute(request, timeout: TimeAmount(patience))
        #expect(response.status == .ok)
        _ = try await one.request(of: "demo.count")
        for value in 0..<20 { one.answer("s-1", .integer(Int64(value))) }
        var text = ""
        for try await buffer in response.body {
            text += String(buffer: buffer)
            if text.contains("\"data\":19") { break }
        }
        #expect(text.contains("event: data") && text.contains("\"data\":0,"))
        _ = try await one.wait {
            if case .credit(let credit) = $0, credit.requestId == "s-1" { true } else { Bool?.none }
        }
        #expect(one.credit(of: "s-1") <= 20)
        try await client.shutdown()
        try await one.abort(of: "s-1")

        // A natural end, and a failure in the middle.
        async let whole = hub.request(
            .POST,
            "/v1/subscribe/demo.count",
            [],
            [("authorization", "Bearer \(hub.key)"), ("x-request-id", "s-2")]
        )
        _ = try await one.wait {
            if case .requested(let call) = $0, call.requestId == "s-2" { true } else { Bool?.none }
        }
        one.say(.completed(CallEnded(requestId: "s-2", timestamp: 0)))
        #expect(try await whole.status == 200)
        #expect(
            try await hub.request(
                .POST,
                "/v1/subscribe/demo.echo",
                [],
                [
                    ("authorization", "Bearer \(hub.key)")
                ]
            ).code == "VALIDATION_ERROR"
        )
    }

    /// Offers change while the spoke runs.
    private static func checkChange(_ hub: HubUnderTest, _ one: FakeProvider) async throws {
        one.connection.send(.operations(OperationsSummary(hash: "set-2", specs: [spec("echo"), spec("new")])))
        let end = ContinuousClock.now + patience
        while try await hub.call("operation.schema", #"{"operation":"demo.new"}"#).status != 200 {
            try #require(ContinuousClock.now < end, "The new operation was never listed.")
        }
        let gone = try await hub.call("demo.never")
        #expect(gone.code == "OPERATION_NOT_FOUND")
    }
}
