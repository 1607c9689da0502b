import Postgres
import Protocol

extension TaskStore {
    enum SQL {
        static let find = Statement<TaskRecord>(
            """
            SELECT t.*, ARRAY(
                   SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id ORDER BY p.slug) AS depends_on
              FROM nave.tasks t
             WHERE t.id = $1 OR (t.project_id = $2 AND t.slug = $1)
             ORDER BY t.id = $1 DESC
             LIMIT 1
            """
        )

        /// Only asked after a miss; those that begin alike, and some more to compare with.
        static let near = Statement<String>(
            """
            SELECT slug FROM nave.tasks
             WHERE project_id = $1
             ORDER BY left(slug, 3) <> left($2, 3), slug
             LIMIT 1000
            """
        )

        static let list = Statement<TaskRecord>(
            """
            SELECT t.*, ARRAY(
                   SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
                    WHERE d.dependent_task_id = t.id ORDER BY p.slug) AS depends_on
              FROM nave.tasks t
             WHERE ($1::int8 IS NULL
                    OR (t.created_at, t.id) < ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
               AND ($4::text IS NULL OR t.project_id = $4)
               AND ($5::text[] IS NULL OR t.status = ANY ($5)) AND ($6::text[] IS NULL OR t.level = ANY ($6))
               AND ($7::text[] IS NULL OR coalesce(t.priority, 'medium') = ANY ($7))
               AND ($8::text[] IS NULL OR t.tags @> $8) AND ($9::text IS NULL OR t.assignee = $9)
               AND ($10::text IS NULL OR starts_with(t.path, $10))
               AND ($11::text IS NULL OR t.parent_task_id = $11)
               AND ($12::timestamptz IS NULL OR t.due_at < $12) AND ($13::text[] IS NULL OR t.slug = ANY ($13))
               AND ($14::text IS NULL OR EXISTS (
                   SELECT FROM nave.projects p
                    WHERE p.id = t.project_id
                      AND (p.org_id IS NULL OR EXISTS (
                          SELECT FROM nave.organization_members m WHERE m.org_id = p.org_id AND m.account_id = $14))))
             ORDER BY t.created_at DESC, t.id DESC
             LIMIT $3
            """
        )

        static let isTaken = Statement<Bool>(
            "SELECT EXISTS (SELECT FROM nave.tasks WHERE project_id = $1 AND slug = $2)"
        )

        static let create = Statement<Void>(
            """
            INSERT INTO nave.tasks
                   (id, project_id, slug, name, path, body, scope, risk, impact, level, priority, tags, assignee,
                    due_at, parent_task_id, category, sort_order, metadata)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::jsonb)
            """
        )

        static let isParent = Statement<Bool>(
            "SELECT EXISTS (SELECT FROM nave.tasks WHERE id = $1 AND project_id = $2)"
        )

        /// Whether the first is the second or below it.
        static let isBelow = Statement<Bool>(
            """
            WITH RECURSIVE above (id) AS (
                SELECT $1::text
                UNION
                SELECT t.parent_task_id FROM above a JOIN nave.tasks t ON t.id = a.id
                 WHERE t.parent_task_id IS NOT NULL AND a.id <> $2
            )
            SELECT EXISTS (SELECT FROM above WHERE id = $2)
            """
        )

        static let update = Statement<Void>(
            """
            UPDATE nave.tasks
               SET name = coalesce($3, name), slug = coalesce($4, slug),
                   path = CASE WHEN 'path' = ANY ($2::text[]) THEN NULL ELSE coalesce($5, path) END,
                   body = CASE WHEN 'body' = ANY ($2) THEN NULL ELSE coalesce($6, body) END,
                   scope = CASE WHEN 'scope' = ANY ($2) THEN NULL ELSE coalesce($7, scope) END,
                   risk = CASE WHEN 'risk' = ANY ($2) THEN NULL ELSE coalesce($8, risk) END,
                   impact = CASE WHEN 'impact' = ANY ($2) THEN NULL ELSE coalesce($9, impact) END,
                   level = CASE WHEN 'level' = ANY ($2) THEN NULL ELSE coalesce($10, level) END,
                   priority = CASE WHEN 'priority' = ANY ($2) THEN NULL ELSE coalesce($11, priority) END,
                   tags = coalesce($12, tags),
                   assignee = CASE WHEN 'assignee' = ANY ($2) THEN NULL ELSE coalesce($13, assignee) END,
                   due_at = CASE WHEN 'dueAt' = ANY ($2) THEN NULL ELSE coalesce($14, due_at) END,
                   parent_task_id = CASE WHEN 'parentTaskId' = ANY ($2) THEN NULL
                                         ELSE coalesce($15, parent_task_id) END,
                   category = CASE WHEN 'category' = ANY ($2) THEN NULL ELSE coalesce($16, category) END,
                   sort_order = coalesce($17, sort_order),
                   summary = CASE WHEN 'summary' = ANY ($2) THEN NULL ELSE coalesce($18, summary) END,
                   metadata = coalesce($19::jsonb, metadata),
                   safe_exit = CASE WHEN 'safeExit' = ANY ($2) THEN '{}' ELSE safe_exit END
             WHERE id = $1
            """
        )

        /// Whoever moves a task locks its row, and looks at it afterwards: a lock that had to be waited for shows the
        /// row as it is now, but what it is joined with as it was before.
        static let lock = Statement<String>("SELECT id FROM nave.tasks WHERE id = $1 FOR NO KEY UPDATE")

        static let held = Statement<HeldTask>(
            """
            SELECT t.id, t.project_id, t.slug, t.name, t.status, t.priority, m.session_id
              FROM nave.tasks t
              LEFT JOIN nave.mappings m ON m.id = t.mapping_id AND m.status = 'active'
             WHERE t.id = $1
            """
        )

        static let unfinished = Statement<String>(
            """
            SELECT p.slug FROM nave.task_dependencies d JOIN nave.tasks p ON p.id = d.depends_on_task_id
             WHERE d.dependent_task_id = $1 AND p.status <> 'completed'
             ORDER BY p.slug LIMIT 11
            """
        )

        static let delete = Statement<Void>("DELETE FROM nave.tasks WHERE id = $1")
    }
}
