import Foundation
import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// What is answered without pages says that it is cut, where it is.
struct CutTests {
    @Test func aListOfOperationsGoesOnAndKeepsItsFilters() async throws {
        let hub = try await TestHub.make()
        let all = try await hub.ask(ListOperations()).operations.map(\.id)
        #expect(all == all.sorted() && all == hub.domains.table.specs.map(\.id).sorted())
        let first = try await hub.ask(ListOperations(type: .query, limit: 5))
        #expect(first.operations.count == 5 && first.nextCursor != nil)
        let second = try await hub.ask(ListOperations(type: .query, limit: 500, cursor: first.nextCursor))
        #expect(second.nextCursor == nil && second.operations.allSatisfy { $0.type == .query })
        let queries = hub.domains.table.specs.filter { $0.type == .query }.map(\.id).sorted()
        #expect((first.operations + second.operations).map(\.id) == queries)
        #expect(try await hub.refusal(ListOperations(limit: 501))?.code == .validation)
        let found = try await hub.ask(SearchOperations(query: "list", limit: 2))
        #expect(found.operations.count == 2 && found.nextCursor == nil)
        await hub.close()
    }

    @Test func settingsBeyondAPageAreNeitherLostNorWithoutEffect() async throws {
        let hub = try await TestHub.make()
        try await hub.database.execute(
            Statement<Void>(
                """
                INSERT INTO nave.settings (key, value)
                SELECT 'a.' || to_char(n, 'FM0000'), '1' FROM generate_series(1, 1200) AS n
                """
            )
        )
        _ = try await hub.ask(SetSetting(key: "retention.outputDays", value: 7))
        var (keys, cursor): ([String], String?) = ([], nil)
        repeat {
            let page = try await hub.ask(GetSettings(limit: 500, cursor: cursor))
            #expect(page.settings.count <= 500)
            keys += page.settings.keys.sorted()
            cursor = page.nextCursor
        } while cursor != nil
        #expect(keys == keys.sorted() && Set(keys).count == keys.count)
        #expect(keys.filter { $0.hasPrefix("a.") }.count == 1_200 && keys.contains("retention.outputDays"))
        // Behind a thousand others it is read all the same.
        #expect(try await hub.domains.settings.values(of: ["retention.outputDays"]) == ["retention.outputDays": 7])
        await hub.close()
    }

    @Test func aSessionWithManyDetectionsShowsSomeAndCountsTheOthers() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let (many, few) = (try await hub.spawn(), try await hub.spawn())
        for (session, count) in [(many, Limits.detectionsShown + 2), (few, 3)] {
            try await hub.database.execute(
                Statement<Void>(
                    """
                    INSERT INTO nave.detections (id, session_id, anomaly_type, severity, dedup_key)
                    SELECT $1 || n, $1, 'REPEATED_ERROR', 'medium', $1 || n FROM generate_series(1, $2::int) AS n
                    """
                ),
                [session.sessionId, count]
            )
        }
        let full = try await hub.view(many)
        #expect(full.detections.count == Limits.detectionsShown && full.moreDetections == 2)
        let whole = try await hub.view(few)
        #expect(whole.detections.count == 3 && whole.moreDetections == nil)
        await hub.close()
    }

    @Test func latenciesOfMoreOperationsThanAreListedSaySo() async throws {
        let hub = try await TestHub.make()
        func make(_ range: ClosedRange<Int>) async throws {
            for sql in [
                """
                INSERT INTO nave.operations
                       (id, namespace, name, type, description, input_schema, output_schema, access_control)
                SELECT 'n.o' || n, 'n', 'o' || n, 'query', '', 'true', 'true', '{}'
                  FROM generate_series($1::int, $2::int) AS n
                """,
                """
                INSERT INTO nave.call_graph_nodes (id, request_id, operation_id, status, started_at, completed_at)
                SELECT 'c' || n, 'c' || n, 'n.o' || n, 'completed', now(), now()
                  FROM generate_series($1::int, $2::int) AS n
                """,
            ] {
                try await hub.database.execute(Statement<Void>(sql), [range.lowerBound, range.upperBound])
            }
        }
        try await make(1...3)
        #expect(try await hub.ask(GetCallLatency()).truncated == false)
        try await make(4...Limits.latencyOperations + 1)
        let cut = try await hub.ask(GetCallLatency())
        #expect(cut.operations.count == Limits.latencyOperations && cut.truncated)
        await hub.close()
    }

    @Test func behindManyThatNobodyCanTakeASessionIsExplainedAndPlaced() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        try await hub.database.execute(
            Statement<Void>(
                """
                INSERT INTO nave.sessions (id, project_id, slug, title, status, fence, run, target, priority)
                SELECT 'm' || n, $1, 'm' || n, 'T', 'busy', 0, '{"agent": "nobody", "prompt": "x"}', '{}', 3
                  FROM generate_series(1, $2::int) AS n
                """
            ),
            [project.id, SpawnStore.waitingPage + 5]
        )
        let last = try await hub.spawn()
        let why = try await hub.ask(ExplainWaiting(sessionId: last.sessionId.rawValue))
        #expect(why.waiting && why.ahead == SpawnStore.waitingPage, "\(why.message)")
        #expect(try await hub.view(last).waitingFor == [])
        _ = try await ScriptedSpoke.join(hub, "one")
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        #expect(try await hub.view(last).spoke?.name == "one")
        #expect(try await hub.domains.coordination.placeWaiting() == 0)
        await hub.close()
    }
}
