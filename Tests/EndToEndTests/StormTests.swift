import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Postgres
import Protocol
import TestSupport
import Testing
import Transport

/// What happens while things break. The goal: an honest answer at every moment, and recovery without help.
@Suite(.serialized)
struct StormTests {
    @Test func postgresMayDieUnderLoadAndComesBack() async throws {
        let hub = try await HubUnderTest.start()
        let spoke = try await FakeSpoke.join(hub)
        let (line, _) = try await spoke.open(hub)
        let pidFile = try #require(Self.postmaster(under: hub.directory + "/data/postgres"))
        async let load = Self.codes(of: hub, until: .now + .seconds(6))
        let killed = try #require(Self.firstLine(pidFile).flatMap { Int32($0) })
        kill(killed, SIGKILL)
        // What is handed over meanwhile is acknowledged once it is stored, by the same link.
        var journal = FakeJournal()
        journal.raise(10)
        line.connection.send(.append(StreamBatch(stream: .journal, records: journal.records)))
        _ = try await line.first { if case .acknowledged(let at) = $0, at.seq == 10 { true } else { Bool?.none } }
        let reply = try await hub.call("project.list")
        #expect(reply.status == 200)
        let codes = try await load
        #expect(codes.isSubset(of: ["ok", "UNAVAILABLE"]), "\(codes)")
        #expect(await hub.stop() == 0)
    }

    @Test func twoHubsShareOneDatabase() async throws {
        let memory = try await TestDatabase.make()
        let database = ["--database", memory.configuration.connectionString]
        let first = try await HubUnderTest.start(arguments: database)
        let second = try await HubUnderTest.start(arguments: database)
        let bearer = [("authorization", "Bearer \(first.key)")]
        let reply = try await second.request(.POST, "/v1/call/account.get", Array("{}".utf8), bearer)
        #expect(reply.status == 200)
        let spoke = try await FakeSpoke.join(first)
        let (_, _) = try await spoke.open(second)
        let fleet = try await first.call("spoke.list")
        #expect(fleet.data?["spokes"]?.arrayValue?.first?["status"] == "connected")
        #expect(await second.stop() == 0)
        let after = try await first.call("spoke.list")
        #expect(after.data?["spokes"]?.arrayValue?.first?["status"] == "disconnected")
        #expect(await first.stop() == 0)
        await memory.close()
    }

    @Test func aSubscriptionThatCannotBeginSaysSo() async throws {
        let hub = try await HubUnderTest.start()
        // What is known only once it runs ends the stream.
        let none = try await hub.followed("session.output", ["sessionId": "none"], key: hub.key)
        #expect(none.contains("event: error") && none.contains("NOT_FOUND"), "\(none)")
        // What is known before has a status.
        let wrong = try await hub.request(
            .POST,
            "/v1/subscribe/account.get",
            [],
            [("authorization", "Bearer \(hub.key)")]
        )
        #expect(wrong.status == 400 && wrong.code == "VALIDATION_ERROR")
        #expect(await hub.stop() == 0)
    }

    /// Asks again and again; answers the codes that came, `ok` among them.
    private static func codes(of hub: HubUnderTest, until end: ContinuousClock.Instant) async throws -> Set<String> {
        var codes: Set<String> = []
        while ContinuousClock.now < end {
            let reply = try await hub.call("project.list")
            codes.insert(reply.code ?? "ok")
            if reply.code == "UNAVAILABLE" { #expect(reply.headers.first(name: "retry-after") != nil) }
        }
        return codes
    }

    private static func postmaster(under directory: String) -> String? {
        let files = FileManager.default.enumerator(atPath: directory)
        while let file = files?.nextObject() as? String {
            if file.hasSuffix("postmaster.pid") { return directory + "/" + file }
        }
        return nil
    }

    private static func firstLine(_ path: String) -> String? {
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init)
    }
}
