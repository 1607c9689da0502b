/// That a task waits for another.
public struct TaskDependencyRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "dependsOn": "The slug of the task that must be completed first.",
        "dependsOnTaskId": "Its id.",
        "dependent": "The slug of the task that waits.",
        "dependentTaskId": "Its id.",
        "qualityRetention": "How much of the quality lost in the first does not reach the second, 0…1; 0.9 if absent.",
    ]
    public var dependsOn: String
    public var dependsOnTaskId: TaskID
    public var dependent: String
    public var dependentTaskId: TaskID
    public var qualityRetention: Double?

    public init(
        dependsOn: String,
        dependsOnTaskId: TaskID,
        dependent: String,
        dependentTaskId: TaskID,
        qualityRetention: Double?
    ) {
        self.dependsOn = dependsOn
        self.dependsOnTaskId = dependsOnTaskId
        self.dependent = dependent
        self.dependentTaskId = dependentTaskId
        self.qualityRetention = qualityRetention
    }
}

/// Makes a task wait for another.
public struct AddTaskDependency: RemoteOperation {
    public static let name = "task.dependency.add"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes a task wait for another of its project; refused with the cycle if it closes one."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "taskId": "The task that waits, by id; with projectId also by slug.",
        "dependsOn": "The task that must be completed first, by id or slug.",
        "projectId": TaskFields.project,
        "qualityRetention": "How much of the quality lost in the first does not reach the second, 0…1; 0.9 if absent.",
    ]
    public static let examples = [
        AddTaskDependency(taskId: "passkey-login", dependsOn: "session-store", projectId: "website")
    ]
    public typealias Output = TaskDependencyRecord

    public var taskId: String
    public var dependsOn: String
    public var projectId: String?
    public var qualityRetention: Double?

    public init(taskId: String, dependsOn: String, projectId: String? = nil, qualityRetention: Double? = nil) {
        self.taskId = taskId
        self.dependsOn = dependsOn
        self.projectId = projectId
        self.qualityRetention = qualityRetention
    }
}

/// Lets a task no longer wait for another.
public struct RemoveTaskDependency: RemoteOperation {
    public static let name = "task.dependency.remove"
    public static let kind = OperationKind.mutation
    public static let summary = "Lets a task no longer wait for another."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "taskId": "The task that waits, by id; with projectId also by slug.",
        "dependsOn": "The task that it waits for, by id or slug.",
        "projectId": TaskFields.project,
    ]
    public static let examples = [
        RemoveTaskDependency(taskId: "passkey-login", dependsOn: "session-store", projectId: "website")
    ]
    public typealias Output = TaskDependencyRecord

    public var taskId: String
    public var dependsOn: String
    public var projectId: String?

    public init(taskId: String, dependsOn: String, projectId: String? = nil) {
        self.taskId = taskId
        self.dependsOn = dependsOn
        self.projectId = projectId
    }
}

/// Lists which tasks wait for which.
public struct ListTaskDependencies: RemoteOperation {
    public static let name = "task.dependency.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists the dependencies of a project, or those of one task in both directions."
    public static let access = AccessControl.scopes("task:read")
    public static let fields = [
        "projectId": "The project's id or name.",
        "taskId": "Only those of this task, by id or slug.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListTaskDependencies(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "dependencies": "The dependencies, by the slugs of their ends.",
            "nextCursor": "Where the next page starts; absent on the last one.",
        ]
        public var dependencies: [TaskDependencyRecord]
        public var nextCursor: String?

        public init(dependencies: [TaskDependencyRecord], nextCursor: String?) {
            self.dependencies = dependencies
            self.nextCursor = nextCursor
        }
    }

    public var projectId: String
    public var taskId: String?
    public var limit: Int?
    public var cursor: String?

    public init(projectId: String, taskId: String? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.projectId = projectId
        self.taskId = taskId
        self.limit = limit
        self.cursor = cursor
    }
}
