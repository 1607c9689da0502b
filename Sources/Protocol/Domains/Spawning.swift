/// Which worktree a spawned session gets.
public struct WorktreeChoice: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "mode": "A new worktree, or an earlier one; new if absent.",
        "workspaceId": "The earlier one, with mode reuse.",
        "keep": "What becomes of it at the session's end; onFailure if absent. Whatever goes is salvaged first.",
    ]
    public var mode: WorkspaceOrder.Mode?
    public var workspaceId: WorkspaceID?
    public var keep: WorkspaceOrder.Keep?

    public init(
        mode: WorkspaceOrder.Mode? = nil,
        workspaceId: WorkspaceID? = nil,
        keep: WorkspaceOrder.Keep? = nil
    ) {
        self.mode = mode
        self.workspaceId = workspaceId
        self.keep = keep
    }
}

/// How urgent a session is among those that wait.
public enum SpawnPriority: String, Codable, CaseIterable, Hashable, Sendable {
    case low, medium, high, critical

    /// 0 low … 3 critical, as it is stored.
    public var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        case .critical: 3
        }
    }
}

/// One session to spawn; what is absent in an element of `tasks` is taken from the request around it.
public struct SpawnOrder: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "projectId": "The project by id.",
        "project": "The project by id or name.",
        "branch": "The branch to work on; wt/ and a name made from task or title if absent.",
        "base": "A branch, tag or commit to begin at; the project's default branch if absent.",
        "task": "A task's slug.",
        "taskId": "A task's id.",
        "title": "What the session is for.",
        "parentSessionId": "The session that coordinates it; the caller's own if absent.",
        "run": "What to run: a command, or an agent and a prompt.",
        "run.command": "Program and arguments; no shell is involved.",
        "run.agent": "An agent's profile on the spoke.",
        "run.prompt": "What the agent is told.",
        "run.resume": "The agent's own id of a conversation to take up; session.resume knows it.",
        "env": "Added to the environment of the process.",
        "target": "Which spokes it may run on; any if absent.",
        "priority": "How urgent it is among those that wait; medium if absent.",
        "timeoutSeconds": "After how many seconds it is ended; never if absent.",
        "disconnectPolicy": "What becomes of it while its spoke is away; it goes on if absent.",
        "disconnectPolicy.keepRunningSeconds": "How long it goes on.",
        "disconnectPolicy.replaceAfterSeconds": "When it may be placed elsewhere.",
        "disconnectPolicy.stopSelfAfterSeconds": "When it ends itself.",
        "worktree": "Which worktree it gets.",
        "grants": "Scopes of the session's own token; never more than the caller's.",
        "idempotencyKey": "The same key answers with the session that it spawned the first time.",
    ]

    public var projectId: ProjectID?
    public var project: String?
    public var branch: String?
    public var base: String?
    public var task: String?
    public var taskId: TaskID?
    public var title: String?
    public var parentSessionId: SessionID?
    public var run: RunOrder?
    public var env: [String: String]?
    public var target: SpokeTarget?
    public var priority: SpawnPriority?
    public var timeoutSeconds: Int?
    public var disconnectPolicy: DisconnectPolicy?
    public var worktree: WorktreeChoice?
    public var grants: [String]?
    public var idempotencyKey: String?

    public init(project: String? = nil, branch: String? = nil, title: String? = nil, run: RunOrder? = nil) {
        self.project = project
        self.branch = branch
        self.title = title
        self.run = run
    }
}

/// Spawns one session, or with `tasks` many.
public struct SpawnSessions: RemoteOperation {
    public static let name = "coord.spawn"
    public static let kind = OperationKind.mutation
    public static let summary = "Runs a command or an agent in a worktree of a project, on whatever spoke fits."
    public static let access = AccessControl.scopes("coord:write")
    public static let fields = SpawnOrder.fields.merging(
        ["tasks": "Many at once: each with what differs from the fields around it; one failure takes no other."]
    ) { first, _ in first }
    public static let examples = [
        SpawnSessions(SpawnOrder(project: "app", title: "Run the tests", run: RunOrder(command: ["make", "test"])))
    ]

    public var projectId: ProjectID?
    public var project: String?
    public var branch: String?
    public var base: String?
    public var task: String?
    public var taskId: TaskID?
    public var title: String?
    public var parentSessionId: SessionID?
    public var run: RunOrder?
    public var env: [String: String]?
    public var target: SpokeTarget?
    public var priority: SpawnPriority?
    public var timeoutSeconds: Int?
    public var disconnectPolicy: DisconnectPolicy?
    public var worktree: WorktreeChoice?
    public var grants: [String]?
    public var idempotencyKey: String?
    public var tasks: [SpawnOrder]?

