public import Foundation

/// A task as it travels between hubs and files.
public struct TaskEntry: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The task's slug.",
        "name": "What it is, in a line.",
        "dependsOn": "The slugs of the tasks that must be completed before it; stays as it is if left out.",
        "status": "How far it has come; looked at only when the task is new to the hub.",
        "scope": "How much it touches.",
        "risk": "How likely it is to fail.",
        "impact": "How far a failure would reach.",
        "level": "What kind of work it is.",
        "priority": "How urgent it is.",
        "tags": "Words to find it by.",
        "assignee": "Who does it, or is to.",
        "due": "When it should be done.",
        "path": "Where its file is, below the directory that is imported.",
        "body": "What is to be done, as Markdown.",
    ]
    public var id: String
    public var name: String
    public var dependsOn: [String]?
    public var status: TaskStatus?
    public var scope: TaskScope?
    public var risk: TaskRisk?
    public var impact: TaskImpact?
    public var level: TaskLevel?
    public var priority: TaskPriority?
    public var tags: [String]?
    public var assignee: String?
    public var due: Date?
    public var path: String?
    public var body: String?

    public init(id: String, name: String, dependsOn: [String]? = nil) {
        self.id = id
        self.name = name
        self.dependsOn = dependsOn
    }
}

/// Takes tasks in, many at once.
public struct ImportTasks: RemoteOperation {
    public static let name = "task.import"
    public static let kind = OperationKind.mutation
    public static let summary = "Adds tasks or changes those that are there, all or none; states of known ones stay."
    public static let access = AccessControl.scopes("task:write")
    public static let fields = [
        "projectId": "The project's id or name.",
        "tasks": "The tasks; each may depend on any other of them and of the project.",
        "directory": "Or a folder of a worktree: every *.md below it is a task; empty for the worktree itself.",
        "workspaceId": "The workspace in whose worktree that folder is.",
        "sessionId": "The session in whose worktree it is, where no workspace is named.",
    ]
    public static let examples = [
        ImportTasks(
            projectId: "website",
            tasks: [
                TaskEntry(id: "session-store", name: "Keep sessions in the database"),
                TaskEntry(id: "passkey-login", name: "Log in with a passkey", dependsOn: ["session-store"]),
            ]
        ),
        ImportTasks(projectId: "website", directory: "tasks", workspaceId: "5c4d…"),
    ]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "created": "The slugs of tasks that were not there before.",
            "updated": "The slugs of those that were.",
            "dependencies": "How many dependencies the imported tasks have by now.",
        ]
        public var created: [String]
        public var updated: [String]
        public var dependencies: Int

        public init(created: [String], updated: [String], dependencies: Int) {
            self.created = created
            self.updated = updated
            self.dependencies = dependencies
        }
    }

    public var projectId: String
    public var tasks: [TaskEntry]?
    public var directory: String?
    public var workspaceId: WorkspaceID?
    public var sessionId: SessionID?

    public init(
        projectId: String,
        tasks: [TaskEntry]? = nil,
        directory: String? = nil,
        workspaceId: WorkspaceID? = nil,
        sessionId: SessionID? = nil
    ) {
        self.projectId = projectId
        self.tasks = tasks
        self.directory = directory
        self.workspaceId = workspaceId
        self.sessionId = sessionId
    }
}

/// Hands tasks out in the form in which they are taken in.
public struct ExportTasks: RemoteOperation {
    public static let name = "task.export"
    public static let kind = OperationKind.query
    public static let summary = "The tasks of a project by slug, in the form that task.import takes."
    public static let access = AccessControl.scopes("task:read")
    public static let fields = [
        "projectId": "The project's id or name.",
        "limit": "How many at most, 1 to 500; 500 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ExportTasks(projectId: "website")]
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "tasks": "The tasks.", "nextCursor": "Where the next page starts; absent on the last one.",
        ]
        public var tasks: [TaskEntry]
        public var nextCursor: String?

        public init(tasks: [TaskEntry], nextCursor: String?) {
            self.tasks = tasks
            self.nextCursor = nextCursor
        }
    }

    public var projectId: String
    public var limit: Int?
    public var cursor: String?

    public init(projectId: String, limit: Int? = nil, cursor: String? = nil) {
        self.projectId = projectId
        self.limit = limit
        self.cursor = cursor
    }
}
