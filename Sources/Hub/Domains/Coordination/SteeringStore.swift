import Foundation
import Postgres
import Protocol

/// What is said to running sessions and how they are ended.
struct SteeringStore: Sendable {
    let database: Database
    let commands: CommandStore

    /// Where a session is, as far as steering it goes.
    struct Place: RowDecodable {
        var fence: Int64
        var isOver: Bool
        var spoke: SpokeID?
        var spokeName: String?
        var isConnected: Bool
        var parent: SessionID?
        var pid: Int64?

        var isWaiting: Bool { spoke == nil && !isOver }

        init(_ row: Row) throws(Fault) {
            fence = try row["fence"]
            isOver = try row["is_over"]
            spoke = try row["spoke_id"]
            spokeName = try row["spoke_name"]
            isConnected = try row["is_connected"]
            parent = try row["parent_id"]
            pid = try row["pid"]
        }
    }

    func place(of session: SessionID) async throws(Fault) -> Place? { try await database.first(SQL.place, [session]) }

    /// Stores a message and the order to deliver it; to a session that waits, it goes behind its order to start.
    ///
    /// - Throws: `INVALID_TRANSITION` for a session that is over.
    func message(_ text: String, to session: SessionID, by account: AccountID) async throws(Fault) -> MessageID {
        let message = MessageID.sortable()
        return try await database.transaction { transaction async throws(Fault) -> MessageID in
            guard let seen = try await transaction.first(SQL.place, [session]), !seen.isOver else { throw Self.over }
            let send = SendMessage(
                commandId: .random(),
                sessionId: session,
                fence: seen.fence,
                messageId: message,
                text: text
            )
            if let spoke = seen.spoke, !seen.isWaiting {
                try await commands.append(.sessionMessage, send, id: send.commandId, to: spoke, in: transaction)
            }
            // Held from here on, so that a session that waits is not placed past its message.
            guard let fence = try await transaction.first(SQL.hold, [session]) else { throw Self.over }
            guard fence == seen.fence else {
                throw Fault(.unavailable, "The session was placed at this moment; send the message again.")
            }
            try await transaction.execute(
                SQL.store,
                [message, session, "user", "pending", "queued", account, JSON(["text": text])]
            )
            return message
        }
    }

    /// Stores what a session says with it and, as news of it, with its coordinator.
    func notify(
        _ text: String,
        level: NoticeLevel,
        from session: SessionID
    ) async throws(Fault) -> (message: MessageID, parent: SessionID?) {
        let message = MessageID.sortable()
        return try await database.transaction { transaction async throws(Fault) -> (MessageID, SessionID?) in
            guard let place = try await transaction.first(SQL.place, [session]) else {
                throw Fault(.notFound, "There is no session \(session); list them with session.list.")
            }
            let data: [String: String] = ["text": text, "level": level.rawValue, "fromSessionId": session.rawValue]
            let own: [(any Bindable)?] = [message, session, "assistant", "complete", nil, nil, JSON(data)]
            try await transaction.execute(SQL.store, own)
            if let parent = place.parent {
                let copy: [(any Bindable)?] = [
                    MessageID.sortable(), parent, "system", "complete", nil, nil, JSON(data),
                ]
                try await transaction.execute(SQL.store, copy)
            }
            return (message, place.parent)
        }
    }

    /// Ends a session that waits, at once; `false` if it was placed or is over by now.
    func abortWaiting(_ session: SessionID, fence: Int64) async throws(Fault) -> Bool {
        try await database.transaction { transaction async throws(Fault) -> Bool in
            try await Ending(reason: .aborted, at: Date()).write(session, fence: fence, on: nil, in: transaction)
        }
    }

    /// The order to end a session on its spoke; one that stands already is not given twice.
    func orderAbort(
        _ session: SessionID,
        fence: Int64,
        graceSeconds: Double,
        on spoke: SpokeID
    ) async throws(Fault) -> CommandID {
        try await database.transaction { transaction async throws(Fault) -> CommandID in
            _ = try await transaction.first(CommandStore.SQL.lock, [spoke])
            let standing = try await transaction.first(SQL.standing, [spoke, session, fence])
            if let standing { return CommandID(standing) }
            let order = AbortSession(
                commandId: .random(),
                sessionId: session,
                fence: fence,
                graceSeconds: graceSeconds
            )
            try await commands.append(.sessionAbort, order, id: order.commandId, to: spoke, in: transaction)
            return order.commandId
        }
    }

    private static let over = Fault(
        .invalidTransition,
        "The session is over: nobody would read it. Spawn another one on its workspace."
    )

    enum SQL {
        static let place = Statement<Place>(
            """
            SELECT s.fence, s.ended_at IS NOT NULL AS is_over, m.spoke_id, k.name AS spoke_name,
                   coalesce(k.status = 'connected', false) AS is_connected, s.parent_id,
                   (s.data ->> 'pid')::int8 AS pid
              FROM nave.sessions s
              LEFT JOIN LATERAL (
                    SELECT spoke_id FROM nave.mappings WHERE session_id = s.id
                     ORDER BY created_at DESC, id DESC LIMIT 1) m ON true
              LEFT JOIN nave.spokes k ON k.id = m.spoke_id
             WHERE s.id = $1
            """
        )

        static let hold = Statement<Int64>(
            "SELECT fence FROM nave.sessions WHERE id = $1 AND ended_at IS NULL FOR NO KEY UPDATE"
        )

        static let store = Statement<Void>(
            """
            INSERT INTO nave.messages (id, session_id, role, status, delivery, author_account_id, data)
            VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
            """
        )

        static let standing = Statement<String>(
            """
            SELECT command_id FROM nave.spoke_commands
             WHERE spoke_id = $1 AND type = 'session.abort' AND completed_at IS NULL
               AND payload ->> 'sessionId' = $2 AND (payload ->> 'fence')::int8 = $3
             ORDER BY seq DESC LIMIT 1
            """
        )
    }
}
