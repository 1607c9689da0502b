import Protocol

/// What failures cost beside the work itself.
public struct FailureTerms: Hashable, Sendable {
    /// Attempts after the first that are counted at most.
    public var retries: Double
    /// What it takes to live without the result.
    public var fallbackCost: Double
    /// What each further attempt loses.
    public var timeLost: Double

    public init(retries: Double = 0, fallbackCost: Double = 0, timeLost: Double = 0) {
        self.retries = retries
        self.fallbackCost = fallbackCost
        self.timeLost = timeLost
    }
}

/// What tasks are expected to cost, with their risks.
///
/// Of one task: `p·Cs + (1 − p)·Cf`, where `Cs` is scope cost × impact weight, `Cf` is `Cs` + fallback cost + time lost
/// × expected retries, and the latter are `(1 − p)/p`, as many as are allowed. Of a graph, `p` is what is left of the
/// task's own after its prerequisites: `p·∏(parent + (1 − parent)·retention)`, in topological order (coordination.md).
public struct WorkflowCost: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var slug: String
        public var name: String
        /// The expected value, in units of scope cost.
        public var ev: Double
        /// The task's own probability of success, and what its prerequisites leave of it.
        public var pIntrinsic: Double
        public var pEffective: Double
        public var scopeCost: Double
        public var impactWeight: Double
    }

    public var tasks: [Entry]
    public var totalEv: Double
    /// 0 of none.
    public var averageEv: Double { tasks.isEmpty ? 0 : totalEv / Double(tasks.count) }

    /// In topological order; `nil` if there is a cycle.
    ///
    /// - Parameters:
    ///   - propagates: whether prerequisites take from the probability, or each task stands for itself.
    ///   - includesCompleted: whether completed tasks are counted like the others. If not they are left out, and pass
    ///     on certainty: what is done cannot fail any more.
    public init?(_ graph: TaskGraph, terms: FailureTerms, propagates: Bool, includesCompleted: Bool) {
        guard let order = graph.graph.order() else { return nil }
        var effective = [Double](repeating: 1, count: graph.tasks.count)
        (tasks, totalEv) = ([], 0)
        for node in order.lazy.map(Int.init) {
            let task = graph.tasks[node]
            if task.status == .completed, !includesCompleted { continue }
            let own = task.successProbability
            effective[node] = own * (propagates ? Self.inherited(node, graph, effective) : 1)
            let value = Self.expected(
                probability: effective[node],
                scopeCost: task.scopeCost,
                impactWeight: task.impactWeight,
                terms: terms
            )
            totalEv += value
            tasks.append(
                Entry(
                    slug: task.slug,
                    name: task.name,
                    ev: value,
                    pIntrinsic: own,
                    pEffective: effective[node],
                    scopeCost: task.scopeCost,
                    impactWeight: task.impactWeight
                )
            )
        }
    }

    private static func inherited(_ node: Int, _ graph: TaskGraph, _ effective: [Double]) -> Double {
        let places = Int(graph.graph.prerequisiteStarts[node])..<Int(graph.graph.prerequisiteStarts[node + 1])
        return places.reduce(1.0) { product, place in
            let parent = effective[Int(graph.graph.prerequisites[place])]
            let retention = graph.retentions[Int(graph.graph.edges[place])]
            return product * (parent + (1 - parent) * retention)
        }
    }

    /// The expected cost of one task.
    ///
    /// - Parameter probability: of its success; 0 costs all the retries that are allowed.
    public static func expected(
        probability: Double,
        scopeCost: Double,
        impactWeight: Double,
        terms: FailureTerms
    ) -> Double {
        let retries = probability > 0 ? min((1 - probability) / probability, terms.retries) : terms.retries
        let success = scopeCost * impactWeight
        let failure = success + terms.fallbackCost + terms.timeLost * retries
        return probability * success + (1 - probability) * failure
    }
}
