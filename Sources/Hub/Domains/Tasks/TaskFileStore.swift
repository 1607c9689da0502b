import Foundation
import HubCore
public import Postgres
public import Protocol

/// Takes tasks in and hands them out, many at once.
struct TaskFileStore: Sendable {
    let database: Database

    /// All of them or none.
    ///
    /// - Throws: `VALIDATION_ERROR` for dependencies on tasks that are nowhere, `CONFLICT` with the cycles.
    func take(_ entries: [TaskEntry], in project: ProjectID) async throws(Fault) -> ImportTasks.Output {
        try await database.transaction { transaction async throws(Fault) -> ImportTasks.Output in
            try await transaction.execute(TaskDependencyStore.SQL.lock, [project])
            let rows = entries.map { Incoming(id: .random(), entry: $0) }
            let stored = try await transaction.query(SQL.store, [project, JSON(rows)])
            let dependencies = try await connect(entries, in: project, transaction)
            return ImportTasks.Output(
                created: stored.filter(\.isNew).map(\.slug),
                updated: stored.filter { !$0.isNew }.map(\.slug),
                dependencies: dependencies
            )
        }
    }

    private func connect(
        _ entries: [TaskEntry],
        in project: ProjectID,
        _ transaction: Transaction
    ) async throws(Fault) -> Int {
        let connected = entries.filter { $0.dependsOn != nil }
        guard !connected.isEmpty else { return 0 }
        let pairs = connected.flatMap { entry in (entry.dependsOn ?? []).map { (entry.id, $0) } }
        let (dependents, prerequisites) = (pairs.map(\.0), pairs.map(\.1))
        let unknown = try await transaction.query(TaskDependencyStore.SQL.unknown, [project, prerequisites])
        if !unknown.isEmpty {
            let missing = Set(unknown)
            let found = entries.enumerated().compactMap { index, entry -> Fault.Violation? in
                let names = (entry.dependsOn ?? []).filter(missing.contains)
                guard !names.isEmpty else { return nil }
                let message = "names no task of the import or the project: \(names.joined(separator: ", "))."
                return .init(path: "tasks[\(index)].dependsOn", message: message)
            }
            throw .invalid(Array(found.prefix(Limits.violations)))
        }
        try await transaction.execute(SQL.keepOnly, [project, connected.map(\.id), dependents, prerequisites])
        let ids = pairs.map { _ in Ids.random() }
        try await transaction.execute(SQL.connect, [project, dependents, prerequisites, ids])
        let graph = TaskGraph(
            tasks: try await transaction.query(TaskGraphStore.SQL.names, [project]),
            edges: try await transaction.query(TaskGraphStore.SQL.edges, [project])
        )
        let cycles = graph.cycles
        guard cycles.isEmpty else { throw TaskCycle.fault(cycles) }
        return Set(pairs.map { "\($0.0)\n\($0.1)" }).count
    }

    func export(_ project: ProjectID, after slug: String?, limit: Int) async throws(Fault) -> [TaskEntry] {
        try await database.query(SQL.export, [project, slug, limit])
    }

    /// A task with the id that it gets if it is new.
    private struct Incoming: Encodable, Sendable {
        let id: TaskID
        let entry: TaskEntry
    }

    struct TakenTask: RowDecodable {
        var slug: String
        var isNew: Bool

        init(_ row: Row) throws(Fault) {
            slug = try row["slug"]
            isNew = try row["is_new"]
        }
    }

    enum SQL {
        /// What an entry does not say stays as it is; a known task's state is the hub's own business.
        static let store = Statement<TakenTask>(
            """
            INSERT INTO nave.tasks AS known
                   (id, project_id, slug, name, status, scope, risk, impact, level, priority, tags, assignee, due_at,
                    path, body)
            SELECT r.id, $1, e.id, e.name, coalesce(e.status, 'pending'), e.scope, e.risk, e.impact, e.level,
                   e.priority, coalesce(e.tags, '{}'), e.assignee, e.due, e.path, e.body
              FROM jsonb_to_recordset($2::jsonb) AS r (id text, entry jsonb),
                   LATERAL jsonb_to_record(r.entry) AS e (
                       id text, name text, status text, scope text, risk text, impact text, level text,
                       priority text, tags text[], assignee text, due timestamptz, path text, body text)
            ON CONFLICT (project_id, slug) DO UPDATE
               SET name = excluded.name, scope = coalesce(excluded.scope, known.scope),
                   risk = coalesce(excluded.risk, known.risk), impact = coalesce(excluded.impact, known.impact),
                   level = coalesce(excluded.level, known.level),
                   priority = coalesce(excluded.priority, known.priority),
                   tags = CASE excluded.tags WHEN '{}' THEN known.tags ELSE excluded.tags END,
                   assignee = coalesce(excluded.assignee, known.assignee),
                   due_at = coalesce(excluded.due_at, known.due_at), path = coalesce(excluded.path, known.path),
                   body = coalesce(excluded.body, known.body)
            RETURNING slug, xmax = 0 AS is_new
            """
        )

        static let keepOnly = Statement<Void>(
            """
            DELETE FROM nave.task_dependencies d USING nave.tasks t, nave.tasks p
             WHERE t.id = d.dependent_task_id AND p.id = d.depends_on_task_id AND t.project_id = $1
               AND t.slug = ANY ($2::text[])
               AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS k (dependent, prerequisite)
                                WHERE k.dependent = t.slug AND k.prerequisite = p.slug)
            """
        )

        static let connect = Statement<Void>(
            """
            INSERT INTO nave.task_dependencies (id, depends_on_task_id, dependent_task_id)
            SELECT s.id, p.id, t.id
              FROM unnest($2::text[], $3::text[], $4::text[]) AS s (dependent, prerequisite, id)
              JOIN nave.tasks t ON t.project_id = $1 AND t.slug = s.dependent
              JOIN nave.tasks p ON p.project_id = $1 AND p.slug = s.prerequisite
            ON CONFLICT (depends_on_task_id, dependent_task_id) DO NOTHING
            """
        )

        static let export = Statement<TaskEntry>(
            """
            SELECT t.slug, t.name, t.status, t.scope, t.risk, t.impact, t.level, t.priority, t.tags, t.assignee,
                   t.due_at, t.path, t.body, ARRAY(
                   SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id ORDER BY p.slug) AS depends_on
              FROM nave.tasks t
             WHERE t.project_id = $1 AND ($2::text IS NULL OR t.slug > $2)
             ORDER BY t.slug
             LIMIT $3
            """
        )
    }
}

extension TaskEntry: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(id: try row["slug"], name: try row["name"], dependsOn: try row["depends_on"])
        status = try row["status"]
        scope = try row["scope"]
        risk = try row["risk"]
        impact = try row["impact"]
        level = try row["level"]
        priority = try row["priority"]
        tags = try row["tags"]
        assignee = try row["assignee"]
        due = try row["due_at"]
        path = try row["path"]
        body = try row["body"]
    }
}
