import HubCore
import Postgres
import Protocol

/// What becomes of sessions that are over: taken up again, or put away.
struct RevivalStore: Sendable {
    let database: Database

    /// Puts a session away, and dismisses what is open of it.
    ///
    /// - Throws: `INVALID_TRANSITION` for a session that is not over or is archived already.
    func archive(_ session: SessionRecord, by account: AccountID) async throws(Fault) -> SessionRecord {
        try await database.transaction { transaction async throws(Fault) -> SessionRecord in
            guard SessionLifecycle.mayBecome(.archived, from: session.status), session.isOver,
                let archived = try await transaction.first(SQL.archive, [session.id])
            else {
                throw Fault(
                    .invalidTransition,
                    "Session \(session.id) is \(session.status.rawValue); only one that is over can be archived."
                )
            }
            // A statement of its own: it sees what looks stored that the first one had to wait for.
            try await transaction.execute(DetectionStore.SQL.dismiss, [session.id, account])
            return archived
        }
    }

    /// The session waits for its spoke again, in the worktree that it left.
    ///
    /// - Throws: `INVALID_TRANSITION` unless it is over and not archived; `CONFLICT` if there is nothing to go back to.
    func resume(_ session: SessionRecord, prompt: String) async throws(Fault) -> SpawnedSession {
        guard session.isOver, SessionLifecycle.mayBecome(.retry, from: session.status) else {
            throw Fault(
                .invalidTransition,
                "Session \(session.id) is \(session.status.rawValue); only one that is over resumes."
            )
        }
        guard let agent = session.run.agent, let conversation = session.providerSessionId else {
            throw Fault(
                .conflict,
                "Session \(session.id) is no agent's that told its own id; spawn another on its workspace."
            )
        }
        let run = RunOrder(agent: agent, prompt: prompt, resume: conversation)
        return try await database.transaction { transaction async throws(Fault) -> SpawnedSession in
            guard let workspace = session.workspaceId,
                let place = try await transaction.first(SpawnStore.SQL.reuse, [workspace, session.projectId])
            else {
                throw Fault(
                    .conflict,
                    "The worktree of session \(session.id) is gone or in use; spawn another session."
                )
            }
            let mapping = MappingID.random()
            let choice = WorktreeChoice(mode: .reuse, workspaceId: workspace, keep: nil)
            let values: [(any Bindable)?] = [session.id, mapping, JSON(run), JSON(choice), Ending.placementChannel]
            guard try await transaction.first(SQL.resume, values) != nil else {
                throw Fault(.invalidTransition, "Session \(session.id) was taken up at this moment by somebody else.")
            }
            return SpawnedSession(
                sessionId: session.id,
                mappingId: mapping,
                workspaceId: workspace,
                spokeId: place.spokeId,
                branch: place.branch ?? "",
                status: .active
            )
        }
    }

    enum SQL {
        static let archive = Statement<SessionRecord>(
            """
            UPDATE nave.sessions SET status = 'archived'
             WHERE id = $1 AND status = 'idle' AND ended_at IS NOT NULL
            RETURNING *
            """
        )

        /// What the mapping before this one was for is what this one is for.
        static let resume = Statement<String>(
            """
            WITH session AS (
                UPDATE nave.sessions
                   SET status = 'retry', run = $3::jsonb, worktree = worktree || $4::jsonb, started_at = NULL,
                       ended_at = NULL, exit_code = NULL, exit_signal = NULL, exit_reason = NULL, output_sums = NULL,
                       swept = NULL, remaining = NULL, failure = NULL, last_activity_at = now()
                 WHERE id = $1 AND status = 'idle' AND ended_at IS NOT NULL
                RETURNING id, workspace_id
            )
            INSERT INTO nave.mappings (id, session_id, workspace_id, parent_session_id, task, task_id, status)
            SELECT $2, session.id, session.workspace_id, m.parent_session_id, m.task, m.task_id, 'active'
              FROM session
              JOIN LATERAL (SELECT * FROM nave.mappings WHERE session_id = session.id
                             ORDER BY created_at DESC, id DESC LIMIT 1) m ON true,
                   LATERAL (SELECT pg_notify($5, '')) AS rung
            RETURNING id
            """
        )
    }
}
