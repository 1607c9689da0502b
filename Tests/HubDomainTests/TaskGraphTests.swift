import HubCore
import Protocol
import Testing

@testable import HubDomains

/// The task graph's algorithms on graphs that one can draw, and on one that is far too deep to recurse into.
struct TaskGraphTests {
    /// Nodes are named by letters in their order; `a>b` is an edge.
    static func graph(_ nodes: String, _ edges: String...) -> TaskGraph {
        TaskGraph(
            tasks: nodes.map { TaskNode(id: String($0), slug: String($0), name: String($0)) },
            edges: edges.map { TaskEdge(from: String($0.prefix(1)), to: String($0.suffix(1))) }
        )
    }

    @Test func tiesAreSettledByTheNumberOfTheNode() {
        let graph = Self.graph("dcba", "a>b", "c>b")
        #expect(graph.slugs(graph.graph.order() ?? []) == ["d", "c", "a", "b"])
        #expect(graph.graph.parallelGroups()?.map(graph.slugs) == [["d", "c", "a"], ["b"]])
        #expect(graph.graph.heaviestPath([1, 1, 1, 1]).map { graph.slugs($0.path) } == ["c", "b"])
        #expect(graph.graph.heaviestPath([1, 1, 1, 1.5]).map { graph.slugs($0.path) } == ["a", "b"])
    }

    @Test func ofTwoPathsOfOneWeightTheFirstWins() {
        let graph = Self.graph("abcde", "a>b", "a>c", "b>d", "c>d", "d>e")
        #expect(graph.graph.heaviestPath([1, 1, 1, 1, 1]).map { graph.slugs($0.path) } == ["a", "b", "d", "e"])
    }

    @Test func anEmptyGraphHasAnEmptyAnswerToEverything() {
        let graph = Self.graph("")
        #expect(graph.graph.order() == [])
        #expect(graph.graph.parallelGroups()?.count == 0)
        #expect(graph.graph.heaviestPath([])?.path == [])
        #expect(graph.cycles.isEmpty)
        #expect(Betweenness(of: graph.graph).scores.isEmpty)
        let cost = WorkflowCost(graph, terms: .init(), propagates: true, includesCompleted: false)
        #expect(cost?.averageEv == 0)
    }

    @Test func eachEdgeThatLeadsBackIsToldByOneCycle() {
        let graph = Self.graph("abcd", "a>b", "b>c", "c>a", "c>b", "c>d")
        #expect(graph.cycles == [["a", "b", "c"], ["b", "c"]])
        #expect(graph.graph.order() == nil)
        #expect(graph.graph.heaviestPath([1, 1, 1, 1]) == nil)
    }

    @Test func aChainOfAHundredThousandTasksIsAsGoodAsAnyOther() {
        let count: Int32 = 100_000
        let chain = DependencyGraph(count: Int(count), from: Array(0..<(count - 1)), to: Array(1..<count))
        #expect(chain.order() == Array(0..<count))
        #expect(chain.heaviestPath([Double](repeating: 1, count: Int(count)))?.path.count == Int(count))
        #expect(chain.path(from: 0, to: Int(count) - 1)?.count == Int(count))
        let ring = DependencyGraph(count: Int(count), from: Array(0..<count), to: Array(1..<count) + [0])
        #expect(ring.cycles().map(\.count) == [Int(count)])
    }

    @Test func aGraphTooLargeForAllWaysIsSampledEvenly() {
        let star = DependencyGraph(count: 101, from: Array(repeating: 0, count: 100), to: Array(1...100))
        let all = Betweenness(of: star)
        #expect(all.sampled == 101)
        let some = Betweenness(of: star, steps: 2_010)
        #expect(some.sampled == 10)
        #expect(some.scores == all.scores)
    }

    /// Worked out by hand: 0.8 and 0.65 succeed, two narrow tasks in a row with a retention of 0.5 between them.
    @Test func aPoorPrerequisiteSpoilsWhatFollows() throws {
        let tasks = [
            TaskNode(id: "a", slug: "a", name: "A", risk: .high),
            TaskNode(id: "b", slug: "b", name: "B", impact: .project),
        ]
        let graph = TaskGraph(tasks: tasks, edges: [TaskEdge(from: "a", to: "b", qualityRetention: 0.5)])
        let terms = FailureTerms(retries: 1, fallbackCost: 10, timeLost: 4)
        let cost = try #require(WorkflowCost(graph, terms: terms, propagates: true, includesCompleted: false))
        #expect(cost.tasks.map(\.pIntrinsic) == [0.65, 0.8])
        #expect(abs(cost.tasks[1].pEffective - 0.8 * (0.65 + 0.35 * 0.5)) < 1e-12)
        #expect(abs(cost.tasks[0].ev - (0.65 * 2 + 0.35 * (2 + 10 + 4 * (0.35 / 0.65)))) < 1e-12)
        #expect(cost.tasks[1].scopeCost == 2)
        #expect(cost.tasks[1].impactWeight == 3)
        #expect(abs(cost.totalEv - cost.averageEv * 2) < 1e-12)
    }

