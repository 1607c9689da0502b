import HubCore
import Postgres
import Protocol

extension TranscriptStore {
    /// What is stored between two passes.
    struct Book: Codable, Sendable {
        var isDone: Bool
        var output: AgentOutput
        var fence: Int64
        /// The last part's place in the session; goes on over placements.
        var sequence: Int64
        /// The message that is open.
        var message: MessageID?
        var machine: TranscriptMachine?
    }

    struct Held: RowDecodable {
        var book: Book
        var isOver: Bool

        init(_ row: Row) throws(Fault) {
            book = try row.json("transcript")
            isOver = try row["is_over"]
        }
    }

    enum SQL {
        static let open = Statement<String>(
            """
            SELECT id FROM nave.sessions
             WHERE transcript IS NOT NULL AND NOT (transcript ->> 'isDone')::bool
             ORDER BY id LIMIT $1
            """
        )

        static let hold = Statement<Held>(
            """
            SELECT transcript, ended_at IS NOT NULL AS is_over FROM nave.sessions
             WHERE id = $1 AND transcript IS NOT NULL AND NOT (transcript ->> 'isDone')::bool
               FOR NO KEY UPDATE SKIP LOCKED
            """
        )

        static let advance = Statement<Void>(
            """
            UPDATE nave.sessions
               SET transcript = $2::jsonb, provider_session_id = coalesce($3, provider_session_id), usage = $4::jsonb,
                   data = data || jsonb_build_object('agent', $5::jsonb)
             WHERE id = $1
            """
        )

        static let addMessages = Statement<Void>(
            """
            INSERT INTO nave.messages (session_id, id, role, status, model, data)
            SELECT $1, m.id, m.role, m.status, m.model, '{}'
              FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS m (id, role, status, model)
            """
        )

        static let closeMessage = Statement<Void>("UPDATE nave.messages SET status = $2 WHERE id = $1")

        static let addParts = Statement<Void>(
            """
            INSERT INTO nave.parts (session_id, id, message_id, type, data, sequence)
            SELECT $1, p.id, p.message_id, p.type, p.data, p.sequence
              FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[], $6::int8[])
                   AS p (id, message_id, type, data, sequence)
            """
        )

        static let oldest = Statement<PartRecord>(
            """
            SELECT * FROM nave.parts
             WHERE session_id = $1 AND ($2::int8 IS NULL OR sequence > $2)
               AND ($4::text IS NULL OR message_id = $4) AND ($5::text IS NULL OR type = $5)
             ORDER BY sequence LIMIT $3
            """
        )

        static let newest = Statement<PartRecord>(
            """
            SELECT * FROM nave.parts
             WHERE session_id = $1 AND ($2::int8 IS NULL OR sequence < $2)
               AND ($4::text IS NULL OR message_id = $4) AND ($5::text IS NULL OR type = $5)
             ORDER BY sequence DESC LIMIT $3
            """
        )

        static let isRead = Statement<Bool>(
            "SELECT transcript IS NULL OR (transcript ->> 'isDone')::bool FROM nave.sessions WHERE id = $1"
        )
    }
}
