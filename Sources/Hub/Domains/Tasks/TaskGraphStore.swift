import HubCore
import Postgres
import Protocol

/// Reads a project's tasks as a graph.
struct TaskGraphStore: Sendable {
    let database: Database

    /// Tasks by priority, then slug; which settles every tie.
    ///
    /// - Throws: `TOO_LARGE` for more than ``Limits/graphTasks``.
    func graph(of project: ProjectID, _ filter: TaskFilter) async throws(Fault) -> TaskGraph {
        let most = Limits.graphTasks
        let values: [(any Bindable)?] = [project, most + 1]
        let tasks = try await database.query(SQL.nodes, values + filter.values)
        let edges = try await database.query(SQL.edges, [project])
        guard tasks.count <= most, edges.count <= most * 4 else {
            throw Fault(.tooLarge, "That is more than \(most) tasks or \(most * 4) dependencies; ask with a filter.")
        }
        return TaskGraph(tasks: tasks, edges: edges)
    }

    enum SQL {
        /// Slugs by their bytes, so that the order is the same under every locale.
        static let nodes = Statement<TaskNode>(
            """
            SELECT t.id, t.slug, t.name, t.status, t.scope, t.risk, t.impact
              FROM nave.tasks t
             WHERE t.project_id = $1
               AND ($3::text[] IS NULL OR t.status = ANY ($3)) AND ($4::text[] IS NULL OR t.level = ANY ($4))
               AND ($5::text[] IS NULL OR coalesce(t.priority, 'medium') = ANY ($5))
               AND ($6::text[] IS NULL OR t.tags @> $6) AND ($7::text IS NULL OR t.assignee = $7)
               AND ($8::text IS NULL OR starts_with(t.path, $8))
               AND ($9::text IS NULL OR t.parent_task_id = $9)
               AND ($10::timestamptz IS NULL OR t.due_at < $10) AND ($11::text[] IS NULL OR t.slug = ANY ($11))
             ORDER BY CASE t.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END,
                   t.slug COLLATE "C"
             LIMIT $2
            """
        )

        /// All of a project, with what it takes to tell of a cycle.
        static let names = Statement<TaskNode>(
            """
            SELECT t.id, t.slug, t.name, t.status, t.scope, t.risk, t.impact
              FROM nave.tasks t
             WHERE t.project_id = $1
             ORDER BY t.slug COLLATE "C"
            """
        )

        static let edges = Statement<TaskEdge>(
            """
            SELECT d.depends_on_task_id, d.dependent_task_id, d.quality_retention
              FROM nave.task_dependencies d JOIN nave.tasks t ON t.id = d.dependent_task_id
             WHERE t.project_id = $1
            """
        )
    }
}
