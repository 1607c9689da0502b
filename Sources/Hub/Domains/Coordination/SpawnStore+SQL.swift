import Foundation
import HubCore
import Postgres
import Protocol

extension SpawnStore {
    /// A session that waits, with what placement asks for it.
    struct WaitingRow: RowDecodable {
        var session: WaitingSession
        var ask: PlacementAsk

        init(_ row: Row) throws(Fault) {
            let created: Date = try row["created_at"]
            session = WaitingSession(
                sessionId: try row["id"],
                projectId: try row["project_id"],
                priority: try row["priority"],
                age: Int64(created.timeIntervalSince1970 * 1_000_000)
            )
            ask = PlacementAsk(
                projectId: session.projectId,
                target: try row.json("target"),
                pinned: try row["pinned"],
                agent: WantedAgent(try row.json("run"))
            )
        }
    }

    struct RunningRow: RowDecodable {
        var project: ProjectID
        var count: Int

        init(_ row: Row) throws(Fault) {
            project = try row["project_id"]
            count = try row["count"]
        }
    }

    /// What an idempotency key spawned.
    struct Repeated: RowDecodable {
        var project: ProjectID
        var run: RunOrder
        var session: SpawnedSession

        init(_ row: Row) throws(Fault) {
            project = try row["project_id"]
            run = try row.json("run")
            session = SpawnedSession(
                sessionId: try row["session_id"],
                mappingId: try row["mapping_id"],
                workspaceId: try row["workspace_id"],
                spokeId: try row["spoke_id"],
                branch: try row["branch"],
                status: try row["status"]
            )
        }
    }

    /// A stored session as the order to start it.
    struct OrderRow: RowDecodable {
        var order: StartSession

        init(_ row: Row) throws(Fault) {
            let choice: WorktreeChoice = try row.json("worktree")
            order = StartSession(
                commandId: .random(),
                sessionId: try row["id"],
                fence: try row["fence"],
                title: try row["title"],
                workspace: WorkspaceOrder(
                    workspaceId: try row["workspace_id"],
                    projectId: try row["project_id"],
                    repository: try row["repository"],
                    defaultBranch: try row["default_branch"],
                    branch: try row["branch"],
                    base: try row["base_ref"],
                    mode: choice.mode ?? .new,
                    keep: choice.keep ?? .onFailure
                ),
                run: try row.json("run"),
                environment: try row.json("environment"),
                timeoutSeconds: try row["timeout_seconds"],
                disconnectPolicy: try row.json("disconnect_policy"),
                grants: try row["grants"],
                traceparent: try row["traceparent"]
            )
        }
    }

    enum SQL {
        static let exists = Statement<String>("SELECT id FROM nave.sessions WHERE id = $1")

        static let wake = Statement<String>("SELECT pg_notify($1, '')::text")

        /// Taking it is marking it: of two that want it one finds it busy.
        static let reuse = Statement<WorkspaceRecord>(
            """
            UPDATE nave.workspaces SET state = 'busy'
             WHERE id = $1 AND project_id = $2 AND state = 'ready' AND spoke_id IS NOT NULL
            RETURNING *
            """
        )

        /// Held to the end of the transaction, so that two spawns of one name do not both find it free.
        static let lockBranch = Statement<String>("SELECT pg_advisory_xact_lock(hashtextextended($1, 7420))::text")

        static let isTaken = Statement<Bool>(
            "SELECT EXISTS (SELECT FROM nave.workspaces WHERE project_id = $1 AND branch = $2)"
        )

        static let repeated = Statement<Repeated>(
            """
            SELECT s.project_id, s.run, s.id AS session_id, m.id AS mapping_id, m.workspace_id, m.spoke_id, w.branch,
                   m.status
              FROM nave.sessions s
              JOIN nave.mappings m ON m.session_id = s.id
              JOIN nave.workspaces w ON w.id = m.workspace_id
             WHERE s.account_id = $1 AND s.idempotency_key = $2
             ORDER BY m.created_at LIMIT 1
            """
        )

