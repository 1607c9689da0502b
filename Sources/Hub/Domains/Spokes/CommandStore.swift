import Foundation
public import Postgres
public import Protocol

/// The durable streams from the hub to its spokes: one chain per spoke, moved only under the lock of the spoke's row.
public struct CommandStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// Channel on which a committed command rings for the hub that holds the spoke's link; the payload is the
    /// spoke's id.
    public static let channel = "nave_commands"

    /// Puts a command at the end of a spoke's stream, inside the transaction that makes it necessary: both or neither.
    ///
    /// Locks the spoke's row; a caller that also locks sessions does so afterwards. Answers the record's number.
    @discardableResult
    public func append(
        _ type: CommandType,
        _ payload: some Encodable & Sendable,
        id: CommandID,
        to spoke: SpokeID,
        in transaction: Transaction
    ) async throws(Fault) -> Int64 {
        guard let head = try await transaction.first(SQL.lock, [spoke]) else {
            throw Fault(.notFound, "There is no spoke \(spoke); list them with spoke.list.")
        }
        let record = StreamRecord(
            epoch: head.epoch,
            seq: head.next,
            at: Date().milliseconds,
            type: type.rawValue,
            payload: WireCoder.bytes(of: payload),
            after: head.hash
        )
        try await write(record, id: id, to: spoke, in: transaction)
        return record.seq
    }

    /// The commands of an epoch behind `seq`, in order; none if the stream is in another epoch by now.
    ///
    /// Stops before `maxBytes` of payload, but not before the first record.
    public func load(
        _ spoke: SpokeID,
        epoch: Int64,
        after seq: Int64,
        maxRecords: Int = Limits.batchRecords,
        maxBytes: Int = Limits.batchBytes
    ) async throws(Fault) -> [StreamRecord] {
        let rows = try await database.query(SQL.load, [spoke, epoch, seq, maxRecords])
        var (records, weight): ([StreamRecord], Int) = ([], 0)
        for row in rows {
            weight += row.record.weight
            if weight > maxBytes, !records.isEmpty { break }
            records.append(row.record)
        }
        return records
    }

    /// The spoke has durably taken in everything up to this position.
    public func acknowledge(_ spoke: SpokeID, _ position: StreamPosition) async throws(Fault) {
        try await database.execute(SQL.acknowledge, [spoke, position.epoch, position.seq])
    }

    /// Where the stream stands: its epoch and the number of the next command.
    public func head(_ spoke: SpokeID) async throws(Fault) -> (epoch: Int64, next: Int64)? {
        try await database.first(SQL.head, [spoke]).map { ($0.epoch, $0.next) }
    }

    /// Forgets commands that were acknowledged longer ago than this; a chain goes on to be provable from where
    /// it was cut.
    @discardableResult
    public func prune(olderThanDays days: Int = 14) async throws(Fault) -> Int {
        try await database.execute(SQL.prune, [days])
    }

    /// A command's outcome as the spoke's journal told it; `nil` while it has none.
    func completion(of id: CommandID) async throws(Fault) -> Completion? {
        try await database.first(SQL.completion, [id])
    }

    /// What became of a command.
    struct Completion: RowDecodable {
        var result: JSONValue?
        var error: Fault?

        init(_ row: Row) throws(Fault) {
            result = try row["result"]
            error = try row.json("error")
        }
    }

    /// Begins a new epoch with what was not acknowledged: for a spoke whose memory of its commands does not fit
    /// the hub's.
    func renew(_ spoke: SpokeID, beyond epoch: Int64, in transaction: Transaction) async throws(Fault) {
        guard let head = try await transaction.first(SQL.lock, [spoke]) else { return }
        let pending = try await transaction.query(SQL.pending, [spoke])
        let next = max(head.epoch, epoch) + 1
        try await transaction.execute(SQL.clear, [spoke])
        try await transaction.execute(SQL.begin, [spoke, next])
        var previous = ChainHash.origin
        for (index, row) in pending.enumerated() {
            let record = StreamRecord(
                epoch: next,
                seq: Int64(index + 1),
                at: row.record.at,
                type: row.record.type,
                payload: row.record.payload,
                after: previous
            )
            try await write(record, id: row.id, to: spoke, in: transaction)
            previous = record.hash
        }
    }

    private func write(
        _ record: StreamRecord,
        id: CommandID,
        to spoke: SpokeID,
        in transaction: Transaction
    ) async throws(Fault) {
        try await transaction.execute(
            SQL.append,
            [
                spoke, record.seq, record.epoch, id, record.type, String(decoding: record.payload, as: UTF8.self),
                record.hash.bytes, record.at, Self.channel,
            ]
        )
    }
}

