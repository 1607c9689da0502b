public import Foundation

/// Why somebody left a task in order without having done it.
public struct SafeExit: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "reason": "Why it could not be done.",
        "needs": "What has to be there or to be decided before somebody tries again.",
        "at": "When it was left.",
        "by": "Who left it: an account, or a session.",
    ]
    public var reason: String
    public var needs: String?
    public var at: Date
    public var by: String

    public init(reason: String, needs: String?, at: Date, by: String) {
        self.reason = reason
        self.needs = needs
        self.at = at
        self.by = by
    }
}

/// A piece of work in a project.
public struct TaskRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The task's id.",
        "projectId": "The project that it belongs to.",
        "slug": "Its name for command lines and files, unique in its project.",
        "name": "What it is, in a line.",
        "path": "Where its file is, below the directory that it was imported from.",
        "body": "What is to be done, as Markdown.",
        "status": "How far it has come.",
        "scope": "How much it touches; absent if nobody estimated it.",
        "risk": "How likely it is to fail; absent if nobody estimated it.",
        "impact": "How far a failure would reach; absent if nobody estimated it.",
        "level": "What kind of work it is.",
        "priority": "How urgent it is; medium if absent.",
        "tags": "Words to find it by.",
        "assignee": "Who does it, or is to: a person, a session's id, a team.",
        "dueAt": "When it should be done.",
        "safeExit": "Why it was left undone; it is not handed out until somebody unblocks or starts it.",
        "dependsOn": "The slugs of the tasks that must be completed before it.",
        "parentTaskId": "The task that it is a part of.",
        "type": "Who moves it on.",
        "category": "What an agent is to do with it.",
        "sortOrder": "Its place among its siblings.",
        "summary": "What came of it, for those who depend on it.",
        "retryCount": "Attempts made again without being asked.",
        "queuedAt": "When it was queued for dispatch.",
        "mappingId": "The mapping that brought it to its state; absent if somebody did by hand.",
        "metadata": "Whatever its owner noted.",
        "createdAt": "When it was added.",
        "updatedAt": "When it last changed.",
    ]
    public var id: TaskID
    public var projectId: ProjectID
    public var slug: String
    public var name: String
    public var path: String?
    public var body: String?
    public var status: TaskStatus
    public var scope: TaskScope?
    public var risk: TaskRisk?
    public var impact: TaskImpact?
    public var level: TaskLevel?
    public var priority: TaskPriority?
    public var tags: [String]
    public var assignee: String?
    public var dueAt: Date?
    public var safeExit: SafeExit?
    public var dependsOn: [String]
    public var parentTaskId: TaskID?
    public var type: TaskType
    public var category: TaskCategory?
    public var sortOrder: Int
    public var summary: String?
    public var retryCount: Int
    public var queuedAt: Date?
    public var mappingId: MappingID?
    public var metadata: JSONValue
    public var createdAt: Date
    public var updatedAt: Date

    /// What a task of these three has besides is nothing.
    public init(id: TaskID, projectId: ProjectID, slug: String, name: String, createdAt: Date, updatedAt: Date) {
        self.id = id
        self.projectId = projectId
        self.slug = slug
        self.name = name
        status = .pending
        tags = []
        dependsOn = []
        type = .auto
        sortOrder = 0
        retryCount = 0
        metadata = .object([:])
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Some tasks, and where the next ones start.
public struct TaskList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "tasks": "The tasks.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var tasks: [TaskRecord]
    public var nextCursor: String?

    public init(tasks: [TaskRecord], nextCursor: String?) {
        self.tasks = tasks
        self.nextCursor = nextCursor
    }
}

/// Adds a task.
public struct CreateTask: RemoteOperation {
    public static let name = "task.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Adds a task to a project, with what has to be completed before it."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = TaskFields.texts.merging([
        "projectId": "The project's id or name.",
        "slug": "Letters, digits, `.`, `_`, `-` and `/`; made from the name if left out.",
    ]) { $1 }
    public static let examples = [
        CreateTask(projectId: "website", name: "Log in with a passkey", dependsOn: ["session-store"])
    ]
    public typealias Output = TaskRecord

    public var projectId: String
    public var name: String
    public var slug: String?
    public var path: String?
    public var body: String?
    public var scope: TaskScope?
    public var risk: TaskRisk?
    public var impact: TaskImpact?
    public var level: TaskLevel?
    public var priority: TaskPriority?
    public var tags: [String]?
    public var assignee: String?
    public var dueAt: Date?
    public var dependsOn: [String]?
    public var parentTaskId: TaskID?
    public var category: TaskCategory?
    public var sortOrder: Int?
    public var metadata: JSONValue?

    public init(projectId: String, name: String, slug: String? = nil, dependsOn: [String]? = nil) {
        self.projectId = projectId
        self.name = name
        self.slug = slug
        self.dependsOn = dependsOn
    }
}

