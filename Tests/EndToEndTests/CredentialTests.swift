import Foundation
import NIOHTTP1
import Protocol
import TestSupport
import Testing

/// What a credential opens, seen from outside: nothing once it is no good, and no more often than it may.
@Suite(.serialized)
struct CredentialTests {
    /// Every route that is not open to all.
    private static let routes: [(HTTPMethod, String)] = [
        (.POST, "/v1/call/account.get"), (.POST, "/v1/call/no.such"), (.POST, "/v1/subscribe/session.output"),
        (.GET, "/v1/operations"), (.GET, "/v1/operations/key.create"), (.GET, "/v1/link"), (.GET, "/metrics"),
    ]

    @Test func credentialsOpenWhatTheySayAndEndWhenTheyEnd() async throws {
        let hub = try await HubUnderTest.start()
        // The administrator's own key is metered apart from what the test changes.
        // Made by a key that has no rate of its own, it has none either.
        let usual = try await ask(hub, "key.create", ["name": "usual", "scopes": []])["key"]?.stringValue ?? ""
        let admins = try await ask(hub, "account.get")["keyId"]?.stringValue ?? ""
        _ = try await ask(hub, "key.update", ["id": .string(admins), "callsPerSecond": 5_000, "callsBurst": 20_000])
        try await nobodyGetsInAnywhere(hub)
        try await aKeyIsMeteredByItsOwnRate(hub)
        try await allKeysAreMeteredByTheSettings(hub, usual)
        try await aSubscriptionEndsWithItsKey(hub)
        try await aLinkEndsWithItsCredential(hub)
        #expect(await hub.stop() == 0)
    }

    private func nobodyGetsInAnywhere(_ hub: HubUnderTest) async throws {
        let ada = try await ask(hub, "account.create", ["email": "ada@example.org"])["id"]?.stringValue ?? ""
        func key(_ name: String, _ more: [String: JSONValue] = [:]) async throws -> (key: String, id: String) {
            let input: [String: JSONValue] = ["name": .string(name), "scopes": ["*"]]
            let issued = try await ask(hub, "key.create", input.merging(more) { $1 })
            return (issued["key"]?.stringValue ?? "", issued["record"]?["id"]?.stringValue ?? "")
        }
        let (revoked, rotated, locked) = (
            try await key("revoked"), try await key("rotated"), try await key("locked", ["account": .string(ada)])
        )
        let expired = try await key("expired", ["ttlSeconds": 1])
        for good in [revoked, rotated, locked] {
            #expect(try await hub.request(.GET, "/v1/operations", [], bearer(good.key)).status == 200)
        }
        _ = try await ask(hub, "key.revoke", ["id": .string(revoked.id)])
        _ = try await ask(hub, "key.rotate", ["id": .string(rotated.id), "overlapSeconds": 0])
        _ = try await ask(hub, "account.suspend", ["account": .string(ada)])
        _ = try await eventually("the key expires") {
            try await hub.request(.GET, "/v1/operations", [], bearer(expired.key)).status == 401 ? true : nil
        }
        let credentials: [[(String, String)]] =
            [[], [("authorization", "Basic YTpi")], bearer("nonsense")]
            + [revoked, rotated, locked, expired].map { bearer($0.key) }
        for (method, path) in Self.routes {
            for headers in credentials {
                let reply = try await hub.request(method, path, [], headers)
                #expect(reply.status == 401 && reply.code == "UNAUTHENTICATED", "\(path) \(headers): \(reply.status)")
            }
        }
        let none = try await key("none", ["scopes": []])
        for operation in ["key.create", "account.list", "project.list", "spoke.list", "setting.set"] {
            let reply = try await hub.request(.POST, "/v1/call/\(operation)", Array("{}".utf8), bearer(none.key))
            #expect(reply.status == 403 && reply.code == "ACCESS_DENIED", "\(operation): \(reply.status)")
        }
        #expect(try await hub.request(.GET, "/metrics", [], bearer(none.key)).status == 403)
    }

    private func aKeyIsMeteredByItsOwnRate(_ hub: HubUnderTest) async throws {
        let slow: [String: JSONValue] = [
            "name": "slow", "scopes": [], "callsPerSecond": .number(0.01), "callsBurst": 2,
        ]
        let key = try await ask(hub, "key.create", slow)["key"]?.stringValue ?? ""
        for _ in 0..<2 {
            #expect(try await hub.request(.POST, "/v1/call/account.get", [], bearer(key)).status == 200)
        }
        let refused = try await hub.request(.POST, "/v1/call/account.get", [], bearer(key))
        #expect(refused.status == 429 && refused.code == "RATE_LIMITED")
        let wait = refused.body["error"]?["details"]?["retryAfterMilliseconds"]?.integerValue ?? 0
        #expect((1...100_000).contains(wait))
        #expect(refused.headers.first(name: "retry-after").flatMap(Int64.init) == (wait + 999) / 1_000)
        #expect(try await hub.call("account.get").status == 200, "other keys have rates of their own")
    }

