import Foundation
import HubDomains
import Postgres
import Protocol
import Testing

/// Journals are applied exactly once, whatever comes again, late, broken or from someone else.
struct JournalTests {
    @Test func aSessionIsFollowedFromSpawnToExit() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        #expect(session.spokeId == spoke.id)
        let orders: [StartSession] = try await spoke.take(.sessionStart)
        #expect(orders.map(\.sessionId) == [session.sessionId])
        #expect(orders.first?.workspace.branch == session.branch)
        spoke.start(session)
        let sum = spoke.print(session, ["hello ", "world\n"])
        #expect(try await spoke.flush() == .applied(StreamMark(after: spoke.records[3])))
        var view = try await hub.view(session)
        #expect(view.session.status == .busy)
        #expect(view.workspace?.state == .busy)
        #expect(view.output.bytes == 12)
        spoke.exit(session, sums: [sum])
        try await spoke.flush()
        view = try await hub.view(session)
        #expect(view.mapping.status == .completed)
        #expect(view.session.status == .idle)
        #expect(view.session.exitCode == 0)
        #expect(view.workspace?.state == .ready)
        #expect(try await hub.domains.coordination.verify().complete)
        await hub.close()
    }

    @Test func theSameBatchTwiceChangesNothing() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        spoke.start(session)
        spoke.print(session, ["one", "two"])
        let batch = spoke.batch
        let end = StreamMark(after: spoke.records[3])
        #expect(try await spoke.apply(batch) == .applied(end))
        #expect(try await spoke.apply(batch) == .applied(end))
        // Overlapping: the first two are known, the fifth is not.
        spoke.print(session, ["three"], from: 6)
        let overlapping = JournalBatch(
            spokeId: spoke.id,
            incarnation: spoke.incarnation,
            after: StreamMark(after: spoke.records[1]),
            records: Array(spoke.records[2...])
        )
        #expect(try await spoke.apply(overlapping) == .applied(StreamMark(after: spoke.records[4])))
        #expect(try await hub.count("SELECT count(*) FROM nave.session_output") == 3)
        await hub.close()
    }

    @Test func aHoleOrAWrongHashIsRewound() async throws {
        let hub = try await TestHub.make()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        spoke.note(.alertRaised, AlertRaised(level: .info, kind: "one", message: "1"))
        spoke.note(.alertRaised, AlertRaised(level: .info, kind: "two", message: "2"))
        var batch = spoke.batch
        batch.records.removeFirst()
        #expect(try await spoke.apply(batch) == .rewind(.start(of: 1)))
        let second = spoke.records[1]
        batch.records = [
            spoke.records[0],
            StreamRecord(
                epoch: 1,
                seq: 2,
                at: second.at,
                type: second.type,
                payload: second.payload + [32],
                hash: second.hash
            ),
        ]
        #expect(try await spoke.apply(batch) == .rewind(.start(of: 1)))
        // A claim of having verified is not believed where the mark is another one.
        batch.isVerified = true
        batch.after = StreamMark(epoch: 1, seq: 0, hash: spoke.head)
        #expect(try await spoke.apply(batch) == .rewind(.start(of: 1)))
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts") == 0)
        await hub.close()
    }

    @Test func anOlderIncarnationIsFenced() async throws {
        let hub = try await TestHub.make()
        let old = try await ScriptedSpoke.join(hub, "a")
        var late = old
        late.note(.alertRaised, AlertRaised(level: .info, kind: "late", message: "late"))
        var new = old
        new.restart()
        _ = try await new.connect()
        #expect(try await late.flush() == .fenced)
        guard case .refused(let refusal) = try await old.greet() else {
            Issue.record("a replaced incarnation was let in")
            return
        }
        #expect(refusal.code == .replaced)
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts") == 0)
        await hub.close()
    }

    @Test func recordsOfAnotherFenceChangeNoStateAndStayReadable() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        try await hub.database.execute(Statement<Void>("UPDATE nave.sessions SET fence = 2"))
        spoke.start(session, fence: 1)
        spoke.print(session, ["late"], fence: 1)
        spoke.exit(session, fence: 1)
        try await spoke.flush()
        let view = try await hub.view(session)
        #expect(view.session.status == .busy)
        #expect(view.session.startedAt == nil)
        #expect(view.mapping.status == .active)
        #expect(try await hub.count("SELECT count(*) FROM nave.session_output WHERE session_number = 1") == 1)
        await hub.close()
    }

    @Test func recordsOfUnknownSessionsAndNonsenseDoNotHoldUpTheStream() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let stranger = SpawnedSession(
            sessionId: "nobody",
            mappingId: "m",
            workspaceId: "w",
            spokeId: nil,
            branch: "b",
            status: .active
        )
        spoke.print(stranger, ["lost", "too"])
        spoke.note(JournalRecordType.sessionExited.rawValue, Array("{not json".utf8))
        spoke.note("from.the.future", [1, 2, 3])
        spoke.note(JournalRecordType.sessionOutput.rawValue, [0])
        spoke.note(
            .alertRaised,
            AlertRaised(level: .warning, kind: "with\u{0}nul", message: "m", details: ["a": "\u{0}"])
        )
        spoke.start(session)
        #expect(try await spoke.flush() == .applied(StreamMark(after: spoke.records[7])))
        #expect(try await hub.view(session).session.startedAt != nil)
        let payloads = "SELECT count(*) FROM nave.alerts WHERE alert_type = 'journal.payload'"
        #expect(try await hub.count(payloads) == 4)
        #expect(try await hub.count("SELECT count(*) FROM nave.session_output") == 0)
        await hub.close()
    }

    @Test func aSpokeCannotWriteIntoAnothersSession() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var one = try await ScriptedSpoke.join(hub, "a", slots: 1)
        let session = try await hub.spawn()
        var other = try await ScriptedSpoke.join(hub, "b")
        other.start(session)
        other.print(session, ["forged"])
        other.exit(session, code: 0)
        try await other.flush()
        #expect(try await hub.view(session).session.isOver == false)
        #expect(try await hub.count("SELECT count(*) FROM nave.session_output") == 0)
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts WHERE alert_type = 'journal.session'") == 1)
        one.start(session)
        #expect(try await one.flush() != nil)
        await hub.close()
    }

    @Test func manySpokesAreAppliedInOneCommitAndOneBadOneHarmsNoOther() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spokes: [ScriptedSpoke] = []
        for index in 0..<6 { spokes.append(try await ScriptedSpoke.join(hub, "s\(index)", slots: 1)) }
        var sessions: [SpokeID: SpawnedSession] = [:]
        for _ in spokes {
            let session = try await hub.spawn()
            sessions[try #require(session.spokeId)] = session
        }
        for index in spokes.indices {
            let session = try #require(sessions[spokes[index].id])
            spokes[index].start(session)
            spokes[index].print(session, Array(repeating: "x", count: 20))
        }
        var batches = spokes.map(\.batch)
        batches[2].records.removeFirst()
        let verdicts = try await hub.domains.coordination.journals.apply(batches)
        #expect(verdicts[2] == .rewind(.start(of: 1)))
        #expect(verdicts.filter { if case .applied = $0 { true } else { false } }.count == 5)
        #expect(try await hub.count("SELECT count(*) FROM nave.session_output") == 100)
        await hub.close()
    }

    @Test func consecutiveBatchesOfOneSpokeAreOneCommit() async throws {
        let hub = try await TestHub.make()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        for index in 0..<9 {
            spoke.note(.alertRaised, AlertRaised(level: .info, kind: "k\(index)", message: "m"))
        }
        let parts = [0..<3, 3..<6, 6..<9].map { range in
            JournalBatch(
                spokeId: spoke.id,
                incarnation: spoke.incarnation,
                after: range.lowerBound == 0 ? .start(of: 1) : StreamMark(after: spoke.records[range.lowerBound - 1]),
                records: Array(spoke.records[range])
            )
        }
        let verdicts = try await hub.domains.coordination.journals.apply(parts)
        #expect(verdicts.allSatisfy { $0 == .applied(StreamMark(after: spoke.records[8])) })
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts") == 9)
        await hub.close()
    }
}
