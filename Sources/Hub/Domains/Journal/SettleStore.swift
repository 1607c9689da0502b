import Foundation
import Postgres
import Protocol

/// Judges what a spoke did not name in its hello, once nothing of its journal can explain it any more.
///
/// This is the one place where a session is called lost without its spoke saying so, and it takes three proofs: the
/// spoke took in the order, its hello does not name the session, and its journal up to that hello tells no end of it.
struct SettleStore: Sendable {
    let database: Database

    /// Settles one spoke in a transaction of its own; answers the sessions that are lost.
    func settle(_ spoke: SpokeID) async throws(Fault) -> [String] {
        try await database.transaction { transaction async throws(Fault) -> [String] in
            try await Self.settle(spoke, in: transaction)
        }
    }

    @discardableResult
    static func settle(_ spoke: SpokeID, in transaction: Transaction) async throws(Fault) -> [String] {
        guard let owed = try await transaction.first(SQL.take, [spoke]) else { return [] }
        var lost: [String] = []
        for session in try await transaction.query(SQL.present, [spoke, owed.sessions]) {
            let failure = Fault(
                .spokeDisconnected,
                "Its spoke came back without it and without a record of its end; start it again if it is still wanted."
            )
            let end = Ending(reason: .lost, at: Date(), failure: failure)
            guard try await end.write(session.id, fence: session.fence, on: spoke, in: transaction) else { continue }
            lost.append(session.id.rawValue)
            let note = AlertNote(
                severity: .error,
                kind: "session.lost",
                source: "spoke:\(spoke)",
                message: "It came back without session \(session.id), and its journal tells no end of it.",
                context: ["sessionId": .string(session.id.rawValue)]
            )
            try await AlertStore.raise(note, in: transaction)
        }
        try await transaction.execute(SQL.loseWorkspaces, [spoke, owed.workspaces])
        return lost
    }

    /// What is to be judged.
    struct Owed: RowDecodable {
        var sessions: [SessionID]
        var workspaces: [WorkspaceID]

        init(_ row: Row) throws(Fault) {
            sessions = try row.json("sessions")
            workspaces = try row.json("workspaces")
        }
    }

    struct Present: RowDecodable {
        var id: SessionID
        var fence: Int64

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            fence = try row["fence"]
        }
    }

    enum SQL {
        /// Takes the judgement away in the statement that reads it: it is made once.
        static let take = Statement<Owed>(
            """
            WITH due AS (
                SELECT id, owed FROM nave.spokes
                 WHERE id = $1 AND owed_seq <= journal_acknowledged FOR NO KEY UPDATE
            )
            UPDATE nave.spokes s SET owed = NULL, owed_seq = NULL
              FROM due WHERE s.id = due.id
            RETURNING due.owed -> 'sessions' AS sessions, due.owed -> 'workspaces' AS workspaces
            """
        )

        static let present = Statement<Present>(
            """
            SELECT s.id, s.fence
              FROM nave.sessions s JOIN nave.mappings m ON m.session_id = s.id AND m.status = 'active'
             WHERE m.spoke_id = $1 AND s.id = ANY ($2::text[])
             ORDER BY s.id
            """
        )

        static let loseWorkspaces = Statement<Void>(
            """
            UPDATE nave.workspaces SET state = 'lost'
             WHERE spoke_id = $1 AND id = ANY ($2::text[]) AND state IN ('ready', 'busy')
            """
        )
    }
}
