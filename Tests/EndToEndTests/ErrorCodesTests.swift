import Foundation
import NIOHTTP1
import Protocol
import Testing

/// Every code of the contract, produced from outside and answered with the contract's status and form.
@Suite struct ErrorCodesTests {
    /// The table of the contract.
    private static let statuses: [(code: Fault.Code, status: UInt)] = [
        (.validation, 400), (.unauthenticated, 401), (.accessDenied, 403), (.operationNotFound, 404),
        (.notFound, 404), (.conflict, 409), (.invalidTransition, 409), (.tooLarge, 413), (.timeout, 504),
        (.aborted, 409), (.execution, 500), (.unavailable, 503), (.rateLimited, 429), (.unknown, 500),
        (.spokeDisconnected, 503),
    ]

    /// Fails as its input says, hangs up, or stays silent.
    private static func behave(_ message: CallMessage, _ provider: FakeProvider) {
        guard case .requested(let call) = message else { return }
        switch call.operationId {
        case "demo.fail":
            let code = Fault.Code(rawValue: call.input["code"]?.stringValue ?? "")
            provider.fail(call.requestId, Fault(code, "It went wrong."))
        case "demo.leave": provider.hangUp()
        default: break
        }
    }

    @Test func everyCodeOfTheContractIsProducedByARequest() async throws {
        let hub = try await HubUnderTest.start()
        let offer =
            ["fail", "silent"].map { CallRoutingTests.spec($0) }
            + [CallRoutingTests.spec("leave", type: .mutation)]
        _ = try await FakeProvider.join(hub, name: "one", offering: offer, answering: Self.behave)
        #expect(Set(Self.statuses.map(\.code)) == Set(Fault.Code.all))
        for (code, status) in Self.statuses {
            let reply = try await Self.provoke(code, hub)
            #expect(reply.code == code.rawValue && reply.status == status, "\(code.rawValue): \(reply)")
            let message = reply.body["error"]?["message"]?.stringValue ?? ""
            #expect(message.count > 10 && message.hasSuffix("."), "\(code.rawValue) says “\(message)”")
            #expect(reply.headers.first(name: "content-type") == "application/json")
            if code == .validation { #expect(reply.body["error"]?["details"]?.arrayValue?.first?["path"] != nil) }
            if code == .rateLimited { #expect(reply.headers.first(name: "retry-after") != nil) }
        }
        #expect(await hub.stop() == 0)
    }

    @Test func whatIsNotThereIsSaidInJSONWhateverTheMethod() async throws {
        let hub = try await HubUnderTest.start()
        let bearer = [("authorization", "Bearer \(hub.key)")]
        let wrong: [(HTTPMethod, String)] = [
            (.GET, "/nowhere"), (.POST, "/"), (.PUT, "/v1/call/account.get"), (.DELETE, "/metrics"),
            (.OPTIONS, "/v1/call/account.get"), (.PATCH, "/mcp"), (.GET, "/v1"), (.GET, "/v1/call"),
            (.POST, "/v1/operations"), (.POST, "/openapi.json"), (.TRACE, "/livez"),
            (.GET, "/v1/operations/a/b"), (.POST, "/v1/subscribe"), (.GET, "/%00"), (.GET, "//livez//x"),
        ]
        for (method, path) in wrong {
            let reply = try await hub.request(method, path, [], bearer)
            #expect(reply.status == 404 && reply.code == "NOT_FOUND", "\(method) \(path): \(reply)")
            #expect(reply.headers.first(name: "access-control-allow-origin") == nil)
        }
        for path in ["/livez", "/readyz", "/", "/metrics", "/openapi.json", "/v1/operations"] {
            let head = try await hub.request(.HEAD, path, [], bearer)
            #expect(head.status == 200 && head.body == .null, "HEAD \(path): \(head)")
        }
        // The connection is still good for another request after answers without a body.
        #expect(try await hub.call("account.get").status == 200)
        #expect(await hub.stop() == 0)
    }

    private static func provoke(_ code: Fault.Code, _ hub: HubUnderTest) async throws -> HubUnderTest.Reply {
        let project = #"{"name":"twice","repoUrl":"/srv/twice.git"}"#
        switch code {
        case .validation: return try await hub.call("account.get", #"{"surprise":1}"#)
        case .unauthenticated: return try await hub.request(.POST, "/v1/call/account.get")
        case .accessDenied: return try await limited(hub, "project.list", scopes: "spoke:read")
        case .operationNotFound: return try await hub.call("no.such")
        case .notFound: return try await hub.call("project.get", #"{"project":"nope"}"#)
        case .conflict:
            _ = try await hub.call("project.create", project)
            return try await hub.call("project.create", project)
        case .invalidTransition:
            _ = try await hub.call("account.create", #"{"email":"ada@example.org"}"#)
            return try await hub.call("account.activate", #"{"account":"ada@example.org"}"#)
        case .tooLarge:
            let text = String(repeating: "x", count: Limits.settingBytes)
            return try await hub.call("setting.set", #"{"key":"x","value":"\#(text)"}"#)
        case .timeout: return try await hub.call("demo.silent", headers: [("x-deadline", "50ms")])
        case .rateLimited: return try await limited(hub, "spoke.list", scopes: "spoke:read", calls: 2)
        // The provider leaves with this one; whatever follows finds it gone.
        case .spokeDisconnected: return try await hub.call("demo.leave")
        case .unavailable: return try await hub.call("demo.fail", headers: [("x-spoke", "nobody")])
        default: return try await hub.call("demo.fail", #"{"code":"\#(code.rawValue)"}"#)
        }
    }

    /// A call by a key that holds only these scopes, and may call once.
    private static func limited(
        _ hub: HubUnderTest,
        _ operation: String,
        scopes: String,
        calls: Int = 1
    ) async throws -> HubUnderTest.Reply {
        let name = UUID().uuidString
        let ask = #"{"name":"\#(name)","scopes":["\#(scopes)"],"callsPerSecond":0.01,"callsBurst":1}"#
        let made = try await hub.call("key.create", ask)
        let bearer = [("authorization", "Bearer \(made.data?["key"]?.stringValue ?? "")")]
        for _ in 1..<calls { _ = try await hub.request(.POST, "/v1/call/\(operation)", [], bearer) }
        return try await hub.request(.POST, "/v1/call/\(operation)", [], bearer)
    }
}
