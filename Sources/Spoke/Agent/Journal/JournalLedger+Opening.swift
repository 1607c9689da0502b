import GRDB
import Protocol

extension JournalLedger {
    /// Reads the counters from the file.
    static func open(in db: Database, known: JournalMarkFile.Content?, limits: JournalLimits) throws -> JournalLedger {
        let stored = try StateTable.get(.journal, as: Anchor.self, in: db)
        let base = stored ?? Anchor(epoch: known?.epoch ?? 1)
        var ledger = JournalLedger(
            epoch: base.epoch,
            next: base.stored + 1,
            head: base.storedHash,
            base: base,
            floor: 0,
            limits: limits
        )
        try ledger.count(in: db)
        ledger.floor = min(max(known?.sent ?? .max, base.stored), ledger.next - 1)
        ledger.warned = ledger.bytes > limits.softBytes
        if stored == nil { try ledger.writeBase(in: db) }
        return ledger
    }

    /// Checks the tail and cuts off what is damaged.
    ///
    /// - Returns: what the journal has to tell of it.
    static func repair(in db: Database, limits: JournalLimits) throws -> [JournalDraft] {
        guard let base = try StateTable.get(.journal, as: Anchor.self, in: db) else { return [] }
        let tail = try JournalChain.check(base, tailBytes: limits.tailBytes, in: db)
        guard let damage = tail.damage else { return [] }
        var findings: [JournalDraft] = []
        try db.inTransaction(.immediate) {
            var ledger = try open(in: db, known: nil, limits: limits)
            findings.append(try ledger.cut(damage, in: db))
            return .commit
        }
        return findings
    }

    /// Sets what follows from the rows.
    mutating func count(in db: Database) throws {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT count(*), max(seq), sum(length(payload) + length(type) + 64) FROM journal"
        )
        guard let row, let last = row[1] as Int64? else { return }
        let rows: Int64 = row[0]
        bytes = row[2] ?? 0
        next = last + 1
        head = try JournalRows.hash(at: last, in: db) ?? head
        removed = next - 1 - (base.wire + rows)
    }

    struct Damage: Sendable {
        /// The first row that is not as it was written, and how many follow it that can still be counted.
        var from: Int64
        var rows: Int
        var cause: String
    }
}
