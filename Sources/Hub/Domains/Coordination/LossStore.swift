import Foundation
import Postgres
import Protocol

/// Gives up sessions on spokes that are away: the two places where a session leaves its spoke without its word.
///
/// One by policy (`disconnectPolicy.replaceAfterSeconds`): the session waits again, under the next fence, with a
/// mapping, a worktree and a branch of their own. One by proof, which only a person has: the machine is gone for good.
/// What the former spoke still tells of them is fenced, and stays readable.
struct LossStore: Sendable {
    let database: Database

    /// Replaced in one pass; the rest is for the next.
    private static let passMax = 100

    /// Gives sessions whose spoke is away for longer than they allow back to the queue; answers which.
    func replaceOverdue() async throws(Fault) -> [SessionID] {
        try await database.transaction { transaction async throws(Fault) -> [SessionID] in
            var replaced: [SessionID] = []
            for overdue in try await transaction.query(SQL.overdue, [Self.passMax]) {
                try await replace(overdue, in: transaction)
                replaced.append(overdue.session)
            }
            return replaced
        }
    }

    private func replace(_ overdue: Overdue, in transaction: Transaction) async throws(Fault) {
        let next = overdue.fence + 1
        let workspace = WorkspaceID.random()
        try await transaction.execute(SQL.giveUp, [overdue.session, overdue.workspace])
        try await transaction.execute(
            SQL.waitAgain,
            [overdue.session, workspace, MappingID.random(), overdue.mapping, overdue.workspace, "-\(next)"]
        )
        let note = AlertNote(
            severity: .warning,
            kind: "session.replaced",
            source: "spoke:\(overdue.spoke)",
            message: "Session \(overdue.session) waits for another spoke: its own is away for longer than it allows.",
            context: ["sessionId": .string(overdue.session.rawValue), "fence": .integer(overdue.fence)]
        )
        try await AlertStore.raise(note, in: transaction)
    }

    /// Forgets a spoke that is not connected. Running sessions forbid it, unless they are to end as lost.
    /// Answers the sessions that ended; `nil` if it may not be.
    func remove(_ spoke: SpokeID, endingSessions: Bool) async throws(Fault) -> [String]? {
        try await database.transaction { transaction async throws(Fault) -> [String]? in
            var ended: [String] = []
            if endingSessions {
                guard try await transaction.first(SQL.holdAbsent, [spoke]) != nil else { return nil }
                ended = try await endAll(on: spoke, in: transaction)
                try await transaction.execute(SQL.loseWorkspaces, [spoke])
            }
            return try await transaction.first(SQL.remove, [spoke]) != nil ? ended : nil
        }
    }

    private func endAll(on spoke: SpokeID, in transaction: Transaction) async throws(Fault) -> [String] {
        let failure = Fault(.spokeDisconnected, "Its spoke was given up as lost; start it again if it is still wanted.")
        let end = Ending(reason: .lost, at: Date(), failure: failure)
        var ended: [String] = []
        for session in try await transaction.query(SQL.running, [spoke])
        where try await end.write(session.id, fence: session.fence, on: spoke, in: transaction) {
            ended.append(session.id.rawValue)
        }
        return ended
    }

    /// A session whose spoke is away for too long.
    struct Overdue: RowDecodable {
        var session: SessionID
        var fence: Int64
        var mapping: MappingID
        var workspace: WorkspaceID
        var spoke: SpokeID

        init(_ row: Row) throws(Fault) {
            session = try row["session_id"]
            fence = try row["fence"]
            mapping = try row["mapping_id"]
            workspace = try row["workspace_id"]
            spoke = try row["spoke_id"]
        }
    }

    enum SQL {
        /// A session in a worktree that was there before it cannot go elsewhere: spawning it so is refused.
        static let overdue = Statement<Overdue>(
            """
            SELECT s.id AS session_id, s.fence, m.id AS mapping_id, m.workspace_id, m.spoke_id
              FROM nave.spokes k
              JOIN nave.mappings m ON m.spoke_id = k.id AND m.status = 'active'
              JOIN nave.sessions s ON s.id = m.session_id
             WHERE k.status = 'disconnected' AND s.ended_at IS NULL AND m.workspace_id IS NOT NULL
               AND k.disconnected_at
                   + make_interval(secs => (s.disconnect_policy ->> 'replaceAfterSeconds')::float8) <= now()
             ORDER BY s.id LIMIT $1
               FOR NO KEY UPDATE OF k, s SKIP LOCKED
            """
        )

        static let giveUp = Statement<Void>(
            """
            WITH mapping AS (
                UPDATE nave.mappings SET status = 'failed' WHERE session_id = $1 AND status = 'active'
            )
            UPDATE nave.workspaces SET state = 'lost' WHERE id = $2 AND state <> 'removed'
            """
        )

        /// The first machine may come back with commits on its branch: the second works on one of its own.
        static let waitAgain = Statement<Void>(
            """
            WITH place AS (
                INSERT INTO nave.workspaces (id, project_id, name, branch, base_ref, state)
                SELECT $2, project_id, name, branch || $6, base_ref, 'pending' FROM nave.workspaces WHERE id = $5
            ), session AS (
                UPDATE nave.sessions
                   SET status = 'retry', workspace_id = $2, started_at = NULL, last_activity_at = now()
                 WHERE id = $1
            )
            INSERT INTO nave.mappings (id, session_id, workspace_id, parent_session_id, task, task_id, status)
            SELECT $3, session_id, $2, parent_session_id, task, task_id, 'active' FROM nave.mappings WHERE id = $4
            """
        )

        static let holdAbsent = Statement<String>(
            "SELECT id FROM nave.spokes WHERE id = $1 AND status = 'disconnected' FOR NO KEY UPDATE"
        )

        static let running = Statement<SettleStore.Present>(
            """
            SELECT s.id, s.fence
              FROM nave.sessions s JOIN nave.mappings m ON m.session_id = s.id AND m.status = 'active'
             WHERE m.spoke_id = $1 ORDER BY s.id
            """
        )

        static let loseWorkspaces = Statement<Void>(
            "UPDATE nave.workspaces SET state = 'lost' WHERE spoke_id = $1 AND state NOT IN ('removed', 'lost')"
        )

        /// Its credential goes with it by cascade; the bell makes every hub forget the credential and close what link
        /// there may be all the same.
        static let remove = Statement<String>(
            """
            WITH removed AS (
                DELETE FROM nave.spokes s
                 WHERE s.id = $1 AND s.status = 'disconnected'
                   AND NOT EXISTS (SELECT FROM nave.mappings m WHERE m.spoke_id = s.id AND m.status = 'active')
                RETURNING id
            )
            SELECT pg_notify('nave_keys', 'spoke:' || id)::text FROM removed
            """
        )
    }
}
