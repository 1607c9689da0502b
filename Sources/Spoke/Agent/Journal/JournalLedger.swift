import Foundation
import GRDB
import Protocol

/// The journal as its writer sees it: the counters that follow from the table, and the statements that change both.
///
/// A value: a commit works on a copy, which becomes the truth only when the transaction is durable.
///
/// A row's `seq` and `hash` are those of the record on the wire until unsent output is dropped. From ``divergence``
/// on, wire numbers and hashes are computed when a record is handed out (docs/decisions/0003-journal-gaps.md).
struct JournalLedger: Sendable {
    var epoch: Int64
    /// What the next row is stored as, and the hash it is chained to.
    var next: Int64
    var head: ChainHash
    /// Rows that were merged into gaps: the next record's number on the wire is `next - removed`.
    var removed: Int64 = 0
    /// Weight of all rows.
    var bytes = 0
    /// The last acknowledged record.
    var base: Anchor
    /// Rows up to here may be at the hub already and can not change any more.
    var floor: Int64
    /// The soft limit was crossed and told of.
    var warned = false
    /// The disk is full and that was told.
    var toldFull = false
    var limits: JournalLimits
    /// When the last request came, in milliseconds since 1970.
    var lastAppend: Int64 = 0
    /// Streams' ends, read when first needed; `changed` ones are written with the commit.
    var sums: [OutputKey: OutputSum] = [:]
    var changed: Set<OutputKey> = []
    /// The row of the last gap of a stream that nothing of the stream follows.
    var openGaps: [OutputKey: Int64] = [:]

    /// The last acknowledged record, as the wire and as the file number it; kept in table `state`.
    struct Anchor: Codable, Hashable, Sendable {
        var epoch: Int64
        var wire: Int64 = 0
        var wireHash: ChainHash = .origin
        var stored: Int64 = 0
        var storedHash: ChainHash = .origin
        /// The first row whose number or hash differs from the wire's, if there is one.
        var divergence: Int64?
        /// The number on the wire from which records were lost to a damaged file, until the hub has been told.
        var cut: Int64?
    }

    /// What the next record is called on the wire.
    var wireNext: Int64 { next - removed }

    var mark: StreamMark { StreamMark(epoch: epoch, seq: wireNext - 1, hash: head) }

    // MARK: Appending

    /// Adds records at the end.
    mutating func append(_ drafts: [JournalDraft], at now: Int64, in db: Database) throws {
        let rows = try JournalRows.Inserter(db)
        for draft in drafts {
            try insert(draft.type, draft.payload, at: draft.at ?? now, sum: nil, by: rows)
        }
        try warnIfSoft(at: now, in: db)
    }

    /// Adds output at its stream's end, in records of at most a chunk each. Drops older output if there is no room,
    /// or else this one.
    mutating func append(_ bytes: ArraySlice<UInt8>, to key: OutputKey, at now: Int64, in db: Database) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(Limits.outputChunkBytes)
            rest = rest.dropFirst(part.count)
            var sum = try sum(of: key, in: db)
            let chunk = OutputChunk(
                sessionId: key.sessionId,
                fence: key.fence,
                stream: key.stream,
                offset: sum.bytes,
                bytes: Array(part)
            )
            let payload = chunk.encoded()
            let start = sum.bytes
            sum.bytes += Int64(part.count)
            sum.hash = sum.hash.appending(part)
            sums[key] = sum
            changed.insert(key)
            if try makeRoom(for: payload.count + 80, at: now, in: db) {
                try insert(.sessionOutput, payload, at: now, sum: sum.hash, in: db)
                openGaps[key] = nil
            } else {
                try skip(key, from: start, sum: sum, at: now, in: db)
            }
        }
        try warnIfSoft(at: now, in: db)
    }

    /// The end of a stream; zero for one that has not begun.
    mutating func sum(of key: OutputKey, in db: Database) throws -> OutputSum {
        if let known = sums[key] { return known }
        let sum = try OutputSums.one(key, in: db) ?? OutputSum(stream: key.stream, bytes: 0, hash: .origin)
        sums[key] = sum
        return sum
    }

    /// Writes the ends of the streams that this commit moved.
    mutating func writeSums(in db: Database) throws {
        for key in changed {
            guard let sum = sums[key] else { continue }
            try OutputSums.write(sum, of: key, in: db)
        }
        changed.removeAll(keepingCapacity: true)
    }

    mutating func insert(
        _ type: JournalRecordType,
        _ payload: [UInt8],
        at: Int64,
        sum: ChainHash?,
        in db: Database
    ) throws {
        try insert(type, payload, at: at, sum: sum, by: JournalRows.Inserter(db))
    }

    private mutating func insert(
        _ type: JournalRecordType,
        _ payload: [UInt8],
        at: Int64,
        sum: ChainHash?,
        by rows: JournalRows.Inserter
    ) throws {
        lastAppend = max(lastAppend, at)
        let record = StreamRecord(epoch: epoch, seq: next, at: at, type: type.rawValue, payload: payload, after: head)
        try rows.insert(record, sum: sum)
        next += 1
        head = record.hash
        bytes += record.weight
    }

    private mutating func warnIfSoft(at now: Int64, in db: Database) throws {
        guard bytes > limits.softBytes else {
            if bytes < limits.softBytes / 10 * 9 { warned = false }
            return
        }
        guard !warned else { return }
        warned = true
        let alert = JournalDraft.alert(
            .warning,
            "journal.soft_limit",
            "The journal holds \(bytes >> 20) MiB that the hub has not taken; reconnect the spoke or lose output.",
            details: ["bytes": .integer(Int64(bytes)), "hardBytes": .integer(Int64(limits.hardBytes))]
        )
        try insert(alert.type, alert.payload, at: now, sum: nil, in: db)
    }

    // MARK: Acknowledging

    /// Forgets what the hub has applied. Older marks change nothing.
    ///
    /// - Throws a `conflict` fault for a record that is not in this journal.
    mutating func acknowledge(_ mark: StreamMark, in db: Database) throws {
        guard mark.epoch == epoch, mark.seq < wireNext else { throw Self.unknown(mark) }
        guard mark.seq > base.wire else { return }
        let place = try place(of: mark.seq, in: db)
        guard place.hash == mark.hash else { throw Self.unknown(mark) }
        bytes -= try JournalRows.weight(upTo: place.stored, in: db)
        let storedHash = try JournalRows.hash(at: place.stored, in: db) ?? place.hash
        try JournalRows.delete(upTo: place.stored, in: db)
        base.wire = mark.seq
        base.wireHash = mark.hash
        base.stored = place.stored
        base.storedHash = storedHash
        floor = max(floor, place.stored)
        if mark.seq == wireNext - 1 { rejoin() }
        try writeBase(in: db)
        try JournalRows.giveBackRoom(in: db)
    }

    /// Nothing is left: numbers and hashes of file and wire are the same again.
    private mutating func rejoin() {
        base.stored = base.wire
        base.storedHash = base.wireHash
        base.divergence = nil
        next = base.wire + 1
        head = base.wireHash
        removed = 0
        floor = base.wire
        bytes = 0
        openGaps.removeAll()
    }

    func writeBase(in db: Database) throws { try StateTable.set(.journal, base, in: db) }

    static func unknown(_ mark: StreamMark) -> Fault {
        Fault(
            .conflict,
            "The journal has no record \(mark.seq) of epoch \(mark.epoch) with that hash; resume from the hub's mark."
        )
    }
}
