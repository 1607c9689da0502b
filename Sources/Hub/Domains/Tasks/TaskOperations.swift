import Foundation
import HubCore
import Postgres
import Protocol

/// Tasks, as callers may ask for them.
struct TaskOperations: Sendable {
    let projects: ProjectStore
    let tasks: TaskStore
    let moves: TaskMoveStore
    let dependencies: TaskDependencyStore
    let files: TaskFileStore
    private let folders: TaskFolder
    private let reach: Reach

    init(database: Database, projects: ProjectStore, composed: ComposedCalls) {
        self.projects = projects
        tasks = TaskStore(database: database, projects: projects)
        moves = TaskMoveStore(database: database, tasks: tasks)
        dependencies = TaskDependencyStore(database: database, tasks: tasks)
        files = TaskFileStore(database: database)
        folders = TaskFolder(composed: composed)
        reach = Reach(database: database)
    }

    func register(in table: inout OperationTable) {
        table.answer(CreateTask.self, with: create)
        table.answer(GetTask.self, with: get)
        table.answer(ListTasks.self, with: list)
        table.answer(UpdateTask.self, with: update)
        table.answer(DeleteTask.self, with: delete)
        table.answer(StartTask.self, with: start)
        table.answer(CompleteTask.self, with: complete)
        table.answer(FailTask.self, with: fail)
        table.answer(BlockTask.self, with: block)
        table.answer(UnblockTask.self, with: unblock)
        table.answer(RetryTask.self, with: retry)
        table.answer(LeaveTask.self, with: leave)
        table.answer(ListReadyTasks.self, with: ready)
        table.answer(ClaimTask.self, with: claim)
        table.answer(AddTaskDependency.self, with: addDependency)
        table.answer(RemoveTaskDependency.self, with: removeDependency)
        table.answer(ListTaskDependencies.self, with: listDependencies)
        table.answer(ImportTasks.self, with: take)
        table.answer(ExportTasks.self, with: export)
    }

    private func create(_ request: CreateTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        var violations = TaskRules.violations(
            slug: request.slug,
            name: request.name,
            path: request.path,
            body: request.body
        )
        violations += TaskRules.violations(
            tags: request.tags,
            assignee: request.assignee,
            summary: nil,
            dependsOn: request.dependsOn,
            metadata: request.metadata
        )
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await tasks.create(
            request,
            in: try await projects.find(request.projectId, seenBy: caller.confinedTo).id
        )
    }

    private func get(_ request: GetTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await tasks.find(try await tasks.name(request.taskId, in: request.projectId, for: caller))
    }

    private func list(_ request: ListTasks, by caller: Caller) async throws(Fault) -> TaskList {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        var project: ProjectID?
        if let wanted = request.projectId { project = try await projects.find(wanted, seenBy: caller.confinedTo).id }
        let rows = try await tasks.list(project, request.filter ?? TaskFilter(), seenBy: caller.confinedTo, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return TaskList(tasks: page.items, nextCursor: page.next)
    }

    private func update(_ request: UpdateTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        var violations = TaskRules.violations(
            slug: request.slug,
            name: request.name,
            path: request.path,
            body: request.body
        )
        violations += TaskRules.violations(
            tags: request.tags,
            assignee: request.assignee,
            summary: request.summary,
            dependsOn: request.dependsOn,
            metadata: request.metadata
        )
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await tasks.update(try await tasks.name(request.taskId, in: request.projectId, for: caller), request)
    }

    private func delete(_ request: DeleteTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await tasks.delete(try await tasks.name(request.taskId, in: request.projectId, for: caller))
    }
}

// MARK: - Moving on

extension TaskOperations {
    private func move(
        _ task: String,
        _ project: String?,
        _ deed: TaskLifecycle.Deed,
        _ change: TaskMoveStore.Change = .init(),
        by caller: Caller
    ) async throws(Fault) -> TaskRecord {
        let violations = TaskRules.violations(
            tags: nil,
            assignee: change.assignee,
            summary: change.summary,
            dependsOn: nil,
            metadata: nil
        )
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await moves.move(try await tasks.name(task, in: project, for: caller), deed, change)
    }

    private func start(_ request: StartTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        // A session answers for what it begins: it is free again at the session's end.
        let assignee = caller.sessionId?.rawValue ?? request.assignee
        return try await move(
            request.taskId,
            request.projectId,
            .start,
            .init(assignee: assignee, actor: caller.identity.id),
            by: caller
        )
    }

    private func complete(_ request: CompleteTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await move(request.taskId, request.projectId, .complete, .init(summary: request.summary), by: caller)
    }

    private func fail(_ request: FailTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await move(request.taskId, request.projectId, .fail, .init(summary: request.summary), by: caller)
    }

    private func block(_ request: BlockTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await move(request.taskId, request.projectId, .block, by: caller)
    }

    private func unblock(_ request: UnblockTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await move(request.taskId, request.projectId, .unblock, by: caller)
    }

    private func retry(_ request: RetryTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        try await move(request.taskId, request.projectId, .retry, by: caller)
    }