    public init(_ order: SpawnOrder, tasks: [SpawnOrder]? = nil) {
        projectId = order.projectId
        project = order.project
        branch = order.branch
        base = order.base
        task = order.task
        taskId = order.taskId
        title = order.title
        parentSessionId = order.parentSessionId
        run = order.run
        env = order.env
        target = order.target
        priority = order.priority
        timeoutSeconds = order.timeoutSeconds
        disconnectPolicy = order.disconnectPolicy
        worktree = order.worktree
        grants = order.grants
        idempotencyKey = order.idempotencyKey
        self.tasks = tasks
    }

    /// The orders asked for, each whole.
    public var orders: [SpawnOrder] {
        guard let tasks else { return [filling(SpawnOrder(), own: true)] }
        return tasks.map { filling($0, own: false) }
    }

    /// What is said of one session alone (branch, task, key) is not handed down to many.
    private func filling(_ order: SpawnOrder, own: Bool) -> SpawnOrder {
        var order = order
        if order.project == nil, order.projectId == nil { (order.project, order.projectId) = (project, projectId) }
        if own {
            (order.branch, order.task, order.taskId) = (branch, task, taskId)
            order.idempotencyKey = idempotencyKey
        }
        order.base = order.base ?? base
        order.title = order.title ?? title
        order.parentSessionId = order.parentSessionId ?? parentSessionId
        order.run = order.run ?? run
        order.env = (env ?? [:]).merging(order.env ?? [:]) { _, own in own }
        order.target = order.target ?? target
        order.priority = order.priority ?? priority
        order.timeoutSeconds = order.timeoutSeconds ?? timeoutSeconds
        order.disconnectPolicy = order.disconnectPolicy ?? disconnectPolicy
        order.worktree = order.worktree ?? worktree
        order.grants = order.grants ?? grants
        return order
    }

    /// The session spawned; or with `tasks`, all that were and all that were not.
    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = SpawnedSession.fields.merging([
            "spawned": "With tasks: those that were spawned, in order.",
            "errors": "With tasks: those that were not.",
        ]) { first, _ in first }
        public var sessionId: SessionID?
        public var mappingId: MappingID?
        public var workspaceId: WorkspaceID?
        public var spokeId: SpokeID?
        public var branch: String?
        public var status: MappingStatus?
        public var spawned: [SpawnedSession]?
        public var errors: [SpawnError]?

        public init(_ session: SpawnedSession) {
            sessionId = session.sessionId
            mappingId = session.mappingId
            workspaceId = session.workspaceId
            spokeId = session.spokeId
            branch = session.branch
            status = session.status
        }

        public init(spawned: [SpawnedSession], errors: [SpawnError]) {
            self.spawned = spawned
            self.errors = errors
        }
    }
}

/// A session that was spawned.
public struct SpawnedSession: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "sessionId": "The session's id.",
        "mappingId": "Its mapping.",
        "workspaceId": "Where it works.",
        "spokeId": "The spoke that it runs on; absent while it waits for one.",
        "branch": "The branch that it works on.",
        "status": "The mapping's state.",
    ]
    public var sessionId: SessionID
    public var mappingId: MappingID
    public var workspaceId: WorkspaceID
    public var spokeId: SpokeID?
    public var branch: String
    public var status: MappingStatus

    public init(
        sessionId: SessionID,
        mappingId: MappingID,
        workspaceId: WorkspaceID,
        spokeId: SpokeID?,
        branch: String,
        status: MappingStatus
    ) {
        self.sessionId = sessionId
        self.mappingId = mappingId
        self.workspaceId = workspaceId
        self.spokeId = spokeId
        self.branch = branch
        self.status = status
    }
}

/// A session that was not spawned.
public struct SpawnError: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "index": "Its place in tasks, from 0.",
        "task": "Its task's slug or its title.",
        "error": "What stood in the way.",
        "error.code": "The fault's kind.",
        "error.message": "What to do about it.",
        "error.details": "More for programs.",
    ]
    public var index: Int
    public var task: String?
    public var error: Fault

    public init(index: Int, task: String?, error: Fault) {
        self.index = index
        self.task = task
        self.error = error
    }
}
