import Foundation
import HubCore
import Postgres
import Protocol

/// What the hub remembers of tasks.
struct TaskStore: Sendable {
    let database: Database
    let projects: ProjectStore

    /// A task as a caller names it: by its id or, with a project, by its slug.
    struct Name: Sendable {
        var task: String
        var project: ProjectID?
    }

    /// What a caller means by a task and perhaps a project.
    func name(_ task: String, in project: String?, for caller: Caller) async throws(Fault) -> Name {
        guard let project else { return Name(task: task) }
        return Name(task: task, project: try await projects.find(project, seenBy: caller.confinedTo).id)
    }

    /// - Throws: `NOT_FOUND` that names what comes close.
    func find(_ name: Name) async throws(Fault) -> TaskRecord {
        if let task = try await database.first(SQL.find, [name.task, name.project]) { return task }
        throw try await unknown(name)
    }

    func unknown(_ name: Name) async throws(Fault) -> Fault {
        guard let project = name.project else {
            let shown = name.task.prefix(100)
            return Fault(.notFound, "There is no task “\(shown)”; give projectId with a slug, or list with task.list.")
        }
        let slugs = try await database.query(SQL.near, [project, name.task])
        return Nearness.notFound("task", name.task, among: slugs, listedBy: "task.list")
    }

    /// - Parameter account: Sees what is open to it; `nil` sees everything.
    func list(
        _ project: ProjectID?,
        _ filter: TaskFilter,
        seenBy account: AccountID?,
        _ cursor: CreationCursor
    ) async throws(Fault) -> [TaskRecord] {
        try await database.query(SQL.list, cursor.values + [project] + filter.values + [account])
    }