        /// All three or none; a worktree that is reused is there already.
        static let insert = Statement<Void>(
            """
            WITH place AS (
                INSERT INTO nave.workspaces (id, project_id, spoke_id, name, branch, base_ref, state)
                SELECT $3, $4, $5, $25, $19, $20, 'pending' WHERE NOT $24::bool
            ), session AS (
                INSERT INTO nave.sessions
                       (id, project_id, workspace_id, parent_id, account_id, slug, title, status, fence, run,
                        environment, worktree, target, grants, priority, timeout_seconds, disconnect_policy,
                        idempotency_key, metadata, last_activity_at)
                VALUES ($1, $4, $3, $6, $7, $8, $9, 'busy', $10, $11::jsonb, $12::jsonb, $13::jsonb, $14::jsonb, $15,
                        $16, $17, $18::jsonb, $23, $26::jsonb, now())
            )
            INSERT INTO nave.mappings
                   (id, session_id, spoke_id, workspace_id, parent_session_id, task, task_id, status)
            VALUES ($2, $1, $5, $3, $6, $21, $22, 'active')
            """
        )

        static let waiting = Statement<WaitingRow>(
            """
            SELECT s.id, s.project_id, s.priority, s.created_at, s.target, s.run,
                   CASE WHEN s.worktree ->> 'mode' = 'reuse' THEN w.spoke_id END AS pinned
              FROM nave.sessions s LEFT JOIN nave.workspaces w ON w.id = s.workspace_id
             WHERE ((s.status = 'busy' AND s.fence = 0) OR s.status = 'retry')
               AND ($2::text IS NULL OR (-s.priority, s.created_at, s.id)
                    > (SELECT -l.priority, l.created_at, l.id FROM nave.sessions l WHERE l.id = $2))
             ORDER BY s.priority DESC, s.created_at, s.id
             LIMIT $1
            """
        )

        static let waitingAmong = Statement<WaitingRow>(
            """
            SELECT s.id, s.project_id, s.priority, s.created_at, s.target, s.run,
                   CASE WHEN s.worktree ->> 'mode' = 'reuse' THEN w.spoke_id END AS pinned
              FROM nave.sessions s LEFT JOIN nave.workspaces w ON w.id = s.workspace_id
             WHERE s.id = ANY ($1::text[]) AND ((s.status = 'busy' AND s.fence = 0) OR s.status = 'retry')
            """
        )

        static let running = Statement<RunningRow>(
            """
            SELECT s.project_id, count(*) AS count
              FROM nave.mappings m JOIN nave.sessions s ON s.id = m.session_id
             WHERE m.status = 'active' AND m.spoke_id IS NOT NULL AND s.project_id = ANY ($1::text[])
             GROUP BY s.project_id
            """
        )

        /// Skips a session that another hub is placing or somebody is aborting at this moment.
        static let take = Statement<String>(
            """
            WITH taken AS (
                SELECT id, workspace_id FROM nave.sessions
                 WHERE id = $1 AND ((status = 'busy' AND fence = 0) OR status = 'retry') FOR UPDATE SKIP LOCKED
            ), session AS (
                UPDATE nave.sessions s SET status = 'busy', fence = s.fence + 1, last_activity_at = now()
                  FROM taken WHERE s.id = taken.id
            ), place AS (
                UPDATE nave.workspaces w SET spoke_id = $2 FROM taken
                 WHERE w.id = taken.workspace_id AND w.state = 'pending'
            )
            UPDATE nave.mappings m SET spoke_id = $2 FROM taken
             WHERE m.session_id = taken.id AND m.status = 'active'
            RETURNING m.session_id
            """
        )

        static let order = Statement<OrderRow>(
            """
            SELECT s.id, s.fence, s.title, s.workspace_id, s.project_id,
                   coalesce(p.repo_url, p.directory) AS repository,
                   p.default_branch, coalesce(w.branch, p.default_branch) AS branch, w.base_ref, s.worktree, s.run,
                   s.environment, s.timeout_seconds, s.disconnect_policy, s.grants,
                   s.metadata ->> 'traceparent' AS traceparent
              FROM nave.sessions s
              JOIN nave.projects p ON p.id = s.project_id
              JOIN nave.workspaces w ON w.id = s.workspace_id
             WHERE s.id = $1
            """
        )

        static let queued = Statement<MessageRecord>(
            """
            SELECT * FROM nave.messages
             WHERE session_id = $1 AND role = 'user' AND delivery = 'queued' AND status = 'pending'
             ORDER BY created_at, id
            """
        )
    }
}