/// What the fields of a task mean to whoever sets them.
enum TaskFields {
    static let texts = [
        "name": "What it is, in a line.",
        "path": "Where its file is, below some directory.",
        "body": "What is to be done, as Markdown.",
        "scope": "How much it touches.",
        "risk": "How likely it is to fail.",
        "impact": "How far a failure would reach.",
        "level": "What kind of work it is.",
        "priority": "How urgent it is; medium if left out.",
        "tags": "Words to find it by.",
        "assignee": "Who is to do it.",
        "dueAt": "When it should be done.",
        "dependsOn": "The slugs of tasks of the project that must be completed before it.",
        "parentTaskId": "The task that it is a part of.",
        "category": "What an agent is to do with it.",
        "sortOrder": "Its place among its siblings.",
        "metadata": "Whatever its owner wants to note, an object.",
    ]
    static let task = "The task's id; with projectId also its slug."
    static let project = "The project's id or name, where the task is named by its slug."
}

/// Reads one task.
public struct GetTask: RemoteOperation {
    public static let name = "task.get"
    public static let kind = OperationKind.query
    public static let summary = "One task by id, or by project and slug."
    public static let access = AccessControl.scopes("task:read")
    public static let fields = ["taskId": TaskFields.task, "projectId": TaskFields.project]
    public static let examples = [GetTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?

    public init(taskId: String, projectId: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
    }
}

/// Removes a task.
public struct DeleteTask: RemoteOperation {
    public static let name = "task.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Removes a task that nobody works on, with its parts and its dependencies."
    public static let access = AccessControl.scopes("task:admin")
    public static let fields = ["taskId": TaskFields.task, "projectId": TaskFields.project]
    public static let examples = [DeleteTask(taskId: "passkey-login", projectId: "website")]
    public typealias Output = TaskRecord

    public var taskId: String
    public var projectId: String?

    public init(taskId: String, projectId: String? = nil) {
        self.taskId = taskId
        self.projectId = projectId
    }
}

/// Changes what is said of a task; its state is moved by operations of their own.
public struct UpdateTask: RemoteOperation {
    public static let name = "task.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes a task; what is left out stays, what clear names is unset."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = TaskFields.texts.merging([
        "taskId": TaskFields.task,
        "projectId": TaskFields.project,
        "slug": "Its new slug.",
        "dependsOn": "Replaces all that it depends on.",
        "summary": "What came of it, for those who depend on it.",
        "clear": "Fields to unset.",
    ]) { $1 }
    public static let examples = [
        UpdateTask(taskId: "passkey-login", projectId: "website", risk: .high, clear: [.assignee])
    ]
    public typealias Output = TaskRecord

    /// What can be unset.
    public enum Clearable: String, Codable, CaseIterable, Hashable, Sendable {
        case path, body, scope, risk, impact, level, priority, assignee, dueAt, safeExit, parentTaskId, category
        case summary
    }

    public var taskId: String
    public var projectId: String?
    public var name: String?
    public var slug: String?
    public var path: String?
    public var body: String?
    public var scope: TaskScope?
    public var risk: TaskRisk?
    public var impact: TaskImpact?
    public var level: TaskLevel?
    public var priority: TaskPriority?
    public var tags: [String]?
    public var assignee: String?
    public var dueAt: Date?
    public var dependsOn: [String]?
    public var parentTaskId: TaskID?
    public var category: TaskCategory?
    public var sortOrder: Int?
    public var summary: String?
    public var metadata: JSONValue?
    public var clear: [Clearable]?

    public init(taskId: String, projectId: String? = nil, risk: TaskRisk? = nil, clear: [Clearable]? = nil) {
        self.taskId = taskId
        self.projectId = projectId
        self.risk = risk
        self.clear = clear
    }
}

/// Which tasks are meant; everything that is named must hold.
public struct TaskFilter: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "status": "In one of these states.",
        "level": "Of one of these kinds of work.",
        "priority": "Of one of these priorities; tasks without one count as medium.",
        "tags": "With all of these tags.",
        "assignee": "Of this assignee.",
        "pathPrefix": "With a path that begins so.",
        "parentTaskId": "Parts of this task.",
        "dueBefore": "Due before this time.",
        "slugs": "One of these.",
    ]
    public var status: [TaskStatus]?
    public var level: [TaskLevel]?
    public var priority: [TaskPriority]?
    public var tags: [String]?
    public var assignee: String?
    public var pathPrefix: String?
    public var parentTaskId: TaskID?
    public var dueBefore: Date?
    public var slugs: [String]?

    public init() {}
}

/// Lists tasks.
public struct ListTasks: RemoteOperation {
    public static let name = "task.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists tasks, newest first, of a project or of all."
    public static let access = AccessControl.scopes("task:read")
    public static let fields = [
        "projectId": "Only those of this project, by id or name.",
        "filter": "Which tasks are meant; all if left out.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListTasks(projectId: "website")]
    public typealias Output = TaskList

    public var projectId: String?
    public var filter: TaskFilter?
    public var limit: Int?
    public var cursor: String?

    public init(projectId: String? = nil, filter: TaskFilter? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.projectId = projectId
        self.filter = filter
        self.limit = limit
        self.cursor = cursor
    }
}
