import GRDB
public import Protocol

/// What recomputing the journal's chain found.
public struct JournalVerification: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
        /// Every record is as it was written.
        case complete
        /// From this row on nothing can be trusted, and why.
        case broken(from: Int64, cause: String)
    }

    public var epoch: Int64
    public var outcome: Outcome
    /// Records that were checked, and their number on the wire: `first` to `first + records - 1`.
    public var records: Int
    public var first: Int64
    /// Output that is missing and says so, each with its cause.
    public var gaps: [OutputGap]
}

/// Recomputing the chain of the rows as they are stored.
enum JournalChain {
    struct Damage: Sendable, Hashable {
        /// The first row that is not as it was written.
        var from: Int64
        var cause: String
    }

    struct Report: Sendable {
        var records = 0
        var gaps: [OutputGap] = []
        var damage: Damage?
    }

    /// Checks the rows behind the base, or only the last of them that weigh `tailBytes`.
    static func check(_ base: JournalLedger.Anchor, tailBytes: Int? = nil, in db: Database) throws -> Report {
        var report = Report()
        var last = base.stored
        do {
            var hash = base.storedHash
            if let tailBytes, let start = try tailStart(tailBytes, behind: base, in: db) {
                last = start.seq
                hash = start.hash
            }
            let cursor = try JournalRows.cursor(after: last, in: db)
            while let row = try cursor.next() {
                let stored = try JournalRows.stored(row)
                let seq = stored.record.seq
                let isNext = seq == last + 1 || base.divergence.map { seq >= $0 } == true
                guard isNext, stored.record.epoch == base.epoch else {
                    report.damage = Damage(from: last + 1, cause: "record \(last + 1) is missing")
                    return report
                }
                guard stored.record.isChained(to: stored.previous ?? hash) else {
                    report.damage = Damage(from: seq, cause: "record \(seq) has another hash than its content")
                    return report
                }
                (last, hash) = (seq, stored.record.hash)
                report.note(stored.record)
            }
        } catch let error as DatabaseError where error.means(.corrupt) {
            report.damage = Damage(from: last + 1, cause: "record \(last + 1) cannot be read (\(error.resultCode))")
        }
        return report
    }

    /// The row before the tail, if the tail is not everything.
    private static func tailStart(
        _ bytes: Int,
        behind base: JournalLedger.Anchor,
        in db: Database
    ) throws -> (seq: Int64, hash: ChainHash)? {
        var weight = 0
        let cursor = try Row.fetchCursor(
            db,
            sql: "SELECT seq, length(payload) + length(type) + 64, hash FROM journal ORDER BY seq DESC"
        )
        while let row = try cursor.next() {
            weight += row[1] as Int? ?? 0
            guard weight > bytes else { continue }
            guard let hash = JournalRows.hashValue(row[2]) else { return nil }
            return (row[0], hash)
        }
        return nil
    }
}

extension JournalChain.Report {
    fileprivate mutating func note(_ record: StreamRecord) {
        records += 1
        guard record.type == JournalRecordType.outputGap.rawValue else { return }
        // A gap that cannot be read is chained all the same; it is only not listed.
        if let gap = try? WireCoder.value(OutputGap.self, from: record.payload) { gaps.append(gap) }
    }
}

extension SpokeDatabase {
    /// Recomputes the whole chain: for `spoke journal verify`, with or without a running agent.
    public func verify() async throws(Fault) -> JournalVerification {
        try await read { db in
            guard let base = try StateTable.get(.journal, as: JournalLedger.Anchor.self, in: db) else {
                return JournalVerification(epoch: 1, outcome: .complete, records: 0, first: 1, gaps: [])
            }
            let report = try JournalChain.check(base, in: db)
            return JournalVerification(
                epoch: base.epoch,
                outcome: report.damage.map { .broken(from: $0.from, cause: $0.cause) } ?? .complete,
                records: report.records,
                first: base.wire + 1,
                gaps: report.gaps
            )
        }
    }
}
