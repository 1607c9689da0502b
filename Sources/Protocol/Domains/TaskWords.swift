/// How far a task has come.
public enum TaskStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case pending
    case inProgress = "in-progress"
    case completed
    case failed
    /// Begun, and waiting for something before it can go on.
    case blocked
}

/// How much a task touches.
public enum TaskScope: String, Codable, CaseIterable, Hashable, Sendable {
    case single, narrow, moderate, broad, system

    /// What it costs, in units of the smallest.
    public var cost: Double {
        switch self {
        case .single: 1
        case .narrow: 2
        case .moderate: 3
        case .broad: 4
        case .system: 5
        }
    }

    /// What an agent needs for it, in tokens.
    public var tokens: Int {
        switch self {
        case .single: 500
        case .narrow: 1_500
        case .moderate: 3_000
        case .broad: 6_000
        case .system: 10_000
        }
    }
}

/// How likely it is that a task fails.
public enum TaskRisk: String, Codable, CaseIterable, Hashable, Sendable {
    case trivial, low, medium, high, critical

    /// The probability that it succeeds at the first attempt.
    public var successProbability: Double {
        switch self {
        case .trivial: 0.98
        case .low: 0.90
        case .medium: 0.80
        case .high: 0.65
        case .critical: 0.50
        }
    }

    /// The probability that it does not, written out: 1 − p in binary is not quite 0.02.
    public var weight: Double {
        switch self {
        case .trivial: 0.02
        case .low: 0.10
        case .medium: 0.20
        case .high: 0.35
        case .critical: 0.50
        }
    }
}

/// How far a failure reaches.
public enum TaskImpact: String, Codable, CaseIterable, Hashable, Sendable {
    case isolated, component, phase, project

    /// By how much it multiplies cost and risk.
    public var weight: Double {
        switch self {
        case .isolated: 1
        case .component: 1.5
        case .phase: 2
        case .project: 3
        }
    }
}

/// What kind of work a task is.
public enum TaskLevel: String, Codable, CaseIterable, Hashable, Sendable {
    case planning, decomposition, implementation, review, research
}

/// How urgent a task is; medium where nothing is said.
public enum TaskPriority: String, Codable, CaseIterable, Hashable, Sendable {
    case low, medium, high, critical

    /// 0 low … 3 critical.
    public var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        case .critical: 3
        }
    }
}

/// What an agent is to do with a task.
public enum TaskCategory: String, Codable, CaseIterable, Hashable, Sendable {
    case execute, research, discuss, plan, detail, refine, verify, merge, review
}

/// Who moves a task on. People's checkpoints were given up; one word is left.
public enum TaskType: String, Codable, CaseIterable, Hashable, Sendable {
    case auto
}