    private func allKeysAreMeteredByTheSettings(_ hub: HubUnderTest, _ key: String) async throws {
        _ = try await ask(hub, "setting.set", ["key": "rate.callsPerSecond", "value": .number(0.01)])
        _ = try await ask(hub, "setting.set", ["key": "rate.callsBurst", "value": 1])
        _ = try await eventually("the settings are felt") {
            try await hub.request(.POST, "/v1/call/account.get", [], bearer(key)).status == 429 ? true : nil
        }
        for setting in ["rate.callsPerSecond", "rate.callsBurst"] {
            _ = try await ask(hub, "setting.set", ["key": .string(setting), "value": .null])
        }
        _ = try await eventually("the usual rate is back") {
            try await hub.request(.POST, "/v1/call/account.get", [], bearer(key)).status == 200 ? true : nil
        }
    }

    /// Though nothing is said that its consumer would have to be sent.
    private func aSubscriptionEndsWithItsKey(_ hub: HubUnderTest) async throws {
        _ = try await ask(hub, "project.create", ["name": "quiet", "repoUrl": "/srv/quiet.git"])
        let spawned = try await ask(hub, "coord.spawn", ["project": "quiet", "run": ["command": ["true"]]])
        let input: JSONValue = ["sessionId": spawned["sessionId"] ?? .null, "follow": true]
        let eve = try await ask(hub, "account.create", ["email": "eve@example.org"])["id"] ?? .null
        var keys: [(key: String, id: JSONValue)] = []
        for more in [["ttlSeconds": 3], ["account": eve], [:]] as [[String: JSONValue]] {
            let wanted: [String: JSONValue] = ["name": "follower", "scopes": ["session:read"]]
            let issued = try await ask(hub, "key.create", wanted.merging(more) { $1 })
            keys.append((issued["key"]?.stringValue ?? "", issued["record"]?["id"] ?? .null))
        }
        try await withThrowingTaskGroup(of: String.self) { group in
            for (key, _) in keys {
                group.addTask { try await hub.followed("session.output", input, key: key) }
            }
            _ = try await eventually("those that last are open") {
                let found = try await ask(hub, "call.list", ["operation": "session.output", "status": "running"])
                return (found["calls"]?.arrayValue?.count ?? 0) >= 2 ? true : nil
            }
            _ = try await ask(hub, "account.suspend", ["account": eve])
            _ = try await ask(hub, "key.revoke", ["id": keys[2].id])
            for try await text in group {
                #expect(text.contains("event: error") && text.contains("UNAUTHENTICATED"), "\(text)")
            }
        }
    }

    private func aLinkEndsWithItsCredential(_ hub: HubUnderTest) async throws {
        let first = try await FakeSpoke.join(hub, name: "first")
        let (line, _) = try await first.open(hub)
        let keys = try await ask(hub, "key.list")["keys"]?.arrayValue ?? []
        let own = keys.first { $0["spokeId"]?.stringValue == first.id.rawValue }?["id"]?.stringValue ?? ""
        _ = try await ask(hub, "key.revoke", ["id": .string(own)])
        _ = try await line.closing()
        await #expect(throws: (any Error).self) { _ = try await first.dial(hub) }

        // A spoke stands and falls with the account that let it join.
        let bob = try await ask(hub, "account.create", ["email": "bob@example.org"])["id"] ?? .null
        let his = try await ask(hub, "key.create", ["name": "bob", "scopes": ["token:write"], "account": bob])
        let made = try await hub.request(.POST, "/v1/call/token.create", [], bearer(his["key"]?.stringValue ?? ""))
        let second = try await FakeSpoke.join(hub, name: "second", token: made.data?["token"]?.stringValue)
        let (other, _) = try await second.open(hub)
        _ = try await ask(hub, "account.suspend", ["account": bob])
        _ = try await other.closing()
        await #expect(throws: (any Error).self) { _ = try await second.dial(hub) }
        _ = try await ask(hub, "account.activate", ["account": bob])
        _ = try await second.dial(hub)
    }

    private func bearer(_ key: String) -> [(String, String)] { [("authorization", "Bearer \(key)")] }

    private func ask(
        _ hub: HubUnderTest,
        _ operation: String,
        _ input: [String: JSONValue] = [:]
    ) async throws -> JSONValue {
        let reply = try await hub.call(operation, String(decoding: WireCoder.bytes(of: input), as: UTF8.self))
        guard reply.status == 200 else {
            throw Fault(.execution, "\(operation) was answered with \(reply.status): \(reply.body)")
        }
        return reply.data ?? .null
    }
}
