import GRDB
import Protocol

extension JournalLedger {
    /// A ledger and what its journal has to tell first.
    struct Start: Sendable {
        var ledger: JournalLedger
        var findings: [JournalDraft]
    }

    /// Reads the counters from the file, with the tail checked and, if it is damaged, cut.
    static func open(
        in db: Database,
        known: JournalMarkFile.Content?,
        limits: JournalLimits,
        now: Int64
    ) throws -> Start {
        let stored = try StateTable.get(.journal, as: Base.self, in: db)
        let base = stored ?? Base(epoch: known?.epoch ?? 1)
        var ledger = JournalLedger(
            epoch: base.epoch,
            next: base.stored + 1,
            head: base.storedHash,
            base: base,
            floor: 0,
            limits: limits
        )
        var findings: [JournalDraft] = []
        if let damage = try ledger.damage(limits.tailBytes, in: db) {
            findings.append(try ledger.cut(damage, in: db))
        }
        try ledger.count(in: db)
        ledger.floor = min(max(known?.sent ?? .max, base.stored), ledger.next - 1)
        ledger.warned = ledger.bytes > limits.softBytes
        try ledger.writeBase(in: db)
        return Start(ledger: ledger, findings: findings)
    }

    /// Sets what follows from the rows.
    private mutating func count(in db: Database) throws {
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

    func damage(_ tailBytes: Int, in db: Database) throws -> Damage? { nil }

    mutating func cut(_ damage: Damage, in db: Database) throws -> JournalDraft {
        .alert(.critical, "journal.tail_cut", damage.cause)
    }

    /// Makes room for a record.
    mutating func makeRoom(for weight: Int, at now: Int64, in db: Database) throws -> Bool {
        bytes + weight <= limits.hardBytes
    }

    mutating func skip(
        _ key: OutputKey,
        from: Int64,
        sum: OutputSum,
        at now: Int64,
        in db: Database
    ) throws {
    }
}