    /// Stores a task with its dependencies. One that is new closes no cycle but with itself.
    func create(_ request: CreateTask, in project: ProjectID) async throws(Fault) -> TaskRecord {
        try await Self.inCallersWords(request.slug) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> TaskRecord in
                let slug = try await freeSlug(request, in: project, transaction)
                let id = TaskID.random()
                try await transaction.execute(
                    SQL.create,
                    [
                        id, project, slug, request.name, request.path, request.body, request.scope, request.risk,
                        request.impact, request.level, request.priority, request.tags ?? [], request.assignee,
                        request.dueAt, request.parentTaskId, request.category, request.sortOrder ?? 0,
                        request.metadata ?? .object([:]),
                    ]
                )
                try await requireParent(request.parentTaskId, in: project, transaction)
                if let slugs = request.dependsOn {
                    try await TaskDependencyStore.replace(of: id, by: slugs, in: project, transaction)
                }
                return try await Self.require(id, transaction)
            }
        }
    }

    /// The slug asked for, or one made from the name that nobody has.
    private func freeSlug(
        _ request: CreateTask,
        in project: ProjectID,
        _ transaction: Transaction
    ) async throws(Fault) -> String {
        if let slug = request.slug { return slug }
        let slug = TaskRules.slug(from: request.name) ?? "task"
        try await transaction.execute(TaskDependencyStore.SQL.lock, [project])
        guard try await transaction.first(SQL.isTaken, [project, slug]) == true else { return slug }
        return "\(slug)-\(TaskID.random().rawValue.prefix(8))"
    }

    /// A part belongs to the project of its whole, and no task is a part of its own parts.
    private func requireParent(
        _ parent: TaskID?,
        in project: ProjectID,
        _ transaction: Transaction,
        of task: TaskID? = nil
    ) async throws(Fault) {
        guard let parent else { return }
        guard try await transaction.first(SQL.isParent, [parent, project]) == true else {
            throw .invalid("parentTaskId", "must be a task of the same project.")
        }
        guard let task, try await transaction.first(SQL.isBelow, [parent, task]) == true else { return }
        throw .invalid("parentTaskId", "must not be the task itself or a part of it.")
    }

    /// The task as changed; what is `nil` stays as it is.
    func update(_ name: Name, _ request: UpdateTask) async throws(Fault) -> TaskRecord {
        let task = try await find(name)
        return try await Self.inCallersWords(request.slug) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> TaskRecord in
                let clear = (request.clear ?? []).map(\.rawValue)
                let changed = try await transaction.execute(
                    SQL.update,
                    [
                        task.id, clear, request.name, request.slug, request.path, request.body, request.scope,
                        request.risk, request.impact, request.level, request.priority, request.tags, request.assignee,
                        request.dueAt, request.parentTaskId, request.category, request.sortOrder, request.summary,
                        request.metadata,
                    ]
                )
                guard changed > 0 else { throw Self.gone(task.slug) }
                try await requireParent(request.parentTaskId, in: task.projectId, transaction, of: task.id)
                if let slugs = request.dependsOn {
                    try await TaskDependencyStore.replace(of: task.id, by: slugs, in: task.projectId, transaction)
                }
                return try await Self.require(task.id, transaction)
            }
        }
    }

    /// The task that was removed.
    ///
    /// - Throws: `CONFLICT` while a session works on it.
    func delete(_ name: Name) async throws(Fault) -> TaskRecord {
        let task = try await find(name)
        return try await database.transaction { transaction async throws(Fault) -> TaskRecord in
            let held = try await Self.hold(task, transaction)
            if let session = held.session {
                throw Fault(
                    .conflict,
                    "Session \(session) works on “\(task.slug)”; abort it or wait for its end.",
                    details: ["sessionId": .string(session.rawValue)]
                )
            }
            try await transaction.execute(SQL.delete, [task.id])
            return task
        }
    }

    /// The task as it is from here on until commit, if nobody but this transaction moves it.
    static func hold(_ task: TaskRecord, _ transaction: Transaction) async throws(Fault) -> HeldTask {
        try await transaction.execute(SQL.lock, [task.id])
        guard let held = try await transaction.first(SQL.held, [task.id]) else { throw gone(task.slug) }
        return held
    }

    static func require(_ id: TaskID, _ transaction: Transaction) async throws(Fault) -> TaskRecord {
        guard let task = try await transaction.first(SQL.find, [id, nil]) else { throw gone(id.rawValue) }
        return task
    }

    /// Why a task is not under way: the session that works on it, or a sentence.
    func why(_ id: TaskID) async throws(Fault) -> (session: SessionID?, isWaiting: Bool, message: String) {
        guard let task = try await database.first(SQL.held, [id]) else {
            throw try await unknown(Name(task: id.rawValue))
        }
        if let session = task.session { return (session, false, "") }
        switch task.status {
        case .completed: return (nil, false, "It does not wait: it is completed.")
        case .failed: return (nil, true, "It failed and waits for somebody to retry it.")
        case .inProgress: return (nil, false, "It does not wait: it was begun by hand.")
        case .blocked: return (nil, true, "It was blocked by hand and waits for somebody to unblock it.")
        case .pending: break
        }
        let first = try await database.query(SQL.unfinished, [id])
        if !first.isEmpty {
            let more = first.count > 10 ? ", …" : "."
            return (nil, true, "It waits for \(first.prefix(10).joined(separator: ", "))\(more)")
        }
        let record = try await find(Name(task: id.rawValue))
        if let left = record.safeExit { return (nil, true, "It was left undone: \(left.reason)") }
        return (nil, true, "It is ready and waits for somebody to claim, start or spawn it.")
    }

    static func gone(_ slug: String) -> Fault {
        Fault(.notFound, "The task “\(slug)” was removed meanwhile; list them with task.list.")
    }

    private static func inCallersWords<Answer: Sendable>(
        _ slug: String?,
        _ body: () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        do {
            return try await body()
        } catch {
            guard error.details?["constraint"]?.stringValue == "unq_tasks_project_slug" else { throw error }
            throw Fault(
                .conflict,
                "There is a task “\(slug ?? "")” in this project already; choose another slug.",
                details: ["field": "slug"]
            )
        }
    }
}
