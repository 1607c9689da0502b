import Foundation
import HubDomains
import Postgres
import Protocol
import Testing

/// Taking spokes in: who they are, what they have, and what they lost.
struct HelloTests {
    @Test func aTokenMakesOneSpokeWithACredentialOfItsOwn() async throws {
        let hub = try await TestHub.make()
        let token = try await hub.ask(CreateJoinToken(uses: 2, labels: ["zone": "a"])).token
        let spokes = hub.domains.coordination.spokes
        let answer = try await spokes.join(JoinRequest(token: token, name: "a", labels: ["zone": "b", "x": "y"]))
        #expect(answer.labels == ["zone": "a", "x": "y"])
        let principal = try await hub.domains.authenticator.principal(bearer: answer.credential)
        #expect(principal.spokeId == answer.spokeId)
        let again = await #expect(throws: Fault.self) { try await spokes.join(JoinRequest(token: token, name: "a")) }
        #expect(again?.code == .conflict)
        // The refused join did not use the token up.
        _ = try await spokes.join(JoinRequest(token: token, name: "b"))
        let spent = await #expect(throws: Fault.self) { try await spokes.join(JoinRequest(token: token, name: "c")) }
        #expect(spent?.code == .unauthenticated)
        await hub.close()
    }

    @Test func whatTheSpokeReportsIsJudged() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let (running, ended) = (try await hub.spawn(), try await hub.spawn())
        _ = try await spoke.takeCommands()
        spoke.start(running)
        spoke.exit(ended)
        try await spoke.flush()
        spoke.sessions = [running.sessionId, ended.sessionId, "stranger"].map {
            SessionSummary(sessionId: $0, fence: 1, state: .running, pid: 1, startedAt: nil)
        }
        spoke.worktrees = [
            WorktreeSummary(workspaceId: running.workspaceId, branch: "wt/x", head: "abc", dirty: true)
        ]
        let welcome = try await spoke.connect()
        #expect(welcome.verdicts.map(\.verdict) == [.adopt, .stop, .unknown])
        let view = try await hub.view(running)
        #expect(view.git.head == "abc")
        #expect(view.git.dirty == true)
        await hub.close()
    }

    @Test func whatIsMissingIsLostOnlyWhenTheJournalDoesNotExplainIt() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let (explained, lost) = (try await hub.spawn(), try await hub.spawn())
        _ = try await spoke.takeCommands()
        let unheard = try await hub.spawn()
        spoke.start(explained)
        spoke.start(lost)
        try await spoke.flush()
        // The machine restarts: one end is in its journal and not yet sent, of the other nothing is known.
        spoke.exit(explained)
        spoke.restart()
        _ = try await spoke.connect()
        #expect(try await hub.view(explained).session.isOver == false)
        #expect(try await hub.view(lost).session.isOver == false)
        try await spoke.flush()
        #expect(try await hub.view(explained).mapping.status == .completed)
        #expect(try await hub.view(lost).session.exitReason == .lost)
        #expect(try await hub.view(lost).mapping.status == .failed)
        // It has not taken in the order for the third: that one is still to come.
        #expect(try await hub.view(unheard).session.isOver == false)
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts WHERE alert_type = 'session.lost'") == 1)
        await hub.close()
    }

    @Test func aCopiedDataDirectoryIsRefused() async throws {
        let hub = try await TestHub.make()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        spoke.note(.alertRaised, AlertRaised(level: .info, kind: "k", message: "m"))
        var copy = spoke
        copy.restart()
        spoke.note(.alertRaised, AlertRaised(level: .info, kind: "k", message: "m"))
        try await spoke.flush()
        guard case .refused(let refusal) = try await copy.greet() else {
            Issue.record("a copy was let in")
            return
        }
        #expect(refusal.code == .diverged)
        #expect(try await hub.ask(GetSpoke(spoke: "a")).incarnation == spoke.incarnation)
        await hub.close()
    }

    @Test func aNewJournalEpochIsTakenWithAnAlert() async throws {
        let hub = try await TestHub.make()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        spoke.note(.alertRaised, AlertRaised(level: .info, kind: "k", message: "m"))
        try await spoke.flush()
        spoke.restart()
        (spoke.epoch, spoke.records, spoke.mark) = (2, [], .start(of: 2))
        let welcome = try await spoke.connect()
        #expect(welcome.journalAcknowledged == .start(of: 2))
        #expect(try await hub.count("SELECT count(*) FROM nave.alerts WHERE alert_type = 'journal.epoch'") == 1)
        spoke.note(.alertRaised, AlertRaised(level: .info, kind: "k", message: "m"))
        #expect(try await spoke.flush() == .applied(StreamMark(after: spoke.records[0])))
        await hub.close()
    }

    @Test func aSpokeThatForgotItsCommandsGetsThemUnderANewEpoch() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        _ = try await hub.spawn()
        _ = try await spoke.takeCommands()
        let pending = try await hub.spawn()
        spoke.restart()
        spoke.commandsMark = .start(of: 1)
        let welcome = try await spoke.connect()
        #expect(welcome.commandsEpoch == 2)
        #expect(welcome.commandsNext == 2)
        spoke.commandsMark = .start(of: 2)
        let orders: [StartSession] = try await spoke.take(.sessionStart)
        #expect(orders.map(\.sessionId) == [pending.sessionId])
        #expect(try await hub.domains.coordination.verify().findings.filter { $0.kind.hasPrefix("commands") }.isEmpty)
        await hub.close()
    }

    @Test func aDeadHubsSpokesAreMarkedByWhoeverNotices() async throws {
        let hub = try await TestHub.make()
        let spoke = try await ScriptedSpoke.join(hub, "a")
        let coordination = hub.domains.coordination
        #expect(try await coordination.hubs.expire() == 0)
        try await hub.database.execute(Statement<Void>("UPDATE nave.hubs SET lease_until = now() - interval '1 s'"))
        #expect(try await coordination.hubs.expire() == 1)
        #expect(try await coordination.hubs.renew(ScriptedSpoke.hubId) == false)
        let record = try await hub.ask(GetSpoke(spoke: "a"))
        #expect(record.status == .disconnected)
        #expect(record.disconnectReason == "its hub is gone")
        #expect(spoke.id == record.id)
        await hub.close()
    }

    @Test func heartbeatsOfManySpokesAreOneStatementAndOnlyTheLivingCount() async throws {
        let hub = try await TestHub.make()
        let (one, two) = (try await ScriptedSpoke.join(hub, "a"), try await ScriptedSpoke.join(hub, "b"))
        let load = HostLoad(cpu: 0.5, memory: 0.25, disk: 0.1)
        let at = Date(timeIntervalSinceNow: 60)
        try await hub.domains.coordination.spokes.heard([
            SpokeBeat(spokeId: two.id, incarnation: two.incarnation, at: at, load: load),
            SpokeBeat(spokeId: one.id, incarnation: "another", at: at, load: load),
        ])
        let spokes = try await hub.ask(ListSpokes()).spokes
        #expect(spokes.map(\.name) == ["a", "b"])
        #expect(spokes[0].load == [:])
        #expect(spokes[1].load["cpu"] == .number(0.5))
        #expect(abs((spokes[1].lastHeartbeat ?? .distantPast).timeIntervalSince(at)) < 1)
        let page = try await hub.ask(ListSpokes(limit: 1))
        #expect(try await hub.ask(ListSpokes(limit: 1, cursor: page.nextCursor)).spokes.map(\.name) == ["b"])
        await hub.close()
    }
}