    @Test func whatIsDonePassesOnCertainty() throws {
        let tasks = [
            TaskNode(id: "a", slug: "a", name: "A", status: .completed, risk: .critical),
            TaskNode(id: "b", slug: "b", name: "B"),
        ]
        let graph = TaskGraph(tasks: tasks, edges: [TaskEdge(from: "a", to: "b", qualityRetention: 0)])
        let rest = try #require(WorkflowCost(graph, terms: .init(), propagates: true, includesCompleted: false))
        #expect(rest.tasks.map(\.slug) == ["b"])
        #expect(rest.tasks[0].pEffective == 0.8)
        let all = try #require(WorkflowCost(graph, terms: .init(), propagates: true, includesCompleted: true))
        #expect(all.tasks.map(\.pEffective) == [0.5, 0.4])
    }

    @Test func onlyAnEstimateCanSpeakForTakingATaskApart() {
        func reasons(_ risk: TaskRisk?, _ scope: TaskScope?) -> Int {
            Decomposition.reasons(TaskNode(id: "a", slug: "a", name: "A", scope: scope, risk: risk)).count
        }
        #expect(reasons(nil, nil) == 0)
        #expect(reasons(.medium, .moderate) == 0)
        #expect(reasons(.high, nil) == 1)
        #expect(reasons(nil, .broad) == 1)
        #expect(reasons(.critical, .system) == 2)
    }

    @Test func namesAreFoundAndNothingElseIs() {
        let names = (0..<5_000).map { "task-\($0 * 7_919)" } + ["", "ä", "task-1-which-is-longer-than-eight-bytes"]
        let table = TaskGraph(tasks: names.map { TaskNode(id: $0, slug: $0, name: "") }, edges: [])
        for (number, name) in names.enumerated() { #expect(table.number(of: name) == number) }
        for name in ["task", "task-1", "a", "task-1-which-is-longer-than-eight-byteS"] {
            #expect(table.number(of: name) == nil)
        }
    }
}

/// Which states of a task follow which.
struct TaskLifecycleTests {
    @Test func theArrowsAreThoseOfTheSpecification() {
        let arrows = TaskStatus.allCases.map { from in
            TaskStatus.allCases.filter { TaskLifecycle.mayBecome($0, from: from) }
        }
        #expect(arrows == [[.inProgress], [.completed, .failed, .blocked], [], [.pending], [.pending, .inProgress]])
    }

    @Test func everyDeedFollowsAnArrowOrIsRefused() {
        var allowed = 0
        for deed in TaskLifecycle.Deed.allCases {
            for status in TaskStatus.allCases {
                for isWorkedOn in [false, true] {
                    guard let next = TaskLifecycle.outcome(of: deed, on: status, isWorkedOn: isWorkedOn) else {
                        let advice = TaskLifecycle.advice(against: deed, on: status, isWorkedOn: isWorkedOn)
                        #expect(advice.hasSuffix("."))
                        continue
                    }
                    #expect(TaskLifecycle.mayBecome(next, from: status))
                    allowed += 1
                }
            }
        }
        #expect(allowed == 12)
    }

    @Test func aSessionsEndAgreesWithWhatItMakesOfItsTask() {
        for mapping in MappingStatus.allCases {
            for wasLeft in [false, true] {
                let made = TaskLifecycle.after(mapping, wasLeft: wasLeft)
                for status in TaskStatus.allCases {
                    let agree = TaskLifecycle.agree(status, mapping: mapping, wasLeft: wasLeft)
                    #expect(agree == (made.map { $0 == status } ?? [.inProgress, .blocked].contains(status)))
                }
            }
        }
        #expect(TaskLifecycle.after(.completed, wasLeft: true) == .pending)
        #expect(TaskLifecycle.after(.aborted, wasLeft: false) == .pending)
    }
}
