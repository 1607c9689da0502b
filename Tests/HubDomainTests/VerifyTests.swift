import Foundation
import HubDomains
import Postgres
import Protocol
import Testing

/// `hub.verify` finds what is planted, and nothing where nothing is.
struct VerifyTests {
    private func finished(_ hub: TestHub) async throws -> SpawnedSession {
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        _ = try await hub.spawn()
        _ = try await hub.spawn()
        spoke.start(session)
        let sum = spoke.print(session, (0..<200).map { "line \($0)\n" })
        spoke.exit(session, sums: [sum])
        try await spoke.flush()
        return session
    }

    private func kinds(_ hub: TestHub, after sql: String) async throws -> [String] {
        try await hub.database.execute(Statement<Void>(sql))
        return try await hub.ask(VerifyHub()).findings.map(\.kind)
    }

    @Test func whatIsWholeIsComplete() async throws {
        let hub = try await TestHub.make()
        _ = try await finished(hub)
        let output = try await hub.ask(VerifyHub())
        #expect(output.complete)
        #expect(output.sessions == 3)
        #expect(output.spokes == 1)
        #expect(output.bytes > 1_000)
        await hub.close()
    }

    @Test func everyPlantedCorruptionIsFound() async throws {
        let changes: [(sql: String, kinds: [String])] = [
            (
                "UPDATE nave.session_output SET content = 'lIne 5\\012' WHERE byte_offset = 35",
                ["output.hash"]
            ),
            ("DELETE FROM nave.session_output WHERE byte_offset = 35", ["output.missing", "output.hash"]),
            (
                "DELETE FROM nave.session_output WHERE byte_offset = 1681",
                ["output.length"]
            ),
            ("DELETE FROM nave.spoke_commands WHERE seq = 2", ["commands.missing"]),
            ("DELETE FROM nave.spoke_commands WHERE seq = 3", ["commands.head"]),
            ("UPDATE nave.spoke_commands SET payload = '{}' WHERE seq = 2", ["commands.hash"]),
            (
                "UPDATE nave.mappings SET status = 'failed' WHERE status = 'active'",
                ["state.combination", "state.combination"]
            ),
            ("UPDATE nave.sessions SET exit_code = 1 WHERE exit_code = 0", ["state.combination"]),
            ("DELETE FROM nave.mappings WHERE status = 'completed'", ["state.mapping"]),
        ]
        for change in changes {
            let hub = try await TestHub.make()
            _ = try await finished(hub)
            #expect(try await kinds(hub, after: change.sql) == change.kinds, "\(change.sql)")
            await hub.close()
        }
    }

    @Test func aMappingNeverGoesBack() async throws {
        let hub = try await TestHub.make()
        _ = try await finished(hub)
        await #expect(throws: Fault.self) {
            try await hub.database.execute(
                Statement<Void>("UPDATE nave.mappings SET status = 'active' WHERE status = 'completed'")
            )
        }
        await hub.close()
    }

    @Test func prunedCommandsLeaveAChainThatIsStillProven() async throws {
        let hub = try await TestHub.make()
        _ = try await finished(hub)
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.spoke_commands SET acknowledged_at = now() - interval '40 d' WHERE seq <= 2")
        )
        #expect(try await hub.domains.coordination.commands.prune(olderThanDays: 30) == 2)
        #expect(try await hub.count("SELECT count(*) FROM nave.spoke_commands") == 1)
        #expect(try await hub.ask(VerifyHub()).complete)
        await hub.close()
    }
}
