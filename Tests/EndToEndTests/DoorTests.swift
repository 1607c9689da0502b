import Foundation
import NIOHTTP1
import Protocol
import Testing

/// What anyone who can reach the port sees. The goal: every limit is an answer with a code, and nobody gets in.
@Suite(.serialized)
struct DoorTests {
    @Test func theDoorsAnswerAsTheContractSays() async throws {
        let hub = try await HubUnderTest.start()
        let bearer = [("authorization", "Bearer \(hub.key)")]
        #expect(hub.ready.database == "private")
        #expect(try await hub.request(.GET, "/livez").status == 200)
        #expect(try await hub.request(.GET, "/readyz").status == 200)
        #expect(try await hub.request(.GET, "/").status == 200)
        #expect(try await hub.request(.GET, "/metrics").code == "UNAUTHENTICATED")
        #expect(try await hub.request(.GET, "/metrics", [], bearer).status == 200)
        #expect(try await hub.request(.GET, "/v1/operations", [], bearer).status == 200)
        #expect(try await hub.request(.GET, "/nowhere").code == "NOT_FOUND")
        #expect(try await hub.request(.GET, "/v1/call/account.get").status == 404)

        let answer = try await hub.call("account.get", headers: [("x-request-id", "mine-1")])
        #expect(answer.status == 200)
        #expect(answer.body["meta"]?["requestId"] == "mine-1")
        #expect(answer.headers.first(name: "x-request-id") == "mine-1")

        let refused = try await hub.request(.POST, "/v1/call/account.get")
        #expect(refused.status == 401 && refused.code == "UNAUTHENTICATED")
        #expect(refused.headers.first(name: "www-authenticate") != nil)
        let unknown = try await hub.call("no.such")
        #expect(unknown.status == 404 && unknown.code == "OPERATION_NOT_FOUND")
        #expect(try await hub.call("account.get", #"{"surprise":1}"#).code == "VALIDATION_ERROR")
        #expect(try await hub.call("account.get", #"{"a":1,"a":2}"#).code == "VALIDATION_ERROR")
        #expect(try await hub.call("account.get", "{").code == "VALIDATION_ERROR")
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(try await hub.call("account.get", deep).code == "VALIDATION_ERROR")
        for deadline in ["soon", "0s", "0.0001ms", "61m", "99h", "-1s"] {
            #expect(
                try await hub.call("account.get", headers: [("x-deadline", deadline)]).listsViolations,
                "\(deadline)"
            )
        }
        #expect(try await hub.call("account.get", headers: [("x-deadline", "1h")]).status == 200)
        #expect(try await hub.call("session.output").listsViolations)
        let subscribed = try await hub.request(.POST, "/v1/subscribe/account.get", Array("{}".utf8), bearer)
        #expect(subscribed.listsViolations && subscribed.status == 400)
        #expect(try await hub.call("account.get", headers: [("host", "evil.example")]).status == 403)
        #expect(try await hub.call("account.get", headers: [("origin", "http://evil.example")]).status == 403)
        let invalid = try await hub.request(.POST, "/v1/call/account.get", [0x7B, 0x22, 0xFF, 0x22, 0x7D], bearer)
        #expect(invalid.status == 400)
        let large = try await hub.request(
            .POST,
            "/v1/call/account.get",
            [UInt8](repeating: 0x20, count: (4 << 20) + 1),
            bearer
        )
        #expect(large.status == 413 && large.code == "TOO_LARGE")
        let announced = try await RawSocket.exchange(
            "POST /v1/call/account.get HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(hub.key)\r\n"
                + "Content-Length: \((16 << 20) + 1)\r\n\r\n",
            port: hub.port,
            until: "TOO_LARGE"
        )
        #expect(announced.hasPrefix("HTTP/1.1 413") && announced.lowercased().contains("connection: close"))
        let wide = [("x-wide", String(repeating: "w", count: 17 << 10))] + bearer
        for path in ["/livez", "/readyz", "/metrics", "/openapi.json", "/v1/operations", "/v1/operations/key.list"] {
            #expect(try await hub.request(.GET, path, [], wide).code == "TOO_LARGE", "\(path)")
        }
        #expect(await hub.stop() == 0)
    }

    /// An address that guesses is told to wait; whoever has a key is let in from there all the same.
    @Test func whoeverGuessesCredentialsOrTricklesIsSentAway() async throws {
        let hub = try await HubUnderTest.start()
        // As long as the limit allows: everything else is tried meanwhile.
        async let stalled = RawSocket.exchange(
            "POST /v1/call/account.get HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(hub.key)\r\n"
                + "Content-Length: 2\r\n\r\n{",
            port: hub.port,
            until: "TIMEOUT"
        )
        // Nobody reads these bodies, and their requests are answered before; a later head gets no longer than a first.
        let unread = "HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n{"
        async let answered = RawSocket.exchange(Array("GET /livez \(unread)".utf8), port: hub.port)
        async let strange = RawSocket.exchange(Array("POST /v1/call/account.get \(unread)".utf8), port: hub.port)
        async let second = RawSocket.exchange(
            "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            until: "true",
            then: "\r\nGET /livez HT",
            port: hub.port
        )
        var reply = try await hub.request(.POST, "/v1/call/account.get", [], [("authorization", "Bearer nave_wrong")])
        #expect(reply.code == "UNAUTHENTICATED")
        for number in 0..<5_000 where reply.code == "UNAUTHENTICATED" {
            let guess = [("authorization", "Bearer nave_\(number)")]
            reply = try await hub.request(.POST, "/v1/call/account.get", [], guess)
        }
        #expect(reply.status == 429 && reply.code == "RATE_LIMITED")
        #expect(reply.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0 >= 1)
        #expect(try await hub.call("account.get").status == 200)
        let cut = try await stalled
        #expect(cut.hasPrefix("HTTP/1.1 504") && cut.lowercased().contains("connection: close"))
        #expect(String(decoding: try await answered, as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        #expect(String(decoding: try await strange, as: UTF8.self).hasPrefix("HTTP/1.1 401"))
        #expect(try await second.hasPrefix("HTTP/1.1 504"))
        #expect(await hub.stop() == 0)
    }

    @Test func aRepeatedMutationUnderOneKeyHappensOnce() async throws {
        let hub = try await HubUnderTest.start()
        let (input, key) = (#"{"name":"twice","repoUrl":"/srv/twice.git"}"#, [("idempotency-key", "once")])
        let first = try await hub.call("project.create", input, headers: key)
        let second = try await hub.call("project.create", input, headers: key)
        #expect(first.status == 200 && first.data == second.data)
        let other = #"{"name":"other","repoUrl":"/srv/other.git"}"#
        #expect(try await hub.call("project.create", other, headers: key).code == "CONFLICT")
        #expect(await hub.stop() == 0)
    }

    @Test func aRefusedUpgradeIsAnsweredInWords() async throws {
        let hub = try await HubUnderTest.start()
        let ask =
            "GET /v1/link HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + "Sec-WebSocket-Protocol: nave.v1\r\n\r\n"
        let refused = try await RawSocket.exchange(ask, port: hub.port, until: "UNAUTHENTICATED")
        #expect(refused.hasPrefix("HTTP/1.1 401"))
        let flood = (0..<200).map { "X-\($0): 1\r\n" }.joined()
        let flooded = try await RawSocket.exchange(
            "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\(flood)\r\n",
            port: hub.port,
            until: "TOO_LARGE"
        )
        #expect(flooded.hasPrefix("HTTP/1.1 413"))
        let nonsense = try await RawSocket.exchange("\u{1}\u{2}nonsense\r\n\r\n", port: hub.port, until: "}}")
        #expect(nonsense.contains("VALIDATION_ERROR"))
        let slow = try await RawSocket.exchange("GET /livez HT", port: hub.port, until: "TIMEOUT")
        #expect(slow.contains("504"))
        #expect(await hub.stop() == 0)
    }

    @Test func aKilledHubComesBackWithWhatItKnew() async throws {
        let hub = try await HubUnderTest.start()
        let made = try await hub.call("project.create", #"{"name":"kept","repoUrl":"/srv/kept.git"}"#)
        #expect(made.status == 200)
        #expect(await hub.stop(SIGKILL) == -9)
        let again = try await HubUnderTest.start(directory: hub.directory)
        let list = try await again.call("project.list")
        #expect(list.data?["projects"]?.arrayValue?.count == 1)
        #expect(await again.stop() == 0)
    }

    @Test func aSecondHubInOneDirectoryIsToldSo() async throws {
        let hub = try await HubUnderTest.start()
        let second = try Program.launch(
            HubUnderTest.program,
            ["serve", "--data-dir", hub.directory + "/data"],
            home: hub.directory
        )
        #expect(await second.exit() == 78)
        let unknown = try Program.launch(
            HubUnderTest.program,
            ["serve", "--listen", "nowhere"],
            home: hub.directory
        )
        #expect(await unknown.exit() == 78)
        #expect(await hub.stop() == 0)
    }
}
