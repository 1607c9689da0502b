import Foundation
import Postgres
import Protocol
import TestSupport
import Testing

@testable import HubCore
@testable import HubDomains

/// Detections in the database: raised once, resolved once, put away with their session.
struct DetectionTests {
    @Test func anAgentInTroubleIsNoticedAsItsOutputIsRead() async throws {
        var stage = try await DetectionStage.make()
        let hub = stage.hub
        let offset = try await stage.fail(4)
        #expect(try await stage.listed().isEmpty)
        _ = try await stage.fail(1, from: offset)
        let found = try await stage.listed()
        #expect(Set(found.map(\.anomalyType)) == ["HIGH_ERROR_COUNT", "REPEATED_ERROR"])
        let errors = try #require(found.first { $0.anomalyType == "HIGH_ERROR_COUNT" })
        #expect(errors.severity == .medium)
        #expect(errors.occurrenceCount == 1)
        #expect(errors.details["toolErrors"] == 5)
        #expect(errors.evidence.contains { $0.signal == "streak" && $0.state == .agrees })
        #expect((0.5...1).contains(errors.confidence))
        #expect(errors.dedupKey?.count == 64)
        let view = try await hub.view(stage.session)
        #expect(Set(view.detections.map(\.type)) == ["HIGH_ERROR_COUNT", "REPEATED_ERROR"])
        #expect(view.detections.allSatisfy { $0.count == 1 })
        // The same five errors are not reported again, and are still what holds.
        let again = try await hub.ask(LookForAnomalies(sessionId: stage.id))
        #expect(again.found.map(\.fresh) == [false, false])
        #expect(again.found.allSatisfy { $0.detectionId != nil && $0.occurrenceCount == 1 })
        #expect(hub.domains.coordination.detections.counts.raised["HIGH_ERROR_COUNT"] == 1)
        await hub.close()
    }