    private func leave(_ request: LeaveTask, by caller: Caller) async throws(Fault) -> TaskRecord {
        var violations: [Fault.Violation] = []
        for (path, text) in [("reason", request.reason), ("needs", request.needs ?? "-")] {
            let isText = !text.isEmpty && text.utf8.count <= Limits.taskBodyBytes && !text.utf8.contains(0)
            if !isText { violations.append(.init(path: path, message: "must be a text without U+0000.")) }
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        let exit = SafeExit(reason: request.reason, needs: request.needs, at: Date(), by: caller.identity.id)
        return try await move(request.taskId, request.projectId, .leave, .init(left: exit), by: caller)
    }

    private func ready(_ request: ListReadyTasks, by caller: Caller) async throws(Fault) -> ListReadyTasks.Output {
        let limit = try PageCursor.limit(request.limit)
        let project = try await projects.find(request.projectId, seenBy: caller.confinedTo)
        return ListReadyTasks.Output(tasks: try await moves.ready(request, in: project.id, limit: limit))
    }

    private func claim(_ request: ClaimTask, by caller: Caller) async throws(Fault) -> ClaimTask.Output {
        if let assignee = request.assignee {
            let violations = Wording.violations(ofName: assignee, at: "assignee")
            guard violations.isEmpty else { throw .invalid(violations) }
        }
        guard (1...Limits.tasksPerClaim).contains(request.count ?? 1) else {
            throw .invalid("count", "must be 1 to \(Limits.tasksPerClaim).")
        }
        let project = try await projects.find(request.projectId, seenBy: caller.confinedTo)
        let assignee = caller.sessionId?.rawValue ?? request.assignee ?? caller.identity.id
        return ClaimTask.Output(tasks: try await moves.claim(request, in: project.id, for: assignee))
    }
}

// MARK: - Dependencies and files

extension TaskOperations {
    private func addDependency(
        _ request: AddTaskDependency,
        by caller: Caller
    ) async throws(Fault) -> TaskDependencyRecord {
        if let retention = request.qualityRetention, !(0...1).contains(retention) {
            throw .invalid("qualityRetention", "must be between 0 and 1.")
        }
        try await reach.check(Belongings(of: ["taskId": .string(request.dependsOn)]), for: caller)
        return try await dependencies.add(request, by: caller)
    }

    private func removeDependency(
        _ request: RemoveTaskDependency,
        by caller: Caller
    ) async throws(Fault) -> TaskDependencyRecord {
        try await dependencies.remove(request, by: caller)
    }

    private func listDependencies(
        _ request: ListTaskDependencies,
        by caller: Caller
    ) async throws(Fault) -> ListTaskDependencies.Output {
        let limit = try PageCursor.limit(request.limit)
        let cursor = try PageCursor.parts(of: request.cursor, count: 2)
        let project = try await projects.find(request.projectId, seenBy: caller.confinedTo).id
        var task: TaskID?
        if let wanted = request.taskId { task = try await tasks.find(.init(task: wanted, project: project)).id }
        let found = try await dependencies.list(project, of: task, after: cursor, limit: limit + 1)
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.dependent, $0.dependsOn]) } : nil
        return ListTaskDependencies.Output(dependencies: page, nextCursor: next)
    }

    private func take(_ request: ImportTasks, by caller: Caller) async throws(Fault) -> ImportTasks.Output {
        let entries = try await entries(request, by: caller)
        guard entries.count <= Limits.tasksPerImport else {
            throw Fault(.tooLarge, "An import has at most \(Limits.tasksPerImport) tasks; send them in parts.")
        }
        var violations: [Fault.Violation] = []
        var places: [String: Int] = [:]
        for (index, entry) in entries.enumerated() where violations.count < Limits.violations {
            let place = request.directory == nil ? "tasks[\(index)]" : entry.path ?? entry.id
            violations += TaskRules.violations(entry, at: place)
            if let first = places.updateValue(index, forKey: entry.id) {
                let other = request.directory == nil ? "tasks[\(first)]" : entries[first].path ?? entry.id
                violations.append(.init(path: "\(place).id", message: "is that of \(other) already."))
            }
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        return try await files.take(
            entries,
            in: try await projects.find(request.projectId, seenBy: caller.confinedTo).id
        )
    }

    /// What is taken in: told outright, or read from the files of a worktree.
    private func entries(_ request: ImportTasks, by caller: Caller) async throws(Fault) -> [TaskEntry] {
        guard let directory = request.directory else {
            guard let tasks = request.tasks else { throw .invalid("tasks", "is required, or directory.") }
            guard request.workspaceId == nil, request.sessionId == nil else {
                throw .invalid("workspaceId", "goes with directory.")
            }
            return tasks
        }
        guard request.tasks == nil else { throw .invalid("directory", "is instead of tasks.") }
        return try await folders.entries(
            below: directory,
            workspace: request.workspaceId,
            session: request.sessionId,
            for: caller
        )
    }

    private func export(_ request: ExportTasks, by caller: Caller) async throws(Fault) -> ExportTasks.Output {
        let limit = try PageCursor.limit(request.limit, usual: 500)
        let cursor = try PageCursor.parts(of: request.cursor, count: 1)
        let project = try await projects.find(request.projectId, seenBy: caller.confinedTo).id
        let found = try await files.export(project, after: cursor?[0], limit: limit + 1)
        let page = Array(found.prefix(limit))
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.id]) } : nil
        return ExportTasks.Output(tasks: page, nextCursor: next)
    }
}
