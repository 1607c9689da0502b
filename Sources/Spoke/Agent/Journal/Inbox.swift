import Foundation
public import GRDB
public import Protocol

/// The hub's orders, each carried out exactly once, whatever dies in between.
public struct Inbox: Sendable {
    private let journal: Journal

    public init(_ journal: Journal) { self.journal = journal }

    /// An order that waits to be carried out.
    public struct Pending: Sendable, Hashable {
        public var id: CommandID
        /// What it orders; a name that this spoke does not know is answered with a fault by who carries it out.
        public var type: String
        public var payload: [UInt8]
    }

    /// How far orders have been received: what `link.hello` tells.
    public func mark() async throws(Fault) -> StreamMark {
        try await journal.database.read { db in try Self.mark(in: db) }
    }

    /// Stores what is new of a batch and moves the mark, in one transaction. To be acknowledged after it returns.
    ///
    /// Records below the mark are dropped. An order whose id is known, from an epoch before, is not stored again.
    ///
    /// - Returns: the mark to acknowledge.
    /// - Fails with `conflict` for a hole or a wrong hash: ask for a rewind to ``mark()``.
    public func receive(_ records: [StreamRecord]) async throws(Fault) -> StreamMark {
        let kept = journal.limits.finishedCommands
        return try await journal.perform(.state(records.reduce(0) { $0 + $1.weight })) { _, db in
            var mark = try Self.mark(in: db)
            let before = mark
            for record in records {
                if record.epoch < mark.epoch || (record.epoch == mark.epoch && record.seq <= mark.seq) { continue }
                if record.epoch > mark.epoch { mark = .start(of: record.epoch) }
                guard record.seq == mark.seq + 1, record.isChained(to: mark.hash) else {
                    throw Fault(.conflict, "Command \(record.seq) does not follow \(mark.seq); send again from there.")
                }
                try Self.store(record, in: db)
                mark = StreamMark(after: record)
            }
            if mark != before {
                try StateTable.set(.commands, mark, in: db)
                try db.cachedStatement(sql: SQL.prune).execute(arguments: [kept])
            }
            return mark
        }.value
    }

    /// What was received and not yet carried out, in order.
    public func pending() async throws(Fault) -> [Pending] {
        try await journal.database.read { db in
            try Row.fetchAll(db.cachedStatement(sql: SQL.pending)).map {
                Pending(id: CommandID($0[0]), type: $0[1], payload: [UInt8]($0[2] as Data))
            }
        }
    }

    /// Settles an order: its state, `drafts`, the `command.completed` record and what `with` writes, all or nothing.
    ///
    /// - Returns: `false` if it was settled before or never received; then nothing was written.
    @discardableResult
    public func completed(
        _ id: CommandID,
        result: JSONValue? = nil,
        error: Fault? = nil,
        drafts: [JournalDraft] = [],
        with: (@Sendable (Database) throws -> Void)? = nil
    ) async throws(Fault) -> Bool {
        let completed = CommandCompleted(commandId: id, result: result, error: error)
        let answer = JournalDraft(.commandCompleted, completed)
        let stored = result.map { Data(WireCoder.bytes(of: $0)) } ?? error.map { Data(WireCoder.bytes(of: $0)) }
        let state = error == nil ? "applied" : "failed"
        do {
            try await journal.append(drafts + [answer]) { db in
                try db.cachedStatement(sql: SQL.settle).execute(arguments: [state, stored, id.rawValue])
                guard db.changesCount == 1 else { throw Self.settled }
                try with?(db)
            }
            return true
        } catch {
            if error == Self.settled { return false }
            throw error
        }
    }

    private static let settled = Fault(.conflict, "The command was carried out before; there is nothing to do.")

    private static func mark(in db: Database) throws -> StreamMark {
        try StateTable.get(.commands, as: StreamMark.self, in: db) ?? .start(of: 1)
    }

    private static func store(_ record: StreamRecord, in db: Database) throws {
        // An order without an id of its own gets one from its place, so that it is still answered.
        let header = try? WireCoder.value(CommandHeader.self, from: record.payload)
        let id = header?.commandId.rawValue ?? "\(record.epoch)/\(record.seq)"
        try db.cachedStatement(sql: SQL.store).execute(
            arguments: [record.epoch, record.seq, id, record.type, Data(record.payload)])
    }

    private enum SQL {
        static let store = """
            INSERT INTO commands (epoch, seq, id, type, payload, state) VALUES (?, ?, ?, ?, ?, 'received')
            ON CONFLICT DO NOTHING
            """
        static let pending = "SELECT id, type, payload FROM commands WHERE state = 'received' ORDER BY epoch, seq"
        /// Guarded by the state: who comes second changes nothing.
        static let settle = "UPDATE commands SET state = ?, result = ? WHERE id = ? AND state = 'received'"
        /// Keeps the newest of the settled ones, so that an order sent again under a new epoch is still known.
        static let prune = """
            DELETE FROM commands WHERE state <> 'received' AND rowid < (
                SELECT min(rowid) FROM (
                    SELECT rowid FROM commands WHERE state <> 'received' ORDER BY rowid DESC LIMIT ?))
            """
    }
}
