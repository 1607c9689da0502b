import Foundation
import Postgres
import Protocol

/// What there is to tell somebody at a session's side.
struct AttachStore: Sendable {
    let database: Database

    /// The session as it stands.
    struct Look: RowDecodable {
        var session: SessionRecord
        var agentOutput: AgentOutput?
        /// All that its agent printed was made into parts.
        var isRead: Bool

        init(_ row: Row) throws(Fault) {
            session = try SessionRecord(row)
            agentOutput = try row["agent_output"]
            isRead = try row["is_read"]
        }

        /// As it is told; without the end, which is told last.
        var state: AttachedState {
            AttachedState(
                status: session.status,
                fence: session.fence,
                agent: session.agent?.state,
                agentOutput: agentOutput
            )
        }
    }

    /// Where the present ends, so that only what comes is told.
    struct Now: RowDecodable {
        var microseconds: Int64
        var sequence: Int64
        /// Of every stream, printed to or not: `stdout:4096,stderr:17,pty:0,agent:0`.
        var offsets: String

        init(_ row: Row) throws(Fault) {
            microseconds = try row["microseconds"]
            sequence = try row["sequence"]
            offsets = try row["offsets"]
        }
    }

    /// - Throws: `NOT_FOUND` for a session that was removed.
    func look(at session: SessionID) async throws(Fault) -> Look {
        if let look = try await database.first(SQL.look, [session]) { return look }
        throw Fault(.notFound, "The session \(session) was removed.")
    }

    func now(of session: SessionID, fence: Int64) async throws(Fault) -> Now {
        guard let now = try await database.first(SQL.now, [session, fence]) else {
            throw Fault(.notFound, "The session \(session) was removed.")
        }
        return now
    }

    /// Messages that changed since a time, the one that changed first first.
    func messages(
        of session: SessionID,
        since microseconds: Int64,
        behind id: String,
        limit: Int
    ) async throws(Fault) -> [MessageRecord] {
        try await database.query(SQL.messages, [session, microseconds, id, limit])
    }

    enum SQL {
        static let look = Statement<Look>(
            """
            SELECT s.*, s.transcript ->> 'output' AS agent_output,
                   s.transcript IS NULL OR (s.transcript ->> 'isDone')::bool AS is_read
              FROM nave.sessions s WHERE s.id = $1
            """
        )

        static let now = Statement<Now>(
            """
            SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS microseconds,
                   (SELECT coalesce(max(sequence), 0) FROM nave.parts WHERE session_id = s.id) AS sequence,
                   (SELECT string_agg(t.stream || ':' || coalesce(o.ends, 0), ',')
                      FROM (VALUES ('stdout'), ('stderr'), ('pty'), ('agent')) AS t (stream)
                      LEFT JOIN LATERAL (
                           SELECT greatest(c.byte_offset + octet_length(c.content), (c.gap ->> 'to')::int8) AS ends
                             FROM nave.session_output c
                            WHERE c.session_id = s.id AND c.session_number = $2 AND c.stream = t.stream
                            ORDER BY c.byte_offset DESC LIMIT 1) o ON true) AS offsets
              FROM nave.sessions s WHERE s.id = $1
            """
        )

        static let messages = Statement<MessageRecord>(
            """
            SELECT * FROM nave.messages
             WHERE session_id = $1
               AND (updated_at, id) > ('epoch'::timestamptz + $2::int8 * interval '1 microsecond', $3::text)
             ORDER BY updated_at, id
             LIMIT $4
            """
        )
    }
}

/// Which messages somebody was told of, and in what state, so that each step is told once.
///
/// A message's time is that of its transaction's beginning, which others may overtake: what changed in the last moments
/// is looked at again.
struct MessageWatch: Sendable {
    /// How far an earlier transaction may lag behind.
    private static let overlap: Int64 = 5_000_000

    /// Everything up to here was told, in microseconds since 1970.
    private(set) var watermark: Int64
    /// Never looks back behind where it began.
    private let beginning: Int64
    private var told: [MessageID: Int64] = [:]

    init(since microseconds: Int64) {
        watermark = microseconds
        beginning = microseconds
    }

    /// From where to look.
    var since: Int64 { max(beginning, watermark - Self.overlap) }

    /// Whether this step of the message is news.
    mutating func take(_ message: MessageRecord) -> Bool {
        let at = Self.microseconds(message)
        watermark = max(watermark, at)
        return told.updateValue(at, forKey: message.id) != at
    }

    /// Forgets what will not be looked at again.
    mutating func settle() { told = told.filter { $0.value >= since } }

    static func microseconds(_ message: MessageRecord) -> Int64 {
        Int64((message.updatedAt.timeIntervalSince1970 * 1_000_000).rounded())
    }
}
