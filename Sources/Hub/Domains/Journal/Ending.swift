import Foundation
import HubCore
import Postgres
import Protocol

/// How a session ends, in one statement: the session, its mapping, its task, its workspace, its unread messages.
struct Ending: Sendable {
    var reason: ExitReason
    var exitCode: Int32?
    var exitSignal: Int32?
    var at: Date
    var sums: [OutputSum]?
    var swept: [ProcessRecord]?
    var remaining: [ProcessRecord]?
    var failure: Fault?

    /// Channel that rings when a slot became free or a session waits for one.
    static let placementChannel = "nave_placement"

    /// Ends the session if it is of this fence, not over, and active on this spoke (`nil`: waiting for one).
    /// Answers whether it did; if not, it was over or elsewhere already, and what is told is history.
    @discardableResult
    func write(
        _ session: SessionID,
        fence: Int64,
        on spoke: SpokeID?,
        in transaction: Transaction
    ) async throws(Fault) -> Bool {
        let outcome = MappingLifecycle.outcome(of: reason, exitCode: exitCode)
        let ended = try await transaction.first(
            SQL.end,
            [
                session, fence, spoke, exitCode, exitSignal, reason, at, sums.map { JSON($0) }, swept.map { JSON($0) },
                remaining.map { JSON($0) }, failure.map { JSON($0) }, outcome, Self.placementChannel,
                TaskLifecycle.after(outcome, wasLeft: false), TaskLifecycle.after(outcome, wasLeft: true),
            ]
        )
        return ended != nil
    }

    /// Says what an abort's proof, which came first, could not: how the process itself ended, and what it printed.
    func fill(_ session: SessionID, fence: Int64, on spoke: SpokeID, in transaction: Transaction) async throws(Fault) {
        let values: [(any Bindable)?] = [
            session, fence, spoke, exitCode, exitSignal, sums.map { JSON($0) }, swept.map { JSON($0) },
            remaining.map { JSON($0) },
        ]
        try await transaction.execute(SQL.fill, values)
    }

    enum SQL {
        static let fill = Statement<Void>(
            """
            UPDATE nave.sessions s
               SET exit_code = $4, exit_signal = $5, output_sums = $6::jsonb, swept = $7::jsonb, remaining = $8::jsonb
             WHERE s.id = $1 AND s.fence = $2 AND s.exit_reason = 'aborted' AND s.exit_code IS NULL
               AND s.exit_signal IS NULL AND s.output_sums IS NULL
               AND EXISTS (SELECT FROM nave.mappings m WHERE m.session_id = s.id AND m.spoke_id = $3)
            """
        )

        /// A worktree that was never made has nothing to keep; one that was made is free for others. What the session
        /// claimed besides its own task and did not finish can be claimed again.
        static let end = Statement<String>(
            """
            WITH ended AS (
                UPDATE nave.sessions s
                   SET status = 'idle', exit_code = $4, exit_signal = $5, exit_reason = $6, ended_at = $7,
                       output_sums = $8::jsonb, swept = $9::jsonb, remaining = $10::jsonb, failure = $11::jsonb,
                       last_activity_at = now()
                 WHERE s.id = $1 AND s.fence = $2 AND s.ended_at IS NULL
                   AND EXISTS (SELECT FROM nave.mappings m
                                WHERE m.session_id = s.id AND m.status = 'active'
                                  AND m.spoke_id IS NOT DISTINCT FROM $3)
                RETURNING s.id, s.workspace_id
            ), mapped AS (
                UPDATE nave.mappings m SET status = $12 FROM ended
                 WHERE m.session_id = ended.id AND m.status = 'active'
                RETURNING m.id
            ), followed AS (
                UPDATE nave.tasks t SET status = CASE t.safe_exit WHEN '{}' THEN $14 ELSE $15 END FROM mapped
                 WHERE t.mapping_id = mapped.id AND t.status IN ('in-progress', 'blocked')
            ), released AS (
                UPDATE nave.tasks t SET status = 'pending', assignee = NULL FROM ended
                 WHERE t.assignee = ended.id AND t.mapping_id IS NULL AND t.status IN ('in-progress', 'blocked')
            ), freed AS (
                UPDATE nave.workspaces w
                   SET state = CASE w.state WHEN 'busy' THEN 'ready' ELSE 'removed' END,
                       removed_at = CASE w.state WHEN 'busy' THEN NULL ELSE now() END
                  FROM ended
                 WHERE w.id = ended.workspace_id AND w.state IN ('busy', 'pending')
            ), unread AS (
                UPDATE nave.messages g SET status = 'error', error = 'The session ended before it was delivered.'
                  FROM ended
                 WHERE g.session_id = ended.id AND g.delivery = 'queued' AND g.status = 'pending'
            )
            SELECT id FROM ended, LATERAL (SELECT pg_notify($13, '')) AS rung
            """
        )
    }
}
