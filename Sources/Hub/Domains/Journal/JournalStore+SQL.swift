import Postgres
import Protocol

extension JournalStore {
    /// Where a spoke's journal stands, and whose it is.
    struct KnownMark: RowDecodable {
        var spokeId: SpokeID
        var incarnation: String?
        var mark: StreamMark

        init(_ row: Row) throws(Fault) {
            spokeId = try row["id"]
            incarnation = try row["incarnation"]
            mark = StreamMark(
                epoch: try row["journal_epoch"],
                seq: try row["journal_acknowledged"],
                hash: try row.hash("journal_hash")
            )
        }
    }

    /// A spoke whose mark moved.
    struct Moved: RowDecodable {
        var spokeId: SpokeID
        /// Its last hello's journal is applied to the end: what it did not name can be judged.
        var isDue: Bool
        /// Sessions whose output was dropped, because they are unknown or never ran there.
        var strangers: [String]

        init(_ row: Row) throws(Fault) {
            spokeId = try row["id"]
            isDue = try row["is_due"]
            strangers = try row["strangers"]
        }
    }

    enum SQL {
        static let marks = Statement<KnownMark>(
            """
            SELECT id, incarnation, journal_epoch, journal_acknowledged, journal_hash
              FROM nave.spokes WHERE id = ANY ($1::text[])
            """
        )

        /// The hot path. Marks move only from exactly where they must stand and only for the incarnation that holds the
        /// spoke; the output of the spokes that moved is written in the same statement, so that both or neither is
        /// durable. Spokes are locked in order of id: two group commits cannot deadlock.
        ///
        /// Whose session it is costs one look per session and batch, not one per chunk.
        static let moveAndPrint = Statement<Moved>(
            """
            WITH wanted AS (
                SELECT * FROM unnest(
                    $1::text[], $2::text[], $3::int8[], $4::int8[], $5::bytea[], $6::int8[], $7::bytea[]
                ) AS w (id, incarnation, epoch, seq, hash, next_seq, next_hash)
            ), held AS MATERIALIZED (
                SELECT s.id FROM nave.spokes s JOIN wanted w ON w.id = s.id ORDER BY s.id FOR NO KEY UPDATE OF s
            ), moved AS (
                UPDATE nave.spokes s
                   SET journal_acknowledged = w.next_seq, journal_hash = w.next_hash
                  FROM held JOIN wanted w ON w.id = held.id
                 WHERE s.id = held.id AND s.incarnation = w.incarnation AND s.journal_epoch = w.epoch
                   AND s.journal_acknowledged = w.seq AND s.journal_hash = w.hash
                RETURNING s.id, coalesce(s.owed_seq <= s.journal_acknowledged, false) AS is_due
            ), named AS (
                SELECT n.spoke_id, n.session_id, n.fence, n.place
                  FROM unnest($8::text[], $9::text[], $10::int8[])
                       WITH ORDINALITY AS n (spoke_id, session_id, fence, place)
                  JOIN moved ON moved.id = n.spoke_id
            ), known AS (
                SELECT n.place, n.session_id, n.fence
                  FROM named n JOIN nave.sessions s ON s.id = n.session_id AND s.fence >= n.fence
                 WHERE EXISTS (
                    SELECT FROM nave.mappings m WHERE m.session_id = n.session_id AND m.spoke_id = n.spoke_id)
            ), printed AS (
                INSERT INTO nave.session_output (id, session_id, session_number, stream, byte_offset, content, at)
                SELECT c.id, k.session_id, k.fence, c.stream, c.byte_offset, c.content, c.at
                  FROM unnest($11::text[], $12::int4[], $13::text[], $14::int8[], $15::bytea[], $16::timestamptz[])
                       AS c (id, place, stream, byte_offset, content, at)
                  JOIN known k ON k.place = c.place
                ON CONFLICT (session_id, session_number, stream, byte_offset) DO NOTHING
            )
            SELECT moved.id, moved.is_due,
                   ARRAY (SELECT n.session_id FROM named n
                           WHERE n.spoke_id = moved.id AND n.place NOT IN (SELECT place FROM known)) AS strangers
              FROM moved
            """
        )

        /// One spoke's output without moving its mark, for the careful way. `$2`… are the columns of the output.
        static let printAlone = Statement<Void>(
            """
            INSERT INTO nave.session_output (id, session_id, session_number, stream, byte_offset, content, at)
            SELECT c.id, s.id, n.fence, c.stream, c.byte_offset, c.content, c.at
              FROM unnest($4::text[], $5::int4[], $6::text[], $7::int8[], $8::bytea[], $9::timestamptz[])
                   AS c (id, place, stream, byte_offset, content, at)
              JOIN unnest($2::text[], $3::int8[]) WITH ORDINALITY AS n (session_id, fence, place) ON n.place = c.place
              JOIN nave.sessions s ON s.id = n.session_id AND s.fence >= n.fence
             WHERE EXISTS (SELECT FROM nave.mappings m WHERE m.session_id = s.id AND m.spoke_id = $1)
            ON CONFLICT (session_id, session_number, stream, byte_offset) DO NOTHING
            """
        )

        static let savepoint = Statement<Void>("SAVEPOINT record")
        static let rollback = Statement<Void>("ROLLBACK TO SAVEPOINT record")
        static let release = Statement<Void>("RELEASE SAVEPOINT record")
    }
}
