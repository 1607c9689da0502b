public import Protocol

/// What the algorithms know of one task.
public struct TaskNode: Hashable, Sendable {
    public var id: String
    public var slug: String
    public var name: String
    public var status: TaskStatus
    public var scope: TaskScope?
    public var risk: TaskRisk?
    public var impact: TaskImpact?

    public init(
        id: String,
        slug: String,
        name: String,
        status: TaskStatus = .pending,
        scope: TaskScope? = nil,
        risk: TaskRisk? = nil,
        impact: TaskImpact? = nil
    ) {
        self.id = id
        self.slug = slug
        self.name = name
        self.status = status
        self.scope = scope
        self.risk = risk
        self.impact = impact
    }

    /// What is unset counts as narrow, medium and isolated (coordination.md).
    public var scopeCost: Double { (scope ?? .narrow).cost }
    public var impactWeight: Double { (impact ?? .isolated).weight }
    public var successProbability: Double { (risk ?? .medium).successProbability }
    public var riskWeight: Double { (risk ?? .medium).weight }
}

/// A dependency: `from` must be completed before `to` may begin.
public struct TaskEdge: Hashable, Sendable {
    public var from: TaskKey
    public var to: TaskKey
    /// How much of the quality lost in `from` does not reach `to`, 0…1; ``TaskGraph/retention`` where nothing is said.
    public var qualityRetention: Double?

    /// Both ends by their ids.
    public init(from: String, to: String, qualityRetention: Double? = nil) {
        self.from = TaskKey(from)
        self.to = TaskKey(to)
        self.qualityRetention = qualityRetention
    }
}

/// The tasks of a project, or some of them, with the dependencies between these.
///
/// Tasks are numbered in the order in which they come, which settles every tie: the hub's stores give the most urgent
/// first, and those of one priority by slug.
public struct TaskGraph: Sendable {
    /// What a dependency retains unless it says otherwise.
    public static let retention = 0.9

    public let tasks: [TaskNode]
    public let graph: DependencyGraph
    private let numbers: TaskKeyTable
    /// One for each edge of the graph's input.
    let retentions: [Double]

    /// Dependencies on tasks that are not among these are left out, as the definition of a part of a graph has it.
    public init(tasks: [TaskNode], edges: [TaskEdge]) {
        self.tasks = tasks
        numbers = TaskKeyTable(tasks.map { TaskKey($0.id) })
        var (from, to, retentions) = ([Int32](), [Int32](), [Double]())
        from.reserveCapacity(edges.count)
        to.reserveCapacity(edges.count)
        retentions.reserveCapacity(edges.count)
        for edge in edges {
            guard let first = numbers.number(of: edge.from), let second = numbers.number(of: edge.to) else { continue }
            from.append(first)
            to.append(second)
            retentions.append(edge.qualityRetention ?? Self.retention)
        }
        graph = DependencyGraph(count: tasks.count, from: from, to: to)
        self.retentions = retentions
    }

    /// A task's number by its id.
    public func number(of id: String) -> Int? { numbers.number(of: TaskKey(id)).map(Int.init) }

    /// The slugs of some nodes.
    public func slugs(_ nodes: some Sequence<Int32>) -> [String] { nodes.map { tasks[Int($0)].slug } }

    /// Every cycle that ``DependencyGraph/cycles()`` tells of, in slugs.
    public var cycles: [[String]] { graph.cycles().map(slugs) }

    /// Which tasks are of which risk, by number within each; `nil` for those of which nothing is said.
    public var tasksByRisk: [TaskRisk?: [String]] {
        Dictionary(grouping: tasks, by: \.risk).mapValues { $0.map(\.slug) }
    }
}

/// Whether a task is better taken apart before anybody begins it.
public enum Decomposition {
    /// What speaks for it: a risk of high or more, a scope of broad or more. Empty: leave it whole. What is unset
    /// speaks for nothing.
    public static func reasons(_ task: TaskNode) -> [String] {
        var reasons: [String] = []
        switch task.risk {
        case .high?, .critical?:
            reasons.append("risk: \(task.risk?.rawValue ?? "") — it succeeds with \(percent(task.successProbability))")
        case nil, .trivial?, .low?, .medium?: break
        }
        switch task.scope {
        case .broad?, .system?:
            let tokens = task.scope?.tokens ?? 0
            reasons.append(
                "scope: \(task.scope?.rawValue ?? "") — about \(tokens) tokens at a cost of \(task.scopeCost)"
            )
        case nil, .single?, .narrow?, .moderate?: break
        }
        return reasons
    }

    private static func percent(_ probability: Double) -> String { "\(Int((probability * 100).rounded())) %" }
}
