import Foundation
import HubDomains
import Postgres
import Protocol
import Synchronization
import Testing

/// Sessions that leave a spoke without its word: by the policy they were spawned with, or because a person says so.
struct LossTests {
    private func spawnReplaceable(_ hub: TestHub) async throws -> SpawnedSession {
        var order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.disconnectPolicy = DisconnectPolicy(replaceAfterSeconds: 60)
        return try await hub.spawn(order)
    }

    private func away(_ hub: TestHub, seconds: Int) async throws {
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.spokes SET disconnected_at = now() - make_interval(secs => $1::bigint)"),
            [seconds]
        )
    }

    @Test func aSessionIsReplacedOnlyWhenItsPolicySaysSoAndItsSpokeIsAwayLongEnough() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await spawnReplaceable(hub)
        let patient = try await hub.spawn()
        spoke.start(session)
        spoke.start(patient)
        try await spoke.flush()
        let coordination = hub.domains.coordination
        #expect(try await coordination.replaceOverdue() == 0)
        try await spoke.disconnect()
        #expect(try await coordination.replaceOverdue() == 0)
        try await away(hub, seconds: 61)
        #expect(try await coordination.replaceOverdue() == 1)
        #expect(try await coordination.replaceOverdue() == 0)

        let view = try await hub.view(session)
        #expect(view.session.status == .retry)
        #expect(view.session.isWaiting)
        #expect(view.mapping.status == .active)
        #expect(view.mapping.spokeId == nil)
        #expect(view.workspace?.branch == session.branch + "-2")
        #expect(try await hub.ask(ExplainWaiting(sessionId: session.sessionId.rawValue)).waiting)
        #expect(try await hub.view(patient).session.status == .busy)
        let failed = "SELECT count(*) FROM nave.mappings WHERE status = 'failed'"
        #expect(try await hub.count(failed) == 1)
        #expect(try await hub.count("SELECT count(*) FROM nave.workspaces WHERE state = 'lost'") == 1)
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts WHERE alert_type = 'session.replaced'") == 1)
        await hub.close()
    }

    @Test func theReplacementRunsElsewhereAndWhatTheFirstStillTellsIsFencedAndReadable() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var first = try await ScriptedSpoke.join(hub, "a")
        let session = try await spawnReplaceable(hub)
        first.start(session)
        try await first.flush()
        try await first.disconnect()
        try await away(hub, seconds: 61)
        #expect(try await hub.domains.coordination.replaceOverdue() == 1)
        var second = try await ScriptedSpoke.join(hub, "b")
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        let orders: [StartSession] = try await second.take(.sessionStart)
        #expect(orders.map(\.fence) == [2])
        #expect(orders.map(\.workspace.branch) == [session.branch + "-2"])

        // The first machine is back and has not noticed: it is told to stop, and its records change nothing.
        first.restart()
        first.sessions = [
            SessionSummary(sessionId: session.sessionId, fence: 1, state: .running, pid: 1, startedAt: nil)
        ]
        #expect(try await first.connect().verdicts.map(\.verdict) == [.stop])
        first.print(session, ["from the first"], fence: 1)
        first.exit(session, code: 0, fence: 1)
        try await first.flush()
        #expect(try await hub.view(session).session.isOver == false)

        var running = session
        running.workspaceId = orders[0].workspace.workspaceId
        second.start(running, fence: 2)
        let sum = second.print(running, ["from the second"], fence: 2)
        second.exit(running, code: 0, sums: [sum], fence: 2)
        try await second.flush()
        #expect(try await hub.view(session).mapping.status == .completed)
        #expect(try await text(hub, ReadSessionOutput(sessionId: session.sessionId.rawValue)) == "from the second")
        let former = ReadSessionOutput(sessionId: session.sessionId.rawValue, fence: 1)
        #expect(try await text(hub, former) == "from the first")
        let none = ReadSessionOutput(sessionId: session.sessionId.rawValue, fence: 3)
        await #expect(throws: Fault.self) { try await text(hub, none) }
        let report = try await hub.domains.coordination.verify()
        #expect(report.complete, "\(report)")
        await hub.close()
    }

    @Test func aSpokeThatIsGoneForGoodIsRemovedAndItsSessionsEndAsLost() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        spoke.start(session)
        try await spoke.flush()
        let lost = RemoveSpoke(spoke: "a", lost: true)
        #expect(try await hub.refusal(lost)?.code == .conflict)
        try await spoke.disconnect()
        #expect(try await hub.refusal(RemoveSpoke(spoke: "a"))?.code == .conflict)
        _ = try await hub.ask(lost)
        let view = try await hub.view(session)
        #expect(view.session.exitReason == .lost)
        #expect(view.mapping.status == .failed)
        #expect(view.workspace?.state == .lost)
        #expect(try await hub.count("SELECT count(*) FROM nave.spokes") == 0)
        await hub.close()
    }

    @Test func outputIsKeptForItsTimeAndItsEndIsSaid() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let (old, young) = (try await hub.spawn(), try await hub.spawn())
        for session in [old, young] {
            spoke.start(session)
            spoke.exit(session, sums: [spoke.print(session, ["line\n"])])
        }
        try await spoke.flush()
        try await hub.database.execute(Statement<Void>("UPDATE nave.sessions SET ended_at = now()"))
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.sessions SET ended_at = now() - interval '31 days' WHERE id = $1"),
            [old.sessionId]
        )
        let coordination = hub.domains.coordination
        #expect(try await coordination.pruneOutput(olderThanDays: 31) == 1)
        #expect(try await coordination.pruneOutput(olderThanDays: 31) == 0)
        #expect(try await text(hub, ReadSessionOutput(sessionId: young.sessionId.rawValue)) == "line\n")
        await #expect(throws: Fault.self) {
            try await text(hub, ReadSessionOutput(sessionId: old.sessionId.rawValue))
        }
        #expect(try await coordination.verify().complete)
        let key = RetentionSetting.output.key
        #expect(try await hub.refusal(SetSetting(key: key, value: "long"))?.code == .validation)
        #expect(try await hub.refusal(SetSetting(key: key, value: 0))?.code == .validation)
        let set = try await hub.ask(SetSetting(key: key, value: 30))
        #expect(RetentionSetting.output.days(set.settings[key]) == 30)
        #expect(RetentionSetting.output.days(nil) == RetentionSetting.output.usual)
        await hub.close()
    }

    @Test func aWaitThatCannotBeIsRefusedWhenItIsAskedFor() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.disconnectPolicy = DisconnectPolicy(keepRunningSeconds: 0, replaceAfterSeconds: -1)
        #expect(try await hub.refusal(SpawnSessions(order))?.code == .validation)
        await hub.close()
    }

    private func text(_ hub: TestHub, _ request: ReadSessionOutput) async throws -> String {
        let received = Mutex<[UInt8]>([])
        try await hub.domains.table.subscribe(
            ReadSessionOutput.name,
            input: JSONValue(encoding: request),
            by: hub.admin
        ) { (value: StreamedValue) async throws(Fault) in
            let piece: SessionOutputPiece = try WireCoder.value(from: value.answer.data)
            received.withLock { $0 += Array(piece.bytes ?? Data()) }
        }
        return received.withLock { String(decoding: $0, as: UTF8.self) }
    }
}
