import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// What waits for what: cycles, other projects, import and export, and the questions about the whole.
struct TaskDependencyTests {
    private func add(_ task: String, _ prerequisite: String) -> AddTaskDependency {
        AddTaskDependency(taskId: task, dependsOn: prerequisite, projectId: "app")
    }

    @Test func aDependencyThatClosesACycleIsRefusedWithTheCycle() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b: a", "c: b", "d: c"])
        let fault = try await hub.refusal(add("a", "c"))
        #expect(fault?.code == .conflict)
        #expect(fault?.details?["cycle"] == ["a", "b", "c"])
        #expect(fault?.message.contains("a → b → c → a") == true)
        #expect(try await hub.refusal(add("a", "a"))?.details?["cycle"] == ["a"])
        var update = UpdateTask(taskId: "b", projectId: "app")
        update.dependsOn = ["d"]
        #expect(try await hub.refusal(update)?.details?["cycle"] == ["b", "c", "d"])
        #expect(try await hub.task("b").dependsOn == ["a"])
        let entry = TaskEntry(id: "a", name: "A", dependsOn: ["d"])
        let imported = try await hub.refusal(ImportTasks(projectId: "app", tasks: [entry]))
        #expect(imported?.details?["cycles"] == [["a", "b", "c", "d"]])
        #expect(try await hub.ask(OrderTasks(projectId: "app")).order == ["a", "b", "c", "d"])
        await hub.close()
    }

    @Test func twoThatTogetherCloseACycleCannotBothBeAdded() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b"])
        let requests = [add("a", "b"), add("b", "a")]
        for _ in 0..<10 {
            let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
                for request in requests { group.addTask { try await hub.refusal(request) != nil } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(refused == 1)
            for (task, first) in [("a", "b"), ("b", "a")] {
                _ = try await hub.refusal(RemoveTaskDependency(taskId: task, dependsOn: first, projectId: "app"))
            }
        }
        await hub.close()
    }

    @Test func tasksOfTwoProjectsNeverDependOnEachOther() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        _ = try await hub.project("other")
        try await hub.tasks(["a"])
        try await hub.tasks(["b"], in: "other")
        let foreign = try await hub.task("b", in: "other").id
        #expect(try await hub.refusal(add("a", foreign.rawValue))?.code == .conflict)
        let own = try await hub.task("a").id
        await #expect(throws: Fault.self) {
            try await hub.database.execute(
                Statement<Void>(
                    """
                    INSERT INTO nave.task_dependencies (id, depends_on_task_id, dependent_task_id) VALUES ('x', $1, $2)
                    """
                ),
                [foreign, own]
            )
        }
        await hub.close()
    }

    @Test func dependenciesAreAddedChangedListedAndRemoved() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b", "c: b"])
        var request = add("b", "a")
        request.qualityRetention = 0.5
        let added = try await hub.ask(request)
        #expect((added.dependsOn, added.dependent, added.qualityRetention) == ("a", "b", 0.5))
        #expect(try await hub.ask(add("b", "a")).qualityRetention == 0.5)
        request.qualityRetention = 1.5
        #expect(try await hub.refusal(request)?.code == .validation)
        let first = try await hub.ask(ListTaskDependencies(projectId: "app", limit: 1))
        #expect(first.dependencies.map(\.dependent) == ["b"])
        let rest = try await hub.ask(ListTaskDependencies(projectId: "app", cursor: first.nextCursor))
        #expect(rest.dependencies.map(\.dependent) == ["c"])
        #expect(try await hub.ask(ListTaskDependencies(projectId: "app", taskId: "b")).dependencies.count == 2)
        _ = try await hub.ask(RemoveTaskDependency(taskId: "b", dependsOn: "a", projectId: "app"))
        let again = RemoveTaskDependency(taskId: "b", dependsOn: "a", projectId: "app")
        #expect(try await hub.refusal(again)?.code == .notFound)
        await hub.close()
    }

    @Test func anImportIsAllOrNothingAndTellsWhatIsMissing() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var entries = [
            TaskEntry(id: "a", name: "A"), TaskEntry(id: "b", name: "B", dependsOn: ["a"]),
            TaskEntry(id: "c", name: "C", dependsOn: ["a", "zzz"]),
        ]
        let fault = try await hub.refusal(ImportTasks(projectId: "app", tasks: entries))
        #expect(fault?.details?.arrayValue?.first?["path"] == "tasks[2].dependsOn")
        #expect(try await hub.count("SELECT count(*) FROM nave.tasks") == 0)
        entries[2].dependsOn = ["b"]
        entries[1].status = .completed
        let first = try await hub.ask(ImportTasks(projectId: "app", tasks: entries))
        #expect((first.created, first.updated, first.dependencies) == (["a", "b", "c"], [], 2))
        entries[1].status = .pending
        (entries[0].risk, entries[2].dependsOn) = (.low, ["a"])
        let second = try await hub.ask(ImportTasks(projectId: "app", tasks: entries))
        #expect((second.created, second.updated, second.dependencies) == ([], ["a", "b", "c"], 2))
        #expect(try await hub.task("b").status == .completed)
        #expect(try await hub.task("c").dependsOn == ["a"])
        #expect(try await hub.task("a").risk == .low)
        let twice = [TaskEntry(id: "a", name: "A"), TaskEntry(id: "a", name: "A")]
        let repeated = try await hub.refusal(ImportTasks(projectId: "app", tasks: twice))
        #expect(repeated?.details?.arrayValue?.first?["path"] == "tasks[1].id")
        await hub.close()
    }

    @Test func whatIsExportedCanBeImportedElsewhere() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        _ = try await hub.project("other")
        try await hub.tasks(["a", "b: a", "c: a b"])
        var update = UpdateTask(taskId: "b", projectId: "app", risk: .high)
        (update.body, update.tags, update.dueAt) = ("Do it.\n", ["x"], Date(timeIntervalSince1970: 1_800_000_000))
        _ = try await hub.ask(update)
        var pages: [TaskEntry] = []
        var cursor: String?
        repeat {
            let page = try await hub.ask(ExportTasks(projectId: "app", limit: 2, cursor: cursor))
            pages += page.tasks
            cursor = page.nextCursor
        } while cursor != nil
        _ = try await hub.ask(ImportTasks(projectId: "other", tasks: pages))
        #expect(try await hub.ask(ExportTasks(projectId: "other")).tasks == pages)
        #expect(pages.map(\.id) == ["a", "b", "c"])
        await hub.close()
    }

    @Test func theWholeGraphIsAnsweredInSlugs() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b: a", "c: a", "d: b c", "e: d", "f"])
        for (slug, risk, scope) in [("c", TaskRisk.critical, TaskScope.system), ("f", .low, .single)] {
            var update = UpdateTask(taskId: slug, projectId: "app", risk: risk)
            update.scope = scope
            _ = try await hub.ask(update)
        }
        #expect(try await hub.ask(OrderTasks(projectId: "app")).order == ["a", "f", "b", "c", "d", "e"])
        #expect(try await hub.ask(FindTaskCycles(projectId: "app")).cycles.isEmpty)
        #expect(try await hub.ask(GroupTasks(projectId: "app")).groups == [["a", "f"], ["b", "c"], ["d"], ["e"]])
        #expect(try await hub.ask(FindCriticalPath(projectId: "app")).path == ["a", "b", "d", "e"])
        let weighted = try await hub.ask(FindWeightedCriticalPath(projectId: "app"))
        #expect((weighted.path, weighted.total) == (["a", "c", "d", "e"], 11))
        #expect(try await hub.ask(FindWeightedCriticalPath(projectId: "app", weight: .tokens)).total == 14_500)
        let risk = try await hub.ask(FindRiskPath(projectId: "app"))
        #expect(risk.path == ["a", "c", "d", "e"])
        #expect(abs(risk.totalRisk - 1.1) < 1e-12)
        let bottlenecks = try await hub.ask(FindBottlenecks(projectId: "app", limit: 1))
        #expect(bottlenecks.bottlenecks.map(\.slug) == ["d"])
        #expect(abs((bottlenecks.bottlenecks.first?.score ?? 0) - 3.0 / 20) < 1e-12)
        #expect(bottlenecks.sampled == nil)
        let spread = try await hub.ask(DistributeRisk(projectId: "app"))
        #expect((spread.low, spread.critical, spread.unspecified) == (["f"], ["c"], ["a", "b", "d", "e"]))
        let advice = try await hub.ask(AdviseDecomposition(projectId: "app")).tasks
        #expect(advice.map(\.slug) == ["c"])
        #expect(advice.first?.reasons.count == 2)
        var estimate = EstimateTasks(projectId: "app")
        (estimate.retries, estimate.timeLost) = (1, 1)
        let costs = try await hub.ask(estimate)
        #expect(costs.tasks.map(\.slug) == ["a", "f", "b", "c", "d", "e"])
        #expect(abs((costs.tasks.last?.ev ?? 0) - (2 + 0.2 * 0.25)) < 1e-12)
        let workflow = try await hub.ask(EstimateWorkflow(projectId: "app"))
        #expect((workflow.tasks.last?.pEffective ?? 1) < 0.8)
        var filter = TaskFilter()
        filter.slugs = ["a", "d", "e"]
        #expect(try await hub.ask(GroupTasks(projectId: "app", filter: filter)).groups == [["a", "d"], ["e"]])
        estimate.retries = -1
        #expect(try await hub.refusal(estimate)?.code == .validation)
        await hub.close()
    }

    @Test func aGraphThatWasBrokenBehindTheHubsBackIsToldWithItsCycles() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["a", "b: a"])
        try await hub.database.execute(
            Statement<Void>(
                """
                INSERT INTO nave.task_dependencies (id, depends_on_task_id, dependent_task_id)
                SELECT 'x', dependent_task_id, depends_on_task_id FROM nave.task_dependencies
                """
            )
        )
        for request in ["order", "parallelGroups", "criticalPath", "weightedCriticalPath", "riskPath", "workflowCost"] {
            do {
                let name = "task.graph.\(request)"
                _ = try await hub.domains.table.call(name, input: ["projectId": "app"], by: hub.admin)
                Issue.record("\(request) answered")
            } catch {
                #expect(error.details?["cycles"] == [["a", "b"]], "\(request)")
            }
        }
        #expect(try await hub.ask(VerifyHub()).findings.map(\.kind) == ["dependency.cycle"])
        await hub.close()
    }
}
