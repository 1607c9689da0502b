/// Begins a task by hand.
public struct StartTask: RemoteOperation {
    public static let name = "task.start"
    public static let kind = OperationKind.mutation
    public static let summary = "Begins a pending task by hand: it is in progress from here on."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "taskId": TaskFields.task,
        "projectId": TaskFields.project,
        "assignee": "Who does it; the caller if neither this nor the task says.",
    ]
    public static let examples = [StartTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?
    public var assignee: String?

    public init(taskId: String, projectId: String? = nil, assignee: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
        self.assignee = assignee
    }
}

/// Completes a task by hand.
public struct CompleteTask: RemoteOperation {
    public static let name = "task.complete"
    public static let kind = OperationKind.mutation
    public static let summary = "Completes a task that is in progress by hand; a session's end completes its own."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "taskId": TaskFields.task,
        "projectId": TaskFields.project,
        "summary": "What came of it, for those who depend on it.",
    ]
    public static let examples = [CompleteTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?
    public var summary: String?

    public init(taskId: String, projectId: String? = nil, summary: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
        self.summary = summary
    }
}

/// Gives a task up.
public struct FailTask: RemoteOperation {
    public static let name = "task.fail"
    public static let kind = OperationKind.mutation
    public static let summary = "Says that a task in progress cannot be done; a session's end says it of its own."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "taskId": TaskFields.task,
        "projectId": TaskFields.project,
        "summary": "What went wrong.",
    ]
    public static let examples = [FailTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?
    public var summary: String?

    public init(taskId: String, projectId: String? = nil, summary: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
        self.summary = summary
    }
}

/// Says that a task waits.
public struct BlockTask: RemoteOperation {
    public static let name = "task.block"
    public static let kind = OperationKind.mutation
    public static let summary = "Says that a task in progress waits for something; its session, if any, goes on."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = ["taskId": TaskFields.task, "projectId": TaskFields.project]
    public static let examples = [BlockTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?

    public init(taskId: String, projectId: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
    }
}

/// Lets a blocked task go on.
public struct UnblockTask: RemoteOperation {
    public static let name = "task.unblock"
    public static let kind = OperationKind.mutation
    public static let summary = "Lets a blocked task go on: in its session, or pending for whoever takes it."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = ["taskId": TaskFields.task, "projectId": TaskFields.project]
    public static let examples = [UnblockTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?

    public init(taskId: String, projectId: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
    }
}

/// Gives a failed task another chance.
public struct RetryTask: RemoteOperation {
    public static let name = "task.retry"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes a failed task pending again; the attempt is a new mapping."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = ["taskId": TaskFields.task, "projectId": TaskFields.project]
    public static let examples = [RetryTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?

    public init(taskId: String, projectId: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
    }
}

/// Leaves a task in order without having done it.
public struct LeaveTask: RemoteOperation {
    public static let name = "task.safeExit"
    public static let kind = OperationKind.mutation
    public static let summary = "Leaves a task undone, with the reason; it is handed out again once that is dealt with."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "taskId": TaskFields.task,
        "projectId": TaskFields.project,
        "reason": "Why it could not be done.",
        "needs": "What has to be there or to be decided before somebody tries again.",
    ]
    public static let examples = [
        LeaveTask(taskId: "passkey-login", projectId: "website", reason: "Nobody said which domains are ours.")
    ]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?
    public var reason: String
    public var needs: String?

    public init(taskId: String, projectId: String? = nil, reason: String, needs: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
        self.reason = reason
        self.needs = needs
    }
}

/// Lists the tasks that can be begun.
public struct ListReadyTasks: RemoteOperation {
    public static let name = "task.ready"
    public static let kind = OperationKind.query
    public static let summary = "The pending tasks whose prerequisites are all completed, in the order of claiming."
    public static let access = AccessControl.scopes("task:read")
    public static let fields = [
        "projectId": "The project's id or name.",
        "level": "Only this kind of work.",
        "tags": "Only tasks with all of these tags.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
    ]
    public static let examples = [ListReadyTasks(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["tasks": "The tasks, by priority, then by age."]
        public var tasks: [TaskRecord]

        public init(tasks: [TaskRecord]) { self.tasks = tasks }
    }

    public var projectId: String
    public var level: TaskLevel?
    public var tags: [String]?
    public var limit: Int?

    public init(projectId: String, level: TaskLevel? = nil, tags: [String]? = nil, limit: Int? = nil) {
        self.projectId = projectId
        self.level = level
        self.tags = tags
        self.limit = limit
    }
}

/// Takes the next tasks that can be begun.
public struct ClaimTask: RemoteOperation {
    public static let name = "task.claim"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Takes the first task that is ready, or the first few, so that nobody else gets them: in progress from here."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "projectId": "The project's id or name.",
        "level": "Only this kind of work.",
        "tags": "Only tasks with all of these tags.",
        "assignee": "Who does it; the caller if left out. What a session claimed is free again at its end.",
        "count": "How many at most, 1 to 100; one if left out.",
    ]
    public static let examples = [
        ClaimTask(projectId: "website", level: .implementation), ClaimTask(projectId: "website", count: 8),
    ]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["tasks": "The tasks, the most urgent first; fewer than asked if no more are ready."]
        public var tasks: [TaskRecord]

        public init(tasks: [TaskRecord]) { self.tasks = tasks }

        /// The first of them; `nil` if none is ready.
        public var task: TaskRecord? { tasks.first }
    }

    public var projectId: String
    public var level: TaskLevel?
    public var tags: [String]?
    public var assignee: String?
    public var count: Int?

    public init(
        projectId: String,
        level: TaskLevel? = nil,
        tags: [String]? = nil,
        assignee: String? = nil,
        count: Int? = nil
    ) {
        self.projectId = projectId
        self.level = level
        self.tags = tags
        self.assignee = assignee
        self.count = count
    }
}
