import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// A task and the sessions that work on it: one moves with the other, in the same transaction.
struct TaskSessionTests {
    private func order(_ task: String) -> SpawnOrder {
        var order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.task = task
        return order
    }

    @Test func aSpawnBeginsItsTaskAndTheSessionsEndEndsIt() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["good", "bad", "long"])
        var spoke = try await ScriptedSpoke.join(hub, "a")
        var update = UpdateTask(taskId: "good", projectId: "app")
        update.priority = .critical
        _ = try await hub.ask(update)
        let (good, bad) = (try await hub.spawn(order("good")), try await hub.spawn(order("bad")))
        #expect(good.branch == "wt/good")
        let view = try await hub.view(good)
        #expect((view.mapping.task, view.session.title, view.session.priority) == ("good", "GOOD", 3))
        let begun = try await hub.task("good")
        #expect((begun.status, begun.mappingId, begun.id) == (.inProgress, good.mappingId, view.mapping.taskId))
        #expect(try await hub.ask(VerifyHub()).complete)
        for session in [good, bad] { spoke.start(session) }
        spoke.exit(good)
        spoke.exit(bad, code: 3)
        try await spoke.flush()
        #expect(try await hub.task("good").status == .completed)
        #expect(try await hub.task("bad").status == .failed)
        #expect(try await hub.task("long").status == .pending)
        #expect(try await hub.ask(VerifyHub()).findings.allSatisfy { !$0.kind.hasPrefix("state.") })
        let retried = try await hub.ask(RetryTask(taskId: "bad", projectId: "app"))
        #expect((retried.status, retried.mappingId) == (.pending, nil))
        #expect(try await hub.ask(VerifyHub()).findings.allSatisfy { !$0.kind.hasPrefix("state.") })
        await hub.close()
    }

    @Test func onlyOneSessionAtATimeWorksOnATask() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "done"])
        let first = try await hub.spawn(order("a"))
        let again = try await hub.refusal(SpawnSessions(order("a")))
        #expect(again?.code == .conflict)
        #expect(again?.details?["sessionId"]?.stringValue == first.sessionId.rawValue)
        #expect(try await hub.refusal(CompleteTask(taskId: "a", projectId: "app"))?.code == .invalidTransition)
        #expect(try await hub.refusal(DeleteTask(taskId: "a", projectId: "app"))?.code == .conflict)
        #expect(try await hub.refusal(SpawnSessions(order("aa")))?.details?["near"] == ["a"])
        _ = try await hub.ask(StartTask(taskId: "done", projectId: "app"))
        _ = try await hub.ask(CompleteTask(taskId: "done", projectId: "app"))
        #expect(try await hub.refusal(SpawnSessions(order("done")))?.code == .invalidTransition)
        #expect(try await hub.count("SELECT count(*) FROM nave.sessions") == 1)
        await hub.close()
    }

    @Test func manySpawnsAtOnceOfOneTaskMakeOneSession() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a"])
        let spawned = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { try await hub.refusal(SpawnSessions(order("a"))) == nil } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(spawned == 1)
        #expect(try await hub.count("SELECT count(*) FROM nave.sessions") == 1)
        await hub.close()
    }

    @Test func whatIsAbortedCanBeTakenUpAgain() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a"])
        let claimed = try await hub.ask(ClaimTask(projectId: "app", assignee: "ada")).task
        #expect(claimed?.status == .inProgress)
        let session = try await hub.spawn(order("a"))
        _ = try await hub.ask(BlockTask(taskId: "a", projectId: "app"))
        #expect(try await hub.ask(VerifyHub()).complete)
        _ = try await hub.ask(AbortSessionTree(sessionId: session.sessionId.rawValue))
        #expect(try await hub.task("a").status == .pending)
        #expect(try await hub.ask(VerifyHub()).complete)
        let second = try await hub.spawn(order("a"))
        #expect(try await hub.task("a").mappingId == second.mappingId)
        let mappings = try await hub.ask(GetCoordinationStatus(taskId: claimed?.id)).mappings
        #expect(mappings.map(\.mapping.status) == [.active, .aborted])
        await hub.close()
    }

    @Test func aSessionThatLeavesItsTaskCompletesNothing() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a"])
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn(order("a"))
        spoke.start(session)
        try await spoke.flush()
        let caller = hub.caller(session.sessionId)
        let left = LeaveTask(taskId: "a", projectId: "app", reason: "The fixtures are missing.")
        #expect(try await hub.ask(left, by: caller).status == .blocked)
        spoke.exit(session)
        try await spoke.flush()
        let after = try await hub.task("a")
        #expect((after.status, after.safeExit?.by) == (.pending, session.sessionId.rawValue))
        #expect(try await hub.ask(ListReadyTasks(projectId: "app")).tasks.isEmpty)
        #expect(try await hub.ask(VerifyHub()).findings.allSatisfy { !$0.kind.hasPrefix("state.") })
        let cleared = try await hub.ask(UpdateTask(taskId: "a", projectId: "app", clear: [.safeExit]))
        #expect(cleared.safeExit == nil)
        #expect(try await hub.ask(ListReadyTasks(projectId: "app")).tasks.map(\.slug) == ["a"])
        await hub.close()
    }

    @Test func whatASessionClaimedAndDidNotFinishIsFreeAtItsEnd() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b", "c"])
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let caller = hub.caller(session.sessionId)
        let first = try await hub.ask(ClaimTask(projectId: "app", assignee: "somebody else"), by: caller).task
        #expect(first?.assignee == session.sessionId.rawValue)
        _ = try await hub.ask(CompleteTask(taskId: "a", projectId: "app"), by: caller)
        _ = try await hub.ask(ClaimTask(projectId: "app"), by: caller)
        _ = try await hub.ask(StartTask(taskId: "c", projectId: "app", assignee: "ada"))
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        let statuses = try await hub.ask(ExportTasks(projectId: "app")).tasks.map(\.status)
        #expect(statuses == [.completed, .pending, .inProgress])
        #expect(try await hub.task("b").assignee == nil)
        await hub.close()
    }

    @Test func aTaskSaysWhatItWaitsFor() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b: a", "c: a b"])
        func why(_ slug: String) async throws -> ExplainWaiting.Output {
            let id = try await hub.task(slug).id
            return try await hub.ask(ExplainWaiting(taskId: id))
        }
        #expect(try await why("c").message == "It waits for a, b.")
        #expect(try await why("a").message.hasPrefix("It is ready"))
        _ = try await hub.spawn(order("a"))
        #expect(try await why("a").message.hasPrefix("No spoke has joined"))
        #expect(try await hub.refusal(ExplainWaiting())?.code == .validation)
        #expect(try await hub.refusal(ExplainWaiting(taskId: "zzz"))?.code == .notFound)
        await hub.close()
    }

    @Test func verifyFindsTasksThatDisagreeWithTheirMappings() async throws {
        for (sql, kind) in [
            ("UPDATE nave.tasks SET status = 'pending' WHERE slug = 'a'", "state.task"),
            ("UPDATE nave.tasks SET status = 'pending' WHERE slug = 'b'", "state.task"),
            ("UPDATE nave.tasks SET mapping_id = NULL WHERE slug = 'a'", "state.task"),
        ] {
            let hub = try await TestHub.make()
            _ = try await hub.project()
            try await hub.tasks(["a", "b"])
            var spoke = try await ScriptedSpoke.join(hub, "a")
            _ = try await hub.spawn(order("a"))
            let done = try await hub.spawn(order("b"))
            spoke.start(done)
            spoke.exit(done, code: 1)
            try await spoke.flush()
            try await hub.database.execute(Statement<Void>(sql))
            #expect(try await hub.ask(VerifyHub()).findings.map(\.kind) == [kind], "\(sql)")
            await hub.close()
        }
    }

    @Test func whatIsDeletedTakesWithItWhatTheSeedSays() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b: a", "c: b"])
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn(order("b"))
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        _ = try await hub.ask(DeleteTask(taskId: "b", projectId: "app"))
        #expect(try await hub.count("SELECT count(*) FROM nave.task_dependencies") == 0)
        let kept = "SELECT count(*) FROM nave.mappings WHERE task_id IS NULL AND task = 'b' AND status = 'completed'"
        #expect(try await hub.count(kept) == 1)
        var part = UpdateTask(taskId: "c", projectId: "app")
        part.parentTaskId = try await hub.task("a").id
        _ = try await hub.ask(part)
        _ = try await hub.ask(DeleteTask(taskId: "a", projectId: "app"))
        #expect(try await hub.count("SELECT count(*) FROM nave.tasks") == 0)
        try await hub.tasks(["d", "e: d"])
        try await hub.database.execute(Statement<Void>("DELETE FROM nave.projects"))
        #expect(try await hub.count("SELECT count(*) FROM nave.tasks") == 0)
        await hub.close()
    }
}