extension CommandStore {
    /// The end of a stream, under its lock.
    struct Head: RowDecodable {
        var epoch: Int64
        var next: Int64
        var hash: ChainHash

        init(_ row: Row) throws(Fault) {
            epoch = try row["commands_epoch"]
            next = try row["commands_next"]
            hash = try row.hash("commands_hash")
        }
    }

    /// A stored command.
    struct Stored: RowDecodable {
        var id: CommandID
        var record: StreamRecord

        init(_ row: Row) throws(Fault) {
            id = try row["command_id"]
            let payload: String = try row["payload"]
            record = StreamRecord(
                epoch: try row["epoch"],
                seq: try row["seq"],
                at: try row["at"],
                type: try row["type"],
                payload: Array(payload.utf8),
                hash: try row.hash("hash")
            )
        }
    }

    enum SQL {
        static let lock = Statement<Head>(
            """
            SELECT commands_epoch, commands_next, commands_hash FROM nave.spokes WHERE id = $1 FOR NO KEY UPDATE
            """
        )

        static let head = Statement<Head>(
            "SELECT commands_epoch, commands_next, commands_hash FROM nave.spokes WHERE id = $1"
        )

        /// The row, the chain's head and the bell in one statement, so that none is without the others.
        static let append = Statement<String>(
            """
            WITH moved AS (
                UPDATE nave.spokes SET commands_next = $2::bigint + 1, commands_hash = $7 WHERE id = $1 RETURNING id
            ), written AS (
                INSERT INTO nave.spoke_commands (spoke_id, seq, epoch, command_id, type, payload, hash, at)
                SELECT id, $2, $3, $4, $5, $6::json, $7, $8 FROM moved
                RETURNING spoke_id
            )
            SELECT pg_notify($9, spoke_id)::text FROM written
            """
        )

        static let load = Statement<Stored>(
            """
            SELECT epoch, seq, at, type, payload, hash, command_id
              FROM nave.spoke_commands
             WHERE spoke_id = $1 AND epoch = $2 AND seq > $3
             ORDER BY seq
             LIMIT $4
            """
        )

        static let acknowledge = Statement<Void>(
            """
            UPDATE nave.spoke_commands SET acknowledged_at = now()
             WHERE spoke_id = $1 AND epoch = $2 AND seq <= $3 AND acknowledged_at IS NULL
            """
        )

        static let completion = Statement<Completion>(
            "SELECT result, error FROM nave.spoke_commands WHERE command_id = $1 AND completed_at IS NOT NULL"
        )

        static let pending = Statement<Stored>(
            """
            SELECT epoch, seq, at, type, payload, hash, command_id
              FROM nave.spoke_commands
             WHERE spoke_id = $1 AND acknowledged_at IS NULL
             ORDER BY epoch, seq
            """
        )

        static let clear = Statement<Void>("DELETE FROM nave.spoke_commands WHERE spoke_id = $1")

        static let begin = Statement<Void>(
            """
            UPDATE nave.spokes
               SET commands_epoch = $2, commands_next = 1, commands_hash = decode(repeat('00', 32), 'hex'),
                   commands_pruned = 0, commands_pruned_hash = decode(repeat('00', 32), 'hex')
             WHERE id = $1
            """
        )

        /// Only an unbroken beginning of a chain goes, and its last hash stays behind as the new beginning.
        static let prune = Statement<Void>(
            """
            WITH cut AS (
                SELECT c.spoke_id, max(c.seq) AS seq
                  FROM nave.spoke_commands c
                 WHERE c.acknowledged_at < now() - make_interval(days => $1)
                   AND NOT EXISTS (
                        SELECT FROM nave.spoke_commands o
                         WHERE o.spoke_id = c.spoke_id AND o.seq < c.seq
                           AND (o.acknowledged_at IS NULL OR o.acknowledged_at >= now() - make_interval(days => $1)))
                 GROUP BY c.spoke_id
            ), marked AS (
                UPDATE nave.spokes s SET commands_pruned = l.seq, commands_pruned_hash = l.hash
                  FROM cut JOIN nave.spoke_commands l ON l.spoke_id = cut.spoke_id AND l.seq = cut.seq
                 WHERE s.id = cut.spoke_id
            )
            DELETE FROM nave.spoke_commands c USING cut WHERE c.spoke_id = cut.spoke_id AND c.seq <= cut.seq
            """
        )
    }
}
