/// Which tasks are how risky.
public struct DistributeRisk: RemoteOperation {
    public static let name = "task.graph.riskDistribution"
    public static let kind = OperationKind.query
    public static let summary = "The tasks by risk, those without an estimate apart."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [DistributeRisk(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "trivial": "Slugs of tasks of trivial risk.",
            "low": "Of low risk.",
            "medium": "Of medium risk.",
            "high": "Of high risk.",
            "critical": "Of critical risk.",
            "unspecified": "Without an estimate.",
        ]
        public var trivial: [String]
        public var low: [String]
        public var medium: [String]
        public var high: [String]
        public var critical: [String]
        public var unspecified: [String]

        public init(_ slugs: [TaskRisk?: [String]]) {
            trivial = slugs[.trivial] ?? []
            low = slugs[.low] ?? []
            medium = slugs[.medium] ?? []
            high = slugs[.high] ?? []
            critical = slugs[.critical] ?? []
            unspecified = slugs[nil] ?? []
        }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// Which tasks are better taken apart.
public struct AdviseDecomposition: RemoteOperation {
    public static let name = "task.graph.shouldDecompose"
    public static let kind = OperationKind.query
    public static let summary = "The tasks that are better taken apart: of high risk or broad scope, or more."
    public static let access = TaskGraphFields.access
    public static let fields = TaskGraphFields.texts
    public static let examples = [AdviseDecomposition(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "tasks": "Only those that should be.",
            "tasks.slug": "The task.",
            "tasks.shouldDecompose": "Always true here.",
            "tasks.reasons": "What speaks for it.",
        ]
        public struct Advice: Codable, Hashable, Sendable {
            public var slug: String
            public var shouldDecompose: Bool
            public var reasons: [String]

            public init(slug: String, reasons: [String]) {
                self.slug = slug
                shouldDecompose = true
                self.reasons = reasons
            }
        }
        public var tasks: [Advice]

        public init(tasks: [Advice]) { self.tasks = tasks }
    }

    public var projectId: String
    public var filter: TaskFilter?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// What tasks are expected to cost.
public struct TaskCosts: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "tasks": "The tasks in topological order.",
        "tasks.slug": "The task.",
        "tasks.name": "What it is.",
        "tasks.ev": "Its expected cost, in units of scope cost.",
        "tasks.pIntrinsic": "The probability that it succeeds by itself.",
        "tasks.pEffective": "What its prerequisites leave of that.",
        "tasks.scopeCost": "What its scope costs.",
        "tasks.impactWeight": "By how much its impact multiplies that.",
        "totalEv": "The sum.",
        "averageEv": "The mean; 0 of none.",
    ]
    public struct Entry: Codable, Hashable, Sendable {
        public var slug: String
        public var name: String
        public var ev: Double
        public var pIntrinsic: Double
        public var pEffective: Double
        public var scopeCost: Double
        public var impactWeight: Double

        public init(
            slug: String,
            name: String,
            ev: Double,
            pIntrinsic: Double,
            pEffective: Double,
            scopeCost: Double,
            impactWeight: Double
        ) {
            self.slug = slug
            self.name = name
            self.ev = ev
            self.pIntrinsic = pIntrinsic
            self.pEffective = pEffective
            self.scopeCost = scopeCost
            self.impactWeight = impactWeight
        }
    }
    public var tasks: [Entry]
    public var totalEv: Double
    public var averageEv: Double

    public init(tasks: [Entry], totalEv: Double, averageEv: Double) {
        self.tasks = tasks
        self.totalEv = totalEv
        self.averageEv = averageEv
    }
}

/// The fields of both questions about costs.
enum TaskCostFields {
    static let texts = TaskGraphFields.texts.merging([
        "retries": "Attempts after the first that are counted at most; 0 if left out.",
        "fallbackCost": "What it takes to live without a result; 0 if left out.",
        "timeLost": "What each further attempt loses; 0 if left out.",
        "includeCompleted":
            "Whether completed tasks count like the others; else they are left out and pass on certainty.",
    ]) { $1 }
}

/// What each task is expected to cost by itself.
public struct EstimateTasks: RemoteOperation {
    public static let name = "task.graph.expectedValue"
    public static let kind = OperationKind.query
    public static let summary = "What each task is expected to cost by itself, with its risk of failing."
    public static let access = TaskGraphFields.access
    public static let fields = TaskCostFields.texts
    public static let examples = [EstimateTasks(projectId: "website")]
    public typealias Output = TaskCosts

    public var projectId: String
    public var filter: TaskFilter?
    public var retries: Double?
    public var fallbackCost: Double?
    public var timeLost: Double?
    public var includeCompleted: Bool?

    public init(projectId: String, filter: TaskFilter? = nil) {
        self.projectId = projectId
        self.filter = filter
    }
}

/// What all tasks together are expected to cost.
public struct EstimateWorkflow: RemoteOperation {
    public static let name = "task.graph.workflowCost"
    public static let kind = OperationKind.query
    public static let summary = "What a workflow is expected to cost, where a poor prerequisite spoils what follows."
    public static let access = TaskGraphFields.access
    public static let fields = TaskCostFields.texts.merging([
        "propagation": "Whether prerequisites take from a task's probability; propagated if left out."
    ]) { $1 }
    public static let examples = [EstimateWorkflow(projectId: "website")]
    public typealias Output = TaskCosts

    /// Whether tasks are looked at with what comes before them.
    public enum Propagation: String, Codable, CaseIterable, Hashable, Sendable {
        case propagated, independent
    }

    public var projectId: String
    public var filter: TaskFilter?
    public var retries: Double?
    public var fallbackCost: Double?
    public var timeLost: Double?
    public var includeCompleted: Bool?
    public var propagation: Propagation?

    public init(projectId: String, filter: TaskFilter? = nil, propagation: Propagation? = nil) {
        self.projectId = projectId
        self.filter = filter
        self.propagation = propagation
    }
}
