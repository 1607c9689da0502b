import HubCore
import Postgres
import Protocol

/// Questions about a project's task graph, as callers may ask them.
struct TaskGraphQuestions: Sendable {
    let projects: ProjectStore
    let graphs: TaskGraphStore

    func register(in table: inout OperationTable) {
        table.answer(OrderTasks.self, with: order)
        table.answer(FindTaskCycles.self, with: cycles)
        table.answer(GroupTasks.self, with: group)
        table.answer(FindCriticalPath.self, with: criticalPath)
        table.answer(FindWeightedCriticalPath.self, with: weightedCriticalPath)
        table.answer(FindRiskPath.self, with: riskPath)
        table.answer(FindBottlenecks.self, with: bottlenecks)
        table.answer(DistributeRisk.self, with: distributeRisk)
        table.answer(AdviseDecomposition.self, with: advise)
        table.answer(EstimateTasks.self, with: estimate)
        table.answer(EstimateWorkflow.self, with: estimate)
    }

    private func graph(_ project: String, _ filter: TaskFilter?, _ caller: Caller) async throws(Fault) -> TaskGraph {
        try await graphs.graph(
            of: try await projects.find(project, seenBy: caller.confinedTo).id,
            filter ?? TaskFilter()
        )
    }

    /// What an algorithm found; a graph in which it finds nothing has a cycle.
    private func acyclic<Found>(_ found: Found?, in graph: TaskGraph) throws(Fault) -> Found {
        guard let found else { throw TaskCycle.fault(graph.cycles) }
        return found
    }

    private func order(_ request: OrderTasks, by caller: Caller) async throws(Fault) -> OrderTasks.Output {
        let graph = try await graph(request.projectId, request.filter, caller)
        return OrderTasks.Output(order: graph.slugs(try acyclic(graph.graph.order(), in: graph)))
    }

    private func cycles(_ request: FindTaskCycles, by caller: Caller) async throws(Fault) -> FindTaskCycles.Output {
        FindTaskCycles.Output(cycles: try await graph(request.projectId, request.filter, caller).cycles)
    }

    private func group(_ request: GroupTasks, by caller: Caller) async throws(Fault) -> GroupTasks.Output {
        let graph = try await graph(request.projectId, request.filter, caller)
        return GroupTasks.Output(groups: try acyclic(graph.graph.parallelGroups(), in: graph).map { graph.slugs($0) })
    }

    private func heaviest(
        _ graph: TaskGraph,
        _ weight: (TaskNode) -> Double
    ) throws(Fault) -> (path: [String], total: Double) {
        let found = try acyclic(graph.graph.heaviestPath(graph.tasks.map(weight)), in: graph)
        return (graph.slugs(found.path), found.total)
    }

    private func criticalPath(
        _ request: FindCriticalPath,
        by caller: Caller
    ) async throws(Fault) -> FindCriticalPath.Output {
        let graph = try await graph(request.projectId, request.filter, caller)
        return FindCriticalPath.Output(path: try heaviest(graph) { _ in 1 }.path)
    }

    private func weightedCriticalPath(
        _ request: FindWeightedCriticalPath,
        by caller: Caller
    ) async throws(Fault) -> FindWeightedCriticalPath.Output {
        let graph = try await graph(request.projectId, request.filter, caller)
        let weight = request.weight ?? .scopeCost
        let found = try heaviest(graph) { task in
            switch weight {
            case .scopeCost: task.scopeCost
            case .tokens: Double((task.scope ?? .narrow).tokens)
            case .cost: task.scopeCost * task.impactWeight
            case .risk: task.riskWeight * task.impactWeight
            }
        }
        return FindWeightedCriticalPath.Output(path: found.path, total: found.total)
    }

    private func riskPath(_ request: FindRiskPath, by caller: Caller) async throws(Fault) -> FindRiskPath.Output {
        let graph = try await graph(request.projectId, request.filter, caller)
        let found = try heaviest(graph) { $0.riskWeight * $0.impactWeight }
        return FindRiskPath.Output(path: found.path, totalRisk: found.total)
    }

