import Foundation
import HubDomains
import Postgres
import Protocol
import Testing

/// Spawning: what is refused, what waits, who comes first, and that no slot is given twice.
struct SpawnTests {
    @Test func aSessionOfAnAgentWaitsForASpokeThatHasIt() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let plain = try await ScriptedSpoke.join(hub, "plain")
        let session = try await hub.spawn(SpawnOrder(project: "app", run: RunOrder(agent: "coder", prompt: "Go.")))
        #expect(session.spokeId == nil)
        let why = try await hub.ask(ExplainWaiting(sessionId: session.sessionId.rawValue))
        #expect(why.waiting && why.message.contains("No spoke has an agent “coder”"))
        #expect(why.spokes.map(\.reason) == [.agent] && why.spokes.map(\.name) == [plain.name])
        let able = try await ScriptedSpoke.join(hub, "able", agents: [AgentOffer(name: "coder", resumes: true)])
        #expect(try await hub.ask(GetSpoke(spoke: "able")).agents == able.agents)
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        #expect(try await hub.view(session).spoke?.id == able.id)
        await hub.close()
    }

    @Test func theTraceOfASpawnGoesWithItsOrder() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let order = SpawnSessions(SpawnOrder(project: "app", run: RunOrder(command: ["true"])))
        var caller = hub.admin
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        caller.traceparent = trace
        // There is no spoke yet: the trace waits with the session.
        _ = try await hub.ask(order, by: caller)
        _ = try await ScriptedSpoke.join(hub, "a")
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        caller.traceparent = "anything\u{0}"
        _ = try await hub.ask(order, by: caller)
        let started = "SELECT count(*) FROM nave.spoke_commands WHERE type = 'session.start'"
        #expect(try await hub.count(started) == 2)
        let traced = started + " AND payload::jsonb ->> 'traceparent' = $1"
        #expect(try await hub.count(traced, [trace]) == 1)
        #expect(try await hub.count(started + " AND payload::jsonb ? 'traceparent'") == 1)
        await hub.close()
    }

    @Test func oneFailureAmongFiftyTakesNoOther() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        _ = try await ScriptedSpoke.join(hub, "a", slots: 10)
        let tasks = (0..<50).map { index in
            var order = SpawnOrder(title: "Task \(index)")
            if index % 10 == 3 { order.branch = "-x" }
            if index % 10 == 7 { order.project = "ap" }
            return order
        }
        let shared = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        let output = try await hub.ask(SpawnSessions(shared, tasks: tasks))
        #expect(output.spawned?.count == 40)
        #expect(output.spawned?.filter { $0.spokeId != nil }.count == 10)
        #expect(output.errors?.map(\.index) == [3, 7, 13, 17, 23, 27, 33, 37, 43, 47])
        #expect(output.errors?.first?.error.code == .validation)
        #expect(output.errors?[1].error.code == .notFound)
        #expect(output.errors?[1].error.details?["near"] == ["app"])
        #expect(try await hub.count("SELECT count(*) FROM nave.mappings WHERE status = 'active'") == 40)
        await hub.close()
    }

    @Test func whatIsWrongWithASpawnIsSaidAllAtOnce() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var order = SpawnOrder(project: "app", branch: "a..b", run: RunOrder(command: []))
        (order.base, order.timeoutSeconds, order.env) = ("-x", 0, ["A=B": "c"])
        let fault = try await hub.refusal(SpawnSessions(order))
        #expect(fault?.code == .validation)
        let paths = (fault?.details?.arrayValue ?? []).compactMap { $0["path"]?.stringValue }
        #expect(Set(paths) == ["branch", "base", "timeoutSeconds", "env.A=B", "run.command"])
        order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.target = SpokeTarget(spokeName: "nowhere")
        #expect(try await hub.refusal(SpawnSessions(order))?.code == .notFound)
        order.target = nil
        order.grants = ["key:admin"]
        let poor = hub.caller("coord:write")
        #expect(try await hub.refusal(SpawnSessions(order), by: poor)?.code == .accessDenied)
        #expect(try await hub.refusal(SpawnSessions(SpawnOrder(project: "app")))?.code == .validation)
        #expect(try await hub.count("SELECT count(*) FROM nave.sessions") == 0)
        await hub.close()
    }

    @Test func aProjectInUseStaysUntilNothingOfItIsLeft() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let spawned = try await hub.spawn(title: "Work")
        let fault = try await hub.refusal(DeleteProject(project: "app"))
        #expect(fault?.code == .conflict)
        #expect(fault?.details?["sessions"] == 1)
        _ = try await hub.ask(AbortSessionTree(sessionId: spawned.sessionId.rawValue))
        #expect(try await hub.ask(DeleteProject(project: "app")).name == "app")
        #expect(try await hub.count("SELECT count(*) FROM nave.sessions") == 0)
        await hub.close()
    }

    @Test func branchesAreMadeFromTitlesAndNeverSharedByChance() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let first = try await hub.spawn(title: "Fix the Login")
        let second = try await hub.spawn(title: "Fix the Login")
        #expect(first.branch == "wt/fix-the-login")
        #expect(second.branch.hasPrefix("wt/fix-the-login-"))
        let named = try await hub.spawn(SpawnOrder(project: "app", branch: "My Branch", run: RunOrder(command: ["x"])))
        #expect(named.branch == "my-branch")
        await hub.close()
    }

    @Test func withoutAFreeSpokeASessionWaitsAndSaysWhy() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let lonely = try await hub.spawn()
        #expect(lonely.spokeId == nil)
        #expect(try await hub.ask(ExplainWaiting(sessionId: lonely.sessionId.rawValue)).waiting)
        var spoke = try await ScriptedSpoke.join(hub, "a", slots: 1)
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        let second = try await hub.spawn()
        let why = try await hub.ask(ExplainWaiting(sessionId: second.sessionId.rawValue))
        #expect(why.spokes.map(\.reason) == [.slots])
        #expect(try await hub.view(second).waitingFor?.map(\.reason) == [.slots])
        #expect(try await hub.view(second).session.status == .busy)
        #expect(try await hub.domains.coordination.placeWaiting() == 0)
        spoke.start(lonely)
        spoke.exit(lonely)
        try await spoke.flush()
        try await spoke.disconnect()
        #expect(try await hub.domains.coordination.placeWaiting() == 0)
        #expect(
            try await hub.ask(ExplainWaiting(sessionId: second.sessionId.rawValue)).spokes.map(\.reason)
                == [.disconnected]
        )
        _ = try await spoke.connect()
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        #expect(try await hub.view(second).spoke?.id == spoke.id)
        #expect(try await hub.ask(ExplainWaiting(sessionId: second.sessionId.rawValue)).waiting == false)
        let orders: [StartSession] = try await spoke.take(.sessionStart)
        #expect(orders.map(\.sessionId) == [lonely.sessionId, second.sessionId])
        #expect(orders.allSatisfy { $0.fence == 1 })
        await hub.close()
    }

    @Test func concurrentSpawnsNeverTakeMoreSlotsThanThereAre() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        for name in ["a", "b"] { _ = try await ScriptedSpoke.join(hub, name, slots: 5) }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<8 {
                group.addTask {
                    var placed = 0
                    for turn in 0..<5 where try await hub.spawn(title: "\(index) \(turn)").spokeId != nil {
                        placed += 1
                    }
                    _ = try await hub.domains.coordination.placeWaiting()
                    return placed
                }
            }
            try await group.waitForAll()
        }
        let busy = try await hub.ask(ListSpokes()).spokes.map(\.busy)
        #expect(busy == [5, 5])
        #expect(try await hub.count("SELECT count(*) FROM nave.sessions WHERE fence = 0") == 30)
        #expect(try await hub.count("SELECT count(*) FROM nave.spoke_commands") == 10)
        #expect(try await hub.domains.coordination.verify().complete)
        await hub.close()
    }

    @Test func oneKeySpawnsOneSession() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.idempotencyKey = "once"
        let made = order
        let ids = try await withThrowingTaskGroup(of: SessionID.self) { group in
            for _ in 0..<4 { group.addTask { try await hub.spawn(made).sessionId } }
            return try await group.reduce(into: Set<SessionID>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        order.run = RunOrder(command: ["false"])
        #expect(try await hub.refusal(SpawnSessions(order))?.code == .conflict)
        await hub.close()
    }

    @Test func aWorktreeIsUsedAgainWhereItIsAndByOneAtATime() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let first = try await hub.spawn()
        _ = try await ScriptedSpoke.join(hub, "b", slots: 100)
        spoke.start(first)
        spoke.exit(first)
        try await spoke.flush()
        var order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.worktree = WorktreeChoice(mode: .reuse, workspaceId: first.workspaceId)
        let second = try await hub.spawn(order)
        #expect(second.workspaceId == first.workspaceId)
        #expect(second.spokeId == spoke.id)
        #expect(second.branch == first.branch)
        #expect(try await hub.refusal(SpawnSessions(order))?.code == .conflict)
        #expect(try await hub.refusal(RemoveWorktree(workspaceId: first.workspaceId))?.code == .conflict)
        await hub.close()
    }

    @Test func aDrainingSpokeGetsNothingNewAndIsTold() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        #expect(try await hub.ask(SetSpokeDraining(spoke: "a")).draining)
        #expect(try await hub.spawn().spokeId == nil)
        let orders: [DrainSpoke] = try await spoke.take(.spokeDrain)
        #expect(orders.map(\.draining) == [true])
        _ = try await hub.ask(SetSpokeDraining(spoke: "a", draining: false))
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        #expect(try await hub.refusal(RemoveSpoke(spoke: "a"))?.code == .conflict)
        await hub.close()
    }
}
