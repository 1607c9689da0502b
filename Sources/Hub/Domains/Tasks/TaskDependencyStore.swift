import Foundation
import HubCore
import Postgres
import Protocol

/// What the hub remembers of tasks that wait for others.
///
/// Whoever adds dependencies holds the project's lock until commit, so that two of them cannot close a cycle together
/// that neither closes alone.
struct TaskDependencyStore: Sendable {
    let database: Database
    let tasks: TaskStore

    /// Both ends of a dependency, as they are named by a caller.
    private func ends(
        _ dependent: String,
        _ prerequisite: String,
        _ project: String?,
        _ caller: Caller
    ) async throws(Fault) -> (dependent: TaskRecord, prerequisite: TaskRecord) {
        let waiting = try await tasks.find(try await tasks.name(dependent, in: project, for: caller))
        let first = try await tasks.find(.init(task: prerequisite, project: waiting.projectId))
        return (waiting, first)
    }

    /// - Throws: `CONFLICT` with the cycle that it would close, or for tasks of two projects.
    func add(_ request: AddTaskDependency, by caller: Caller) async throws(Fault) -> TaskDependencyRecord {
        let (dependent, prerequisite) = try await ends(request.taskId, request.dependsOn, request.projectId, caller)
        guard dependent.projectId == prerequisite.projectId else {
            throw Fault(
                .conflict,
                "“\(dependent.slug)” and “\(prerequisite.slug)” belong to different projects; tasks depend on tasks of "
                    + "their own project only."
            )
        }
        if dependent.id == prerequisite.id { throw TaskCycle.fault([dependent.slug]) }
        return try await database.transaction { transaction async throws(Fault) -> TaskDependencyRecord in
            try await transaction.execute(SQL.lock, [dependent.projectId])
            if try await transaction.first(SQL.leads, [dependent.id, prerequisite.id]) == true {
                throw try await Self.closing(dependent, prerequisite, transaction)
            }
            let values: [(any Bindable)?] = [
                Ids.random(), prerequisite.id, dependent.id, request.qualityRetention,
            ]
            guard let stored = try await transaction.first(SQL.add, values) else {
                throw TaskStore.gone(dependent.slug)
            }
            return stored
        }
    }

    private static func closing(
        _ dependent: TaskRecord,
        _ prerequisite: TaskRecord,
        _ transaction: Transaction
    ) async throws(Fault) -> Fault {
        let graph = TaskGraph(
            tasks: try await transaction.query(TaskGraphStore.SQL.names, [dependent.projectId]),
            edges: try await transaction.query(TaskGraphStore.SQL.edges, [dependent.projectId])
        )
        let (start, end) = (graph.number(of: dependent.id.rawValue), graph.number(of: prerequisite.id.rawValue))
        guard let start, let end, let path = graph.graph.path(from: start, to: end) else {
            return TaskCycle.fault([dependent.slug, prerequisite.slug])
        }
        return TaskCycle.fault(graph.slugs(path))
    }

    func remove(_ request: RemoveTaskDependency, by caller: Caller) async throws(Fault) -> TaskDependencyRecord {
        let (dependent, prerequisite) = try await ends(request.taskId, request.dependsOn, request.projectId, caller)
        guard let removed = try await database.first(SQL.remove, [prerequisite.id, dependent.id]) else {
            throw Fault(.notFound, "“\(dependent.slug)” does not depend on “\(prerequisite.slug)”; nothing to remove.")
        }
        return removed
    }

    func list(
        _ project: ProjectID,
        of task: TaskID?,
        after cursor: [String]?,
        limit: Int
    ) async throws(Fault) -> [TaskDependencyRecord] {
        try await database.query(SQL.list, [project, task, cursor?[0], cursor?[1], limit])
    }

    /// Makes these slugs all that a task depends on.
    static func replace(
        of task: TaskID,
        by slugs: [String],
        in project: ProjectID,
        _ transaction: Transaction
    ) async throws(Fault) {
        try await transaction.execute(SQL.lock, [project])
        let unknown = try await transaction.query(SQL.unknown, [project, slugs])
        guard unknown.isEmpty else {
            throw .invalid("dependsOn", "names no task of this project: \(Wording.naming(unknown)).")
        }
        try await transaction.execute(SQL.keepOnly, [task, project, slugs])
        let ids = slugs.map { _ in Ids.random() }
        try await transaction.execute(SQL.addMany, [task, project, slugs, ids])
        guard let looped = try await transaction.first(SQL.closes, [task]) else { return }
        let graph = TaskGraph(
            tasks: try await transaction.query(TaskGraphStore.SQL.names, [project]),
            edges: try await transaction.query(TaskGraphStore.SQL.edges, [project])
        )
        guard let start = graph.number(of: task.rawValue), let end = graph.number(of: looped),
            let path = graph.graph.path(from: start, to: end)
        else { throw TaskCycle.fault(slugs) }
        throw TaskCycle.fault(graph.slugs(path))
    }
}

