import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

extension TestHub {
    /// Tasks by slug, each with what it depends on after a colon: `["a", "b: a", "c: a b"]`.
    func tasks(_ texts: [String], in project: String = "app") async throws {
        let entries = texts.map { text in
            let parts = text.split(separator: ":").map { $0.split(separator: " ").map(String.init) }
            return TaskEntry(
                id: parts[0][0],
                name: parts[0][0].uppercased(),
                dependsOn: parts.count > 1 ? parts[1] : []
            )
        }
        _ = try await ask(ImportTasks(projectId: project, tasks: entries))
    }

    func task(_ slug: String, in project: String = "app") async throws -> TaskRecord {
        try await ask(GetTask(taskId: slug, projectId: project))
    }

    /// A caller that is a session.
    func caller(_ session: SessionID) -> Caller {
        var caller = admin
        caller.principal = Principal(
            identity: Identity(id: session.rawValue, scopes: ["*"]),
            accountId: caller.accountId,
            keyId: caller.keyId,
            sessionId: session
        )
        return caller
    }
}

/// Tasks: what may be said of them, how they are found again, and which steps they take.
struct TaskTests {
    @Test func aTaskIsAddedFoundChangedAndRemoved() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        try await hub.tasks(["base"])
        var request = CreateTask(projectId: "app", name: "Log in with a Passkey", dependsOn: ["base"])
        (request.risk, request.tags, request.path) = (.high, ["auth"], "web/login.md")
        request.dueAt = Date(timeIntervalSince1970: 1_800_000_000)
        let added = try await hub.ask(request)
        #expect(added.slug == "log-in-with-a-passkey")
        #expect(added.projectId == project.id)
        #expect(added.status == .pending)
        #expect(added.dependsOn == ["base"])
        #expect(added.dueAt == request.dueAt)
        #expect(added.scope == nil)
        #expect(try await hub.ask(GetTask(taskId: added.id.rawValue)) == added)
        #expect(try await hub.ask(GetTask(taskId: added.slug, projectId: "app")) == added)
        #expect(try await hub.ask(CreateTask(projectId: "app", name: "Log in with a Passkey")).slug != added.slug)
        var update = UpdateTask(taskId: added.slug, projectId: "app", clear: [.risk, .dueAt])
        (update.slug, update.dependsOn, update.parentTaskId) = ("login", [], try await hub.task("base").id)
        let changed = try await hub.ask(update)
        #expect((changed.slug, changed.risk, changed.dueAt, changed.tags) == ("login", nil, nil, ["auth"]))
        #expect(changed.dependsOn.isEmpty)
        let parent = try await hub.task("base").id
        #expect(changed.parentTaskId == parent)
        var loop = UpdateTask(taskId: "base", projectId: "app")
        loop.parentTaskId = changed.id
        #expect(try await hub.refusal(loop)?.code == .validation)
        #expect(try await hub.ask(DeleteTask(taskId: "login", projectId: "app")).id == added.id)
        #expect(try await hub.refusal(GetTask(taskId: "login", projectId: "app"))?.code == .notFound)
        await hub.close()
    }

    @Test func wrongFieldsAreAllNamedAndTakenSlugsToo() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var request = CreateTask(projectId: "app", name: "", slug: "-x")
        (request.path, request.tags, request.metadata) = ("../x", ["-rf"], [])
        let fault = try await hub.refusal(request)
        let paths = fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue }
        #expect(paths == ["slug", "name", "path", "tags[0]", "metadata"])
        try await hub.tasks(["base"])
        let taken = try await hub.refusal(CreateTask(projectId: "app", name: "Base", slug: "base"))
        #expect(taken?.code == .conflict)
        #expect(taken?.details == ["field": "slug"])
        let missing = try await hub.refusal(CreateTask(projectId: "app", name: "X", dependsOn: ["bas"]))
        #expect(missing?.details?.arrayValue?.first?["path"] == "dependsOn")
        #expect(try await hub.refusal(GetTask(taskId: "bass", projectId: "app"))?.details?["near"] == ["base"])
        #expect(try await hub.refusal(GetTask(taskId: "base"))?.code == .notFound)
        #expect(try await hub.refusal(GetTask(taskId: "base", projectId: "ap"))?.code == .notFound)
        await hub.close()
    }

    @Test func listsAreFilteredAndPaged() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        _ = try await hub.project("other")
        try await hub.tasks(["x"], in: "other")
        for number in 0..<7 {
            var request = CreateTask(projectId: "app", name: "Task \(number)", slug: "t\(number)")
            request.tags = number % 2 == 0 ? ["even", "all"] : ["all"]
            request.priority = number == 3 ? .critical : nil
            request.path = number < 2 ? "a_b/\(number).md" : "axb/\(number).md"
            request.assignee = number == 6 ? "ada" : nil
            _ = try await hub.ask(request)
        }
        func slugs(_ change: (inout TaskFilter) -> Void) async throws -> [String] {
            var filter = TaskFilter()
            change(&filter)
            return try await hub.ask(ListTasks(projectId: "app", filter: filter)).tasks.map(\.slug).sorted()
        }
        #expect(try await slugs { $0.tags = ["even", "all"] } == ["t0", "t2", "t4", "t6"])
        #expect(try await slugs { $0.priority = [.critical] } == ["t3"])
        #expect(try await slugs { $0.priority = [.medium] }.count == 6)
        #expect(try await slugs { $0.pathPrefix = "a_b/" } == ["t0", "t1"])
        #expect(try await slugs { $0.assignee = "ada" } == ["t6"])
        #expect(try await slugs { $0.status = [.completed, .failed] } == [])
        #expect(try await slugs { $0.slugs = ["t1", "x"] } == ["t1"])
        let first = try await hub.ask(ListTasks(limit: 5))
        let rest = try await hub.ask(ListTasks(cursor: first.nextCursor))
        #expect(first.tasks.count == 5)
        #expect(rest.tasks.count == 3)
        #expect(rest.nextCursor == nil)
        #expect(Set((first.tasks + rest.tasks).map(\.id)).count == 8)
        await hub.close()
    }

    @Test func aTaskTakesTheStepsOfItsLifeAndNoOthers() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a"])
        func refused(_ request: some RemoteOperation) async throws -> Bool {
            try await hub.refusal(request)?.code == .invalidTransition
        }
        #expect(try await refused(CompleteTask(taskId: "a", projectId: "app")))
        #expect(try await refused(RetryTask(taskId: "a", projectId: "app")))
        let started = try await hub.ask(StartTask(taskId: "a", projectId: "app"))
        #expect(started.status == .inProgress)
        #expect(started.assignee == hub.admin.identity.id)
        #expect(try await refused(StartTask(taskId: "a", projectId: "app")))
        #expect(try await hub.ask(BlockTask(taskId: "a", projectId: "app")).status == .blocked)
        #expect(try await refused(CompleteTask(taskId: "a", projectId: "app")))
        #expect(try await hub.ask(UnblockTask(taskId: "a", projectId: "app")).status == .pending)
        _ = try await hub.ask(StartTask(taskId: "a", projectId: "app", assignee: "ada"))
        let failed = try await hub.ask(FailTask(taskId: "a", projectId: "app", summary: "No luck."))
        #expect((failed.status, failed.assignee, failed.summary) == (.failed, "ada", "No luck."))
        #expect(try await hub.ask(RetryTask(taskId: "a", projectId: "app")).status == .pending)
        _ = try await hub.ask(StartTask(taskId: "a", projectId: "app"))
        #expect(try await hub.ask(CompleteTask(taskId: "a", projectId: "app")).status == .completed)
        for request in [RetryTask(taskId: "a", projectId: "app")] { #expect(try await refused(request)) }
        #expect(try await refused(StartTask(taskId: "a", projectId: "app")))
        await hub.close()
    }

    @Test func whatWasLeftWithAReasonIsNotHandedOutUntilSomebodyDealsWithIt() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a"])
        let claimed = try await hub.ask(ClaimTask(projectId: "app", assignee: "ada")).task
        #expect(claimed?.slug == "a")
        let left = try await hub.ask(
            LeaveTask(taskId: "a", projectId: "app", reason: "Which domains?", needs: "a list")
        )
        #expect(left.status == .blocked)
        #expect(left.safeExit?.reason == "Which domains?")
        #expect(try await hub.ask(ClaimTask(projectId: "app")).task == nil)
        let back = try await hub.ask(UnblockTask(taskId: "a", projectId: "app"))
        #expect(back.safeExit == nil)
        #expect(try await hub.ask(ListReadyTasks(projectId: "app")).tasks.map(\.slug) == ["a"])
        #expect(try await hub.refusal(LeaveTask(taskId: "a", projectId: "app", reason: ""))?.code == .validation)
        await hub.close()
    }

    @Test func readyIsWhoseWorkBeforeIsDoneByPriorityThenAge() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b: a", "c: a", "d: b c", "e"])
        for (slug, priority) in [("e", TaskPriority.low), ("c", .critical)] {
            var update = UpdateTask(taskId: slug, projectId: "app")
            update.priority = priority
            _ = try await hub.ask(update)
        }
        func ready() async throws -> [String] {
            try await hub.ask(ListReadyTasks(projectId: "app")).tasks.map(\.slug)
        }
        #expect(try await ready() == ["a", "e"])
        let first = try await hub.ask(ClaimTask(projectId: "app")).task
        #expect(first?.slug == "a")
        #expect(first?.status == .inProgress)
        #expect(try await ready() == ["e"])
        _ = try await hub.ask(CompleteTask(taskId: "a", projectId: "app"))
        #expect(try await ready() == ["c", "b", "e"])
        #expect(try await hub.ask(ClaimTask(projectId: "app", tags: ["none"])).task == nil)
        let rest = try await hub.ask(ClaimTask(projectId: "app", count: 8)).tasks
        #expect(rest.map(\.slug) == ["c", "b", "e"])
        #expect(rest.map(\.dependsOn) == [["a"], ["a"], []])
        for count in [0, 101] {
            #expect(try await hub.refusal(ClaimTask(projectId: "app", count: count))?.code == .validation)
        }
        await hub.close()
    }

    @Test func eightClaimersShareAllTasksAndNoneTwice() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks((0..<120).map { $0 < 40 ? "t\($0)" : "t\($0): t\($0 - 40)" })
        let claims = try await withThrowingTaskGroup(of: [String].self) { group in
            for claimer in 0..<8 {
                group.addTask {
                    var mine: [String] = []
                    while true {
                        let claim = ClaimTask(projectId: "app", assignee: "c\(claimer)", count: 1 + claimer % 3)
                        let tasks = try await hub.ask(claim).tasks
                        for task in tasks {
                            for slug in task.dependsOn {
                                let before = try await hub.task(slug)
                                #expect(before.status == .completed)
                            }
                            _ = try await hub.ask(CompleteTask(taskId: task.id.rawValue))
                            mine.append(task.slug)
                        }
                        if tasks.isEmpty { return mine }
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(claims).count == claims.count)
        // Whoever found nothing ready may have left while the last ones were still under way.
        while let task = try await hub.ask(ClaimTask(projectId: "app")).task {
            _ = try await hub.ask(CompleteTask(taskId: task.id.rawValue))
        }
        #expect(try await hub.count("SELECT count(*) FROM nave.tasks WHERE status = 'completed'") == 120)
        await hub.close()
    }
}
