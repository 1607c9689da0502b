/// What the questions about a project's task graph have in common.
enum TaskGraphFields {
    static let texts = [
        "projectId": "The project's id or name.",
        "filter": "Only these tasks and the dependencies between them; all if left out.",
    ]
    static let access = AccessControl.scopes("task:read")
}

/// In which order tasks can be done.
public struct OrderTasks: RemoteOperation {
    public static let name = "task.graph.order"
    public static let kind = OperationKind.query
    public static let summary = "A topological order: prerequisites first, then by priority and slug. No cycles."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [OrderTasks(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["order": "The slugs, each behind all that it depends on."]
        public var order: [String]

        public init(order: [String]) { self.order = order }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// Which tasks wait for themselves.
public struct FindTaskCycles: RemoteOperation {
    public static let name = "task.graph.cycles"
    public static let kind = OperationKind.query
    public static let summary = "One cycle for each dependency that closes one; none in a graph that is in order."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [FindTaskCycles(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["cycles": "Slugs, each before its dependent, the last before the first."]
        public var cycles: [[String]]

        public init(cycles: [[String]]) { self.cycles = cycles }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// What can be done at the same time.
public struct GroupTasks: RemoteOperation {
    public static let name = "task.graph.parallelGroups"
    public static let kind = OperationKind.query
    public static let summary = "Generations: the tasks of each can be done side by side once those before are done."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [GroupTasks(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["groups": "Slugs by the longest way from a task without prerequisites."]
        public var groups: [[String]]

        public init(groups: [[String]]) { self.groups = groups }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// The longest chain of tasks.
public struct FindCriticalPath: RemoteOperation {
    public static let name = "task.graph.criticalPath"
    public static let kind = OperationKind.query
    public static let summary = "The longest chain of tasks that wait for each other."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [FindCriticalPath(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["path": "The slugs, first to last."]
        public var path: [String]

        public init(path: [String]) { self.path = path }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// The chain of tasks that costs most.
public struct FindWeightedCriticalPath: RemoteOperation {
    public static let name = "task.graph.weightedCriticalPath"
    public static let kind = OperationKind.query
    public static let summary = "The chain of tasks with the greatest sum of weights; the first of equal ones."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts.merging(["weight": "What is summed; scopeCost if left out."]) {
        $1
    }
    public static let examples = [FindWeightedCriticalPath(projectId: "website", weight: .tokens)]

    /// What a task weighs; unset estimates count as narrow, medium, isolated.
    public enum Weight: String, Codable, CaseIterable, Hashable, Sendable {
        case scopeCost, tokens
        /// Scope cost × impact weight.
        case cost
        /// Risk weight × impact weight.
        case risk
    }

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["path": "The slugs, first to last.", "total": "The sum of their weights."]
        public var path: [String]
        public var total: Double

        public init(path: [String], total: Double) {
            self.path = path
            self.total = total
        }
    }

    public var projectId: String
    public var filter: TaskFilter?
    public var weight: Weight?

    public init(projectId: String, filter: TaskFilter? = nil, weight: Weight? = nil) {
        self.projectId = projectId
        self.filter = filter
        self.weight = weight
    }
}

/// The chain of tasks that risks most.
public struct FindRiskPath: RemoteOperation {
    public static let name = "task.graph.riskPath"
    public static let kind = OperationKind.query
    public static let summary = "The chain of tasks with the greatest sum of risk weight × impact weight."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [FindRiskPath(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["path": "The slugs, first to last.", "totalRisk": "The sum."]
        public var path: [String]
        public var totalRisk: Double

        public init(path: [String], totalRisk: Double) {
            self.path = path
            self.totalRisk = totalRisk
        }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// The tasks through which most ways lead.
public struct FindBottlenecks: RemoteOperation {
    public static let name = "task.graph.bottlenecks"
    public static let kind = OperationKind.query
    public static let summary = "Tasks by betweenness: how much of the shortest ways between others leads through each."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts.merging([
        "limit": "How many of the first at most; all if left out."
    ]) { $1 }
    public static let examples = [FindBottlenecks(projectId: "website", limit: 10)]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "bottlenecks": "The tasks, the greatest score first.",
            "bottlenecks.slug": "The task.",
            "bottlenecks.score": "Its betweenness, 0…1.",
            "sampled": "From how many tasks ways were looked at, where the graph is too large for all; else absent.",
        ]
        public struct Bottleneck: Codable, Hashable, Sendable {
            public var slug: String
            public var score: Double

            public init(slug: String, score: Double) {
                self.slug = slug
                self.score = score
            }
        }
        public var bottlenecks: [Bottleneck]
        public var sampled: Int?

        public init(bottlenecks: [Bottleneck], sampled: Int?) {
            self.bottlenecks = bottlenecks
            self.sampled = sampled
        }
    }

    public var projectId: String
    public var filter: TaskFilter?
    public var limit: Int?

    public init(projectId: String, filter: TaskFilter? = nil, limit: Int? = nil) {
        self.projectId = projectId
        self.filter = filter
        self.limit = limit
    }
}