    @Test func aLookInVainStoresNothing() async throws {
        let stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        #expect(try await hub.ask(LookForAnomalies()).found.isEmpty)
        try await stage.age(by: 700)
        let dry = try await hub.ask(LookForAnomalies(projectId: "app", dryRun: true))
        #expect(dry.sessions == 1)
        #expect(dry.found.map(\.anomalyType) == [.sessionStall])
        #expect(dry.found.allSatisfy { $0.fresh && $0.detectionId == nil })
        #expect(try await stage.listed().isEmpty)
        let reader = hub.caller("coord:read", "detection:write")
        #expect(try await hub.refusal(LookForAnomalies(), by: reader)?.code == .accessDenied)
        #expect(
            try await hub.refusal(LookForAnomalies(sessionId: stage.id, projectId: "app"))?.code == .validation
        )
        await hub.close()
    }

    @Test func manyLooksAtATimeMakeOneDetection() async throws {
        let stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        try await stage.age(by: 700)
        let (looks, watch, id) = (16, hub.domains.coordination.detections, stage.session.sessionId)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<looks { group.addTask { try await watch.look(at: [id]).stored.count } }
            for try await stored in group { #expect(stored == 1) }
        }
        let found = try await stage.listed()
        #expect(found.map(\.occurrenceCount) == [looks])
        #expect(watch.counts.raised == ["SESSION_STALL": 1])
        await hub.close()
    }

    @Test func aDetectionIsResolvedOnceAndItsEvidenceDoesNotRaiseItAgain() async throws {
        var stage = try await DetectionStage.make()
        let hub = stage.hub
        let offset = try await stage.fail(5)
        let errors = try #require(try await stage.listed().first { $0.anomalyType == "HIGH_ERROR_COUNT" })
        #expect(
            try await hub.refusal(ResolveDetection(detectionId: errors.id, resolution: .fixed, note: "a\0"))?.code
                == .validation
        )
        let resolved = try await hub.ask(
            ResolveDetection(detectionId: errors.id, resolution: .dismissed, note: "The disk was full.")
        )
        #expect(resolved.resolution == .dismissed)
        #expect(resolved.note == "The disk was full.")
        #expect(resolved.resolvedBy == hub.admin.accountId)
        let second = try await hub.refusal(ResolveDetection(detectionId: errors.id, resolution: .fixed))
        #expect(second?.code == .conflict)
        #expect(second?.details?["resolvedBy"] == .string(hub.admin.accountId.rawValue))
        #expect(second?.message.contains(resolved.resolvedAt?.wireText ?? "?") == true)
        _ = try await hub.ask(LookForAnomalies(sessionId: stage.id))
        #expect(try await stage.listed(open: true).map(\.anomalyType) == ["REPEATED_ERROR"])
        let further = try await stage.fail(4, from: offset, saying: "another matter")
        #expect(try await stage.listed(open: true).count == 1)
        _ = try await stage.fail(1, from: further, saying: "and another")
        let open = try await stage.listed(open: true).filter { $0.anomalyType == "HIGH_ERROR_COUNT" }
        #expect(open.map(\.occurrenceCount) == [1])
        #expect(open.first?.id != errors.id)
        #expect(open.first?.dedupKey == errors.dedupKey)
        #expect(try await hub.refusal(GetDetection(detectionId: "none"))?.code == .notFound)
        #expect(try await hub.ask(GetDetection(detectionId: errors.id)) == resolved)
        await hub.close()
    }

    @Test func anArchivedSessionHasNothingOpen() async throws {
        var stage = try await DetectionStage.make()
        let hub = stage.hub
        _ = try await stage.fail(5)
        stage.spoke.exit(stage.session)
        try await stage.spoke.flush()
        while try await hub.domains.coordination.readTranscripts() > 0 {}
        #expect(try await stage.listed(open: true).count == 2)
        _ = try await hub.ask(ArchiveSession(sessionId: stage.id))
        let put = try await stage.listed()
        #expect(put.map(\.resolution) == [.dismissed, .dismissed])
        #expect(put.allSatisfy { $0.note?.contains("archived") == true && $0.resolvedBy == hub.admin.accountId })
        #expect(try await hub.ask(LookForAnomalies(sessionId: stage.id)).found.isEmpty)
        try await hub.database.execute(Statement<Void>("DELETE FROM nave.sessions"))
        #expect(try await stage.listed().isEmpty)
        await hub.close()
    }

    /// Property: however looks and the archive fall, nothing is open in the end.
    @Test func noLookRaisesBehindAnArchive() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        let finding = AnomalyFinding(
            type: .highErrorCount,
            context: "1",
            mark: 5,
            isFresh: true,
            message: "m",
            details: [:],
            evidence: WeighedEvidence()
        )
        for round in 0..<12 {
            let id = SessionID("s\(round)")
            try await hub.database.execute(
                Statement<Void>(
                    """
                    INSERT INTO nave.sessions (id, project_id, slug, title, ended_at, exit_reason)
                    VALUES ($1, $2, $1, 'T', now(), 'exited')
                    """
                ),
                [id, project.id]
            )
            let store = DetectionStore(database: hub.database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        _ = try await hub.database.transaction { transaction async throws(Fault) in
                            _ = try await store.raise([SessionFinding(id, finding)], notWithin: .zero, in: transaction)
                        }
                    }
                }
                group.addTask { _ = try await hub.ask(ArchiveSession(sessionId: id.rawValue)) }
                try await group.waitForAll()
            }
        }
        #expect(try await hub.ask(ListDetections(open: true)).detections.isEmpty)
        await hub.close()
    }

    @Test func ofSeveralHubsOneLooksAndOthersTakeOver() async throws {
        let stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        try await stage.age(by: 700)
        let other = DetectionWatch(database: hub.database)
        let mine = hub.domains.coordination.detections
        try await hub.database.transaction { transaction async throws(Fault) in
            #expect(try await transaction.first(DetectionStore.SQL.lock) == true)
            #expect(try await other.lookAtAll() == 0, "another hub is at it")
        }
        #expect(try await other.lookAtAll() == 1)
        #expect(try await mine.lookAtAll() == 1)
        #expect(mine.counts.open == ["SESSION_STALL": 1])
        await hub.close()
    }

    @Test func whatLastsIsCountedOncePerRoundHoweverManyHubsThereAre() async throws {
        let stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        let others = (0..<3).map { _ in DetectionWatch(database: hub.database) }
        try await stage.age(by: 700)
        for round in 1...3 {
            // A little apart, as hubs are that were not started together.
            for watch in others + [hub.domains.coordination.detections] {
                #expect(try await watch.lookAtAll() == 1)
                try await stage.ageDetections(by: 2)
            }
            #expect(try await stage.listed().map(\.occurrenceCount) == [round])
            try await stage.ageDetections(by: 22)
        }
        // Whoever asks for a look gets one that counts, and a round just after it is none.
        _ = try await hub.ask(LookForAnomalies(sessionId: stage.id))
        for watch in others { try await watch.lookAtAll() }
        #expect(try await stage.listed().map(\.occurrenceCount) == [4])
        await hub.close()
    }

    @Test func whatLastedAndIsOverResolvesItself() async throws {
        var stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        let watch = hub.domains.coordination.detections
        try await stage.age(by: 700)
        try await watch.lookAtAll()
        stage.spoke.print(stage.session, ["alive\n"])
        try await stage.spoke.flush()
        try await watch.lookAtAll()
        let stall = try #require(try await stage.listed().first)
        #expect(stall.resolution == .fixed)
        #expect(stall.resolvedBy == nil)
        #expect(stall.note != nil)

        try await stage.spoke.disconnect()
        try await stage.age(by: 40)
        try await watch.lookAtAll()
        #expect(try await stage.listed(open: true).isEmpty)
        try await stage.age(by: 10)
        try await watch.lookAtAll()
        let lost = try await stage.listed(open: true)
        #expect(lost.map(\.anomalyType) == ["SPOKE_LOST"])
        #expect(lost.first?.severity == .high)
        #expect(lost.first?.message.contains("“a”") == true)
        _ = try await stage.spoke.connect()
        try await watch.lookAtAll()
        #expect(try await stage.listed(open: true).isEmpty)
        await hub.close()
    }

    @Test func aSilentSessionWhoseProcessesWorkDoesNotStall() async throws {
        var stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        func sampled(_ processorSeconds: Double, fence: Int64 = 1) async throws {
            let sample = SessionSampled(
                sessionId: stage.session.sessionId,
                fence: fence,
                seconds: 30,
                processorSeconds: processorSeconds,
                writtenBytes: 0
            )
            stage.spoke.note(.sessionSampled, sample)
            #expect(try await stage.spoke.flush() == .applied(stage.spoke.mark))
        }
        func confidence() async throws -> Double? {
            try await hub.ask(LookForAnomalies(sessionId: stage.id, dryRun: true)).found.first?.confidence
        }
        try await stage.age(by: 700)
        let unsampled = try #require(try await confidence())
        try await sampled(0.1)
        #expect(try #require(try await confidence()) > unsampled, "it is known to sleep")
        try await sampled(29, fence: 7)
        #expect(try await confidence() != nil, "a sample of another placement says nothing")
        try await sampled(29)
        #expect(try await confidence() == nil)
        await hub.close()
    }

    @Test func aLimitIsFoundEvenIfTheAgentEndsByIt() async throws {
        var stage = try await DetectionStage.make()
        let hub = stage.hub
        let reset = Int64(Date().timeIntervalSince1970) + 3_600
        let line = #"{"type":"result","is_error":true,"result":"Usage limit reached|\#(reset)"}"# + "\n"
        let sum = stage.spoke.print(stage.session, [line])
        stage.spoke.exit(stage.session, code: 1, sums: [sum])
        try await stage.spoke.flush()
        while try await hub.domains.coordination.readTranscripts() > 0 {}
        try await hub.domains.coordination.detections.lookAtAll()
        let found = try #require(try await stage.listed(open: true).first)
        #expect(found.anomalyType == "QUOTA_EXHAUSTED")
        #expect(found.details["resetsAt"] == .string(Date(milliseconds: reset * 1_000).wireText))
        await hub.close()
    }

    @Test func theSettingSaysFromWhereOn() async throws {
        let stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        func set(_ value: JSONValue) async throws -> Fault? {
            try await hub.refusal(SetSetting(key: DetectionThresholds.key, value: value))
        }
        #expect(try await set(["processStallSeconds": 0])?.code == .validation)
        #expect(try await set(["stall": 1])?.code == .validation)
        try await stage.age(by: 30)
        #expect(try await hub.ask(LookForAnomalies(dryRun: true)).found.isEmpty)
        #expect(try await set(["processStallSeconds": 20]) == nil)
        #expect(try await hub.ask(LookForAnomalies(dryRun: true)).found.map(\.anomalyType) == [.sessionStall])
        #expect(try await set(["processStallSeconds": 20, "off": ["SESSION_STALL"]]) == nil)
        #expect(try await hub.ask(LookForAnomalies(dryRun: true)).found.isEmpty)
        await hub.close()
    }

    @Test func listsArePagedFilteredAndBounded() async throws {
        let stage = try await DetectionStage.make()
        let hub = stage.hub
        let project = try await hub.ask(GetProject(project: "app"))
        try await hub.database.execute(
            Statement<Void>(
                """
                INSERT INTO nave.detections (id, session_id, anomaly_type, severity, dedup_key, created_at)
                SELECT 'd' || n, $1, CASE n % 2 WHEN 0 THEN 'SESSION_STALL' ELSE 'A_TYPE_OF_TOMORROW' END,
                       CASE n % 3 WHEN 0 THEN 'high' ELSE 'low' END, 'k' || n, now() - make_interval(secs => n)
                  FROM generate_series(0, 11) AS n
                """
            ),
            [stage.session.sessionId]
        )
        var (ids, cursor): ([String], String?) = ([], nil)
        repeat {
            let page = try await hub.ask(ListDetections(limit: 5, cursor: cursor))
            ids += page.detections.map(\.id.rawValue)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(ids == (0...11).map { "d\($0)" })
        func count(_ request: ListDetections, by caller: Caller? = nil) async throws -> Int {
            try await hub.ask(request, by: caller).detections.count
        }
        #expect(try await count(ListDetections(anomalyType: "SESSION_STALL")) == 6)
        #expect(try await count(ListDetections(severity: .high)) == 4)
        #expect(try await count(ListDetections(sessionId: stage.id)) == 12)
        #expect(try await count(ListDetections(projectId: "app")) == 12)
        #expect(try await count(ListDetections(open: false)) == 0)
        #expect(try await hub.refusal(ListDetections(sessionId: "none"))?.code == .notFound)

        // Of an organisation they are seen by its members alone.
        _ = try await hub.ask(CreateOrganization(name: "Ops"))
        try await hub.database.execute(
            Statement<Void>(
                "UPDATE nave.projects SET org_id = (SELECT id FROM nave.organizations LIMIT 1) WHERE id = $1"
            ),
            [project.id]
        )
        let stranger = try await hub.stranger("detection:write", "coord:write")
        #expect(try await count(ListDetections(), by: stranger) == 0)
        #expect(try await hub.refusal(GetDetection(detectionId: "d1"), by: stranger)?.code == .notFound)
        #expect(
            try await hub.refusal(ResolveDetection(detectionId: "d1", resolution: .fixed), by: stranger)?.code
                == .notFound
        )
        #expect(try await hub.ask(LookForAnomalies(), by: stranger).sessions == 0)
        await hub.close()
    }

    @Test func aRoundOverManySessionsIsPagedAndQuick() async throws {
        let stage = try await DetectionStage.make(agent: false)
        let hub = stage.hub
        let sessions = DetectionWatch.page * 2 + 500
        try await hub.database.execute(
            Statement<Void>(
                """
                WITH template AS (
                    SELECT s.project_id, m.spoke_id FROM nave.sessions s JOIN nave.mappings m ON m.session_id = s.id
                ), made AS (
                    INSERT INTO nave.sessions (id, project_id, slug, title, status, fence, started_at, last_activity_at)
                    SELECT 'many-' || n, t.project_id, 'many-' || n, 'T', 'busy', 1, now(), now()
                      FROM template t, generate_series(1, $1::int) AS n
                    RETURNING id
                )
                INSERT INTO nave.mappings (id, session_id, spoke_id)
                SELECT 'map-' || made.id, made.id, t.spoke_id FROM made, template t
                """
            ),
            [sessions]
        )
        try await stage.age(by: 700)
        let watch = hub.domains.coordination.detections
        #expect(try await watch.lookAtAll() == sessions + 1)
        #expect(try await hub.count("SELECT count(*) FROM nave.detections WHERE resolved_at IS NULL") == sessions + 1)
        await hub.close()
    }
}