    private func bottlenecks(
        _ request: FindBottlenecks,
        by caller: Caller
    ) async throws(Fault) -> FindBottlenecks.Output {
        if let limit = request.limit, limit < 1 { throw .invalid("limit", "must be at least 1.") }
        let graph = try await graph(request.projectId, request.filter, caller)
        let found = Betweenness(of: graph.graph)
        let ranked = found.scores.indices.sorted { first, second in
            (-found.scores[first], first) < (-found.scores[second], second)
        }
        return FindBottlenecks.Output(
            bottlenecks: ranked.prefix(request.limit ?? ranked.count).map {
                .init(slug: graph.tasks[$0].slug, score: found.scores[$0])
            },
            sampled: found.sampled < graph.tasks.count ? found.sampled : nil
        )
    }

    private func distributeRisk(
        _ request: DistributeRisk,
        by caller: Caller
    ) async throws(Fault) -> DistributeRisk.Output {
        DistributeRisk.Output(try await graph(request.projectId, request.filter, caller).tasksByRisk)
    }

    private func advise(
        _ request: AdviseDecomposition,
        by caller: Caller
    ) async throws(Fault) -> AdviseDecomposition.Output {
        let tasks = try await graph(request.projectId, request.filter, caller).tasks
        return AdviseDecomposition.Output(
            tasks: tasks.compactMap { task in
                let reasons = Decomposition.reasons(task)
                return reasons.isEmpty ? nil : .init(slug: task.slug, reasons: reasons)
            }
        )
    }
}

// MARK: - Costs

extension TaskGraphQuestions {
    private func estimate(_ request: EstimateTasks, by caller: Caller) async throws(Fault) -> TaskCosts {
        let terms = try Self.terms(request.retries, request.fallbackCost, request.timeLost)
        let graph = try await graph(request.projectId, request.filter, caller)
        return try costs(of: graph, terms, propagates: false, request.includeCompleted)
    }

    private func estimate(_ request: EstimateWorkflow, by caller: Caller) async throws(Fault) -> TaskCosts {
        let terms = try Self.terms(request.retries, request.fallbackCost, request.timeLost)
        let graph = try await graph(request.projectId, request.filter, caller)
        return try costs(of: graph, terms, propagates: request.propagation != .independent, request.includeCompleted)
    }

    private static func terms(
        _ retries: Double?,
        _ fallbackCost: Double?,
        _ timeLost: Double?
    ) throws(Fault) -> FailureTerms {
        let named = [("retries", retries), ("fallbackCost", fallbackCost), ("timeLost", timeLost)]
        let wrong = named.filter { !(0...1e9).contains($0.1 ?? 0) }
        guard wrong.isEmpty else {
            throw .invalid(wrong.map { .init(path: $0.0, message: "must be between 0 and 1000000000.") })
        }
        return FailureTerms(retries: retries ?? 0, fallbackCost: fallbackCost ?? 0, timeLost: timeLost ?? 0)
    }

    private func costs(
        of graph: TaskGraph,
        _ terms: FailureTerms,
        propagates: Bool,
        _ includesCompleted: Bool?
    ) throws(Fault) -> TaskCosts {
        let found = WorkflowCost(
            graph,
            terms: terms,
            propagates: propagates,
            includesCompleted: includesCompleted ?? false
        )
        let cost = try acyclic(found, in: graph)
        return TaskCosts(
            tasks: cost.tasks.map {
                .init(
                    slug: $0.slug,
                    name: $0.name,
                    ev: $0.ev,
                    pIntrinsic: $0.pIntrinsic,
                    pEffective: $0.pEffective,
                    scopeCost: $0.scopeCost,
                    impactWeight: $0.impactWeight
                )
            },
            totalEv: cost.totalEv,
            averageEv: cost.averageEv
        )
    }
}
