import Foundation
import HubCore
import Postgres
import Protocol

/// Moves tasks from state to state: by hand, by claim, and for sessions.
struct TaskMoveStore: Sendable {
    let database: Database
    let tasks: TaskStore

    /// What comes with a deed.
    struct Change: Sendable {
        /// Takes the place of the assignee.
        var assignee: String?
        /// Stands in if there is no assignee.
        var actor: String?
        var summary: String?
        var left: SafeExit?
    }

    /// Does what ``TaskLifecycle`` allows.
    ///
    /// - Throws: `INVALID_TRANSITION` that says what to do instead.
    func move(
        _ name: TaskStore.Name,
        _ deed: TaskLifecycle.Deed,
        _ change: Change = Change()
    ) async throws(Fault) -> TaskRecord {
        let moved = try await database.transaction { transaction async throws(Fault) -> TaskRecord? in
            guard let id = try await transaction.first(SQL.lock, [name.task, name.project]),
                let task = try await transaction.first(TaskStore.SQL.held, [id])
            else { return nil }
            guard let next = TaskLifecycle.outcome(of: deed, on: task.status, isWorkedOn: task.isWorkedOn) else {
                throw Self.refusal(of: deed, task)
            }
            return try await transaction.first(
                SQL.move,
                [
                    task.id, next, change.assignee, change.actor, change.summary, change.left.map { JSON($0) },
                    task.isWorkedOn, deed == .retry,
                ]
            )
        }
        guard let moved else { throw try await tasks.unknown(name) }
        return moved
    }

    private static func refusal(of deed: TaskLifecycle.Deed, _ task: HeldTask) -> Fault {
        let advice = TaskLifecycle.advice(against: deed, on: task.status, isWorkedOn: task.isWorkedOn)
        var details: [String: JSONValue] = ["status": .string(task.status.rawValue)]
        if let session = task.session { details["sessionId"] = .string(session.rawValue) }
        return Fault(
            .invalidTransition,
            "“\(task.slug)” is \(task.status.rawValue): \(advice)",
            details: .object(details)
        )
    }

    /// The tasks that can be begun, in the order in which they are claimed.
    func ready(_ request: ListReadyTasks, in project: ProjectID, limit: Int) async throws(Fault) -> [TaskRecord] {
        try await database.query(SQL.ready, [project, request.level, request.tags, limit])
    }

    /// Takes the first of them, as many as are asked for and nobody else is taking.
    func claim(_ request: ClaimTask, in project: ProjectID, for assignee: String) async throws(Fault) -> [TaskRecord] {
        try await database.query(
            SQL.claim,
            [project, request.level, request.tags, assignee, request.count ?? 1]
        )
    }

    // MARK: Sessions

    /// The task that a session is spawned for, its row held.
    ///
    /// - Throws: `NOT_FOUND`; `INVALID_TRANSITION` for one that cannot be begun; `CONFLICT` while a session works on
    ///   it.
    static func take(
        _ wanted: String,
        in project: ProjectID,
        _ transaction: Transaction
    ) async throws(Fault) -> HeldTask {
        guard let seen = try await transaction.first(TaskStore.SQL.find, [wanted, project]), seen.projectId == project
        else {
            let slugs = try await transaction.query(TaskStore.SQL.near, [project, wanted])
            throw Nearness.notFound("task", wanted, among: slugs, listedBy: "task.list")
        }
        let task = try await TaskStore.hold(seen, transaction)
        if let session = task.session {
            throw Fault(
                .conflict,
                "Session \(session) works on “\(task.slug)” already; abort it or wait for its end.",
                details: ["sessionId": .string(session.rawValue)]
            )
        }
        // One that was claimed or started by hand is handed to the session.
        guard task.status == .pending || task.status == .inProgress else { throw refusal(of: .start, task) }
        return task
    }

    /// Puts a task that was taken in the hands of a mapping.
    static func begin(_ task: TaskID, with mapping: MappingID, _ transaction: Transaction) async throws(Fault) {
        try await transaction.execute(SQL.begin, [task, mapping])
    }

    enum SQL {
        /// As ``TaskStore/SQL/lock``, by whichever name the caller gave.
        static let lock = Statement<String>(
            """
            SELECT id FROM nave.tasks t WHERE t.id = $1 OR (t.project_id = $2 AND t.slug = $1)
             ORDER BY t.id = $1 DESC LIMIT 1 FOR NO KEY UPDATE
            """
        )

        /// A state that a person brings about has no mapping behind it, unless one is still active.
        static let move = Statement<TaskRecord>(
            """
            UPDATE nave.tasks t
               SET status = $2, assignee = coalesce($3, t.assignee, $4), summary = coalesce($5, t.summary),
                   safe_exit = CASE WHEN $6::jsonb IS NOT NULL THEN $6::jsonb
                                    WHEN $2 IN ('pending', 'in-progress') THEN '{}' ELSE t.safe_exit END,
                   mapping_id = CASE WHEN $7::bool THEN t.mapping_id END,
                   retry_count = CASE WHEN $8::bool THEN 0 ELSE t.retry_count END
             WHERE t.id = $1
            RETURNING t.*, ARRAY(
                   SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id ORDER BY p.slug) AS depends_on
            """
        )

        static let ready = Statement<TaskRecord>(
            """
            SELECT t.*, ARRAY(
                   SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id ORDER BY p.slug) AS depends_on
              FROM nave.tasks t
             WHERE t.project_id = $1 AND t.status = 'pending' AND t.safe_exit = '{}'
               AND ($2::text IS NULL OR t.level = $2) AND ($3::text[] IS NULL OR t.tags @> $3)
               AND NOT EXISTS (
                   SELECT FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id AND p.status <> 'completed')
             ORDER BY CASE t.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END,
                   t.created_at, t.slug
             LIMIT $4
            """
        )

        /// Passes over what others are taking at this moment, so that claimers never wait for each other. A
        /// prerequisite that is completed stays so: whoever was ready when looked at is ready when taken. `OFFSET`
        /// keeps the planner from joining all tasks to their prerequisites to take some in the index's order.
        static let claim = Statement<TaskRecord>(
            """
            WITH picked AS MATERIALIZED (
                SELECT c.id FROM nave.tasks c
                 WHERE c.project_id = $1 AND c.status = 'pending' AND c.safe_exit = '{}'
                   AND ($2::text IS NULL OR c.level = $2) AND ($3::text[] IS NULL OR c.tags @> $3)
                   AND NOT EXISTS (
                       SELECT FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                        WHERE d.dependent_task_id = c.id AND p.status <> 'completed' OFFSET 0)
                 ORDER BY CASE c.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END,
                       c.created_at, c.slug
                 LIMIT $5
                   FOR NO KEY UPDATE OF c SKIP LOCKED
            ), taken AS (
                UPDATE nave.tasks t SET status = 'in-progress', assignee = $4, mapping_id = NULL
                  FROM picked
                 WHERE t.id = picked.id
                RETURNING t.*
            )
            SELECT t.*, ARRAY(
                   SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id ORDER BY p.slug) AS depends_on
              FROM taken t
             ORDER BY CASE t.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END,
                   t.created_at, t.slug
            """
        )

        static let begin = Statement<Void>(
            "UPDATE nave.tasks SET status = 'in-progress', mapping_id = $2, safe_exit = '{}' WHERE id = $1"
        )
    }
}
