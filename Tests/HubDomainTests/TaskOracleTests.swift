import Foundation
import HubCore
import Protocol
import TestSupport
import Testing

/// The graph algorithms against networkx, on thousands of random graphs.
struct TaskOracleTests {
    /// A random graph, as both sides read it.
    struct Case: Encodable {
        struct Task: Encodable {
            var p: Double
            var cost: Double
            var impact: Double
            var completed: Bool
        }
        struct Edge: Encodable {
            var from: Int
            var to: Int
            var retention: Double

            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(from)
                try list.encode(to)
                try list.encode(retention)
            }
        }
        var tasks: [Task]
        var edges: [Edge]
        var retries: Double
        var fallback: Double
        var lost: Double
        let graph: TaskGraph

        enum CodingKeys: CodingKey { case tasks, edges, retries, fallback, lost }

        /// - Parameter isAcyclic: whether edges lead upwards in some hidden order only.
        init(nodes: Int, edges wanted: Int, isAcyclic: Bool, using random: inout SplitMix64) {
            let hidden = (0..<nodes).shuffled(using: &random)
            var pairs: Set<[Int]> = []
            for _ in 0..<wanted where nodes > 1 {
                let (first, second) = (
                    Int.random(in: 0..<nodes, using: &random), Int.random(in: 0..<nodes, using: &random)
                )
                guard first != second else { continue }
                pairs.insert(!isAcyclic || hidden[first] < hidden[second] ? [first, second] : [second, first])
            }
            let nodesMade = (0..<nodes).map { number in
                TaskNode(
                    id: "task-\(number)",
                    slug: "s\(number)",
                    name: "\(number)",
                    status: Int.random(in: 0..<4, using: &random) == 0 ? .completed : .pending,
                    scope: TaskScope.allCases.randomElement(using: &random),
                    risk: number % 5 == 0 ? nil : TaskRisk.allCases.randomElement(using: &random),
                    impact: TaskImpact.allCases.randomElement(using: &random)
                )
            }
            tasks = nodesMade.map {
                Task(
                    p: $0.successProbability,
                    cost: $0.scopeCost,
                    impact: $0.impactWeight,
                    completed: $0.status == .completed
                )
            }
            edges = pairs.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }.shuffled(using: &random).map {
                Edge(from: $0[0], to: $0[1], retention: Double(Int.random(in: 0...10, using: &random)) / 10)
            }
            retries = Double(Int.random(in: 0...3, using: &random))
            fallback = Double(Int.random(in: 0...5, using: &random))
            lost = Double(Int.random(in: 0...5, using: &random))
            graph = TaskGraph(
                tasks: nodesMade,
                edges: edges.map {
                    TaskEdge(from: "task-\($0.from)", to: "task-\($0.to)", qualityRetention: $0.retention)
                }
            )
        }
    }

    struct Verdict: Decodable {
        var acyclic: Bool
        var scores: [Double]
        var groups: [[Int]]?
        var longest: Int?
        var heaviest: Double?
        var propagated: Double?
        var independent: Double?
    }

    static func cases() -> [Case] {
        var random = SplitMix64(seed: 4_711)
        var cases: [Case] = []
        for index in 0..<3_000 {
            let nodes = index % 100 == 0 ? 120 : Int.random(in: 0...18, using: &random)
            let density = Double.random(in: 0.2...3, using: &random)
            let edges = Int(Double(nodes) * density)
            cases.append(Case(nodes: nodes, edges: edges, isAcyclic: index % 4 != 3, using: &random))
        }
        return cases
    }

    @Test func everyAlgorithmAgreesWithNetworkxOnThousandsOfGraphs() async throws {
        let cases = Self.cases()
        let answer = try await PythonEnvironment.run("graph_oracle.py", input: JSONEncoder().encode(cases))
        let verdicts = try JSONDecoder().decode([Verdict].self, from: answer)
        #expect(verdicts.count == cases.count)
        #expect(verdicts.filter { !$0.acyclic }.count > 300)
        for (index, (one, verdict)) in zip(cases, verdicts).enumerated() {
            #expect((one.graph.graph.order() != nil) == verdict.acyclic, "graph \(index)")
            let scores = Betweenness(of: one.graph.graph).scores
            #expect(Self.agree(scores, verdict.scores), "betweenness of graph \(index)")
            Self.checkCycles(of: one.graph.graph, index)
            if verdict.acyclic { Self.check(one, verdict, index) }
        }
    }

    private static func agree(_ first: [Double], _ second: [Double]) -> Bool {
        first.count == second.count && zip(first, second).allSatisfy { abs($0 - $1) < 1e-9 }
    }

    private static func check(_ one: Case, _ verdict: Verdict, _ index: Int) {
        let graph = one.graph.graph
        #expect(graph.parallelGroups()?.map { $0.map(Int.init) } == verdict.groups, "generations of graph \(index)")
        #expect(graph.order()?.map(Int.init) == verdict.groups?.flatMap { $0 }, "order of graph \(index)")
        let longest = graph.heaviestPath(one.tasks.map { _ in 1 })
        #expect(longest?.path.count == verdict.longest, "longest path of graph \(index)")
        let weights = one.tasks.map { $0.cost * $0.impact }
        if let (path, total) = graph.heaviestPath(weights) {
            #expect(abs(total - (verdict.heaviest ?? -1)) < 1e-9, "heaviest path of graph \(index)")
            let sum = path.reduce(0) { $0 + weights[Int($1)] }
            #expect(abs(total - sum) < 1e-9, "graph \(index)")
            let isPath = zip(path, path.dropFirst()).allSatisfy { graph.dependents(of: Int($0)).contains($1) }
            #expect(isPath, "graph \(index)")
        }
        let terms = FailureTerms(retries: one.retries, fallbackCost: one.fallback, timeLost: one.lost)
        let propagated = WorkflowCost(one.graph, terms: terms, propagates: true, includesCompleted: false)
        let independent = WorkflowCost(one.graph, terms: terms, propagates: false, includesCompleted: true)
        #expect(abs((propagated?.totalEv ?? -1) - (verdict.propagated ?? -2)) < 1e-6, "cost of graph \(index)")
        #expect(abs((independent?.totalEv ?? -1) - (verdict.independent ?? -2)) < 1e-6, "cost of graph \(index)")
    }

    /// Every cycle told is one, and without the edges that close them there is none left.
    private static func checkCycles(of graph: DependencyGraph, _ index: Int) {
        let cycles = graph.cycles()
        #expect(cycles.isEmpty == (graph.order() != nil), "graph \(index)")
        var closing: Set<[Int32]> = []
        for cycle in cycles {
            let steps = zip(cycle, cycle.dropFirst() + cycle.prefix(1))
            #expect(steps.allSatisfy { graph.dependents(of: Int($0)).contains($1) }, "a cycle of graph \(index)")
            #expect(Set(cycle).count == cycle.count, "graph \(index)")
            closing.insert([cycle[cycle.count - 1], cycle[0]])
        }
        var (from, to) = ([Int32](), [Int32]())
        for node in 0..<graph.count {
            for dependent in graph.dependents(of: node) where !closing.contains([Int32(node), dependent]) {
                from.append(Int32(node))
                to.append(dependent)
            }
        }
        #expect(DependencyGraph(count: graph.count, from: from, to: to).order() != nil, "graph \(index)")
        #expect(closing.count == cycles.count, "graph \(index)")
    }
}