/// How a cycle is told.
enum TaskCycle {
    /// - Parameter cycle: slugs, each before its dependent, the last before the first.
    static func fault(_ cycle: [String]) -> Fault {
        Fault(
            .conflict,
            "That would close a cycle: \(text(cycle)); take away one of these dependencies first.",
            details: ["field": "dependsOn", "cycle": .array(cycle.map(JSONValue.string))]
        )
    }

    /// Dependencies that already are what they must not be, or that an import brings.
    static func fault(_ cycles: [[String]]) -> Fault {
        let more = cycles.count > 1 ? ", and \(cycles.count - 1) more" : ""
        return Fault(
            .conflict,
            "These tasks wait for themselves: \(text(cycles.first ?? []))\(more); take away one of these dependencies.",
            details: ["field": "dependsOn", "cycles": .array(cycles.map { .array($0.map(JSONValue.string)) })]
        )
    }

    private static func text(_ cycle: [String]) -> String {
        let shown = cycle.count > 12 ? cycle.prefix(10) + ["…"] + cycle.suffix(1) : cycle[...]
        return (shown + cycle.prefix(1)).joined(separator: " → ")
    }
}

extension TaskDependencyStore {
    enum SQL {
        static let lock = Statement<String>("SELECT pg_advisory_xact_lock(hashtextextended($1, 7421))::text")

        /// Whether a way leads from the first to the second. `UNION` walks each task once.
        static let leads = Statement<Bool>(
            """
            WITH RECURSIVE behind (id) AS (
                SELECT $1::text
                UNION
                SELECT d.dependent_task_id FROM behind b
                  JOIN nave.task_dependencies d ON d.depends_on_task_id = b.id
            )
            SELECT EXISTS (SELECT FROM behind WHERE id = $2)
            """
        )

        /// A prerequisite of the task to which a way leads from it.
        static let closes = Statement<String>(
            """
            WITH RECURSIVE behind (id) AS (
                SELECT $1::text
                UNION
                SELECT d.dependent_task_id FROM behind b
                  JOIN nave.task_dependencies d ON d.depends_on_task_id = b.id
            )
            SELECT d.depends_on_task_id
              FROM nave.task_dependencies d JOIN behind b ON b.id = d.depends_on_task_id
             WHERE d.dependent_task_id = $1
             ORDER BY 1 LIMIT 1
            """
        )

        static let add = Statement<TaskDependencyRecord>(
            """
            INSERT INTO nave.task_dependencies AS known (id, depends_on_task_id, dependent_task_id, quality_retention)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (depends_on_task_id, dependent_task_id)
                DO UPDATE SET quality_retention = coalesce(excluded.quality_retention, known.quality_retention)
            RETURNING depends_on_task_id, dependent_task_id, quality_retention,
                (SELECT slug FROM nave.tasks WHERE id = depends_on_task_id) AS depends_on,
                (SELECT slug FROM nave.tasks WHERE id = dependent_task_id) AS dependent
            """
        )

        static let remove = Statement<TaskDependencyRecord>(
            """
            DELETE FROM nave.task_dependencies WHERE depends_on_task_id = $1 AND dependent_task_id = $2
            RETURNING depends_on_task_id, dependent_task_id, quality_retention,
                (SELECT slug FROM nave.tasks WHERE id = depends_on_task_id) AS depends_on,
                (SELECT slug FROM nave.tasks WHERE id = dependent_task_id) AS dependent
            """
        )

        static let list = Statement<TaskDependencyRecord>(
            """
            SELECT d.depends_on_task_id, d.dependent_task_id, d.quality_retention, p.slug AS depends_on,
                   t.slug AS dependent
              FROM nave.task_dependencies d
              JOIN nave.tasks t ON t.id = d.dependent_task_id
              JOIN nave.tasks p ON p.id = d.depends_on_task_id
             WHERE t.project_id = $1
               AND ($2::text IS NULL OR d.dependent_task_id = $2 OR d.depends_on_task_id = $2)
               AND ($3::text IS NULL OR (t.slug, p.slug) > ($3, $4::text))
             ORDER BY t.slug, p.slug
             LIMIT $5
            """
        )

        static let unknown = Statement<String>(
            """
            SELECT DISTINCT s.slug FROM unnest($2::text[]) AS s (slug)
             WHERE NOT EXISTS (SELECT FROM nave.tasks t WHERE t.project_id = $1 AND t.slug = s.slug)
             ORDER BY 1 LIMIT 100
            """
        )

        static let keepOnly = Statement<Void>(
            """
            DELETE FROM nave.task_dependencies d USING nave.tasks p
             WHERE d.dependent_task_id = $1 AND p.id = d.depends_on_task_id
               AND NOT (p.project_id = $2 AND p.slug = ANY ($3::text[]))
            """
        )

        static let addMany = Statement<Void>(
            """
            INSERT INTO nave.task_dependencies (id, depends_on_task_id, dependent_task_id)
            SELECT s.id, p.id, $1
              FROM unnest($3::text[], $4::text[]) AS s (slug, id)
              JOIN nave.tasks p ON p.project_id = $2 AND p.slug = s.slug
            ON CONFLICT (depends_on_task_id, dependent_task_id) DO NOTHING
            """
        )
    }
}
