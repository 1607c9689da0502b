import Foundation
import GRDB
import Protocol

/// Output that must go, so that the journal stays within its bounds: docs/decisions/0003-journal-gaps.md.
extension JournalLedger {
    private static let reason = "The journal was full while the hub was away."

    /// Drops the oldest unsent output if a record of this weight does not fit.
    ///
    /// - Returns: whether it fits now.
    mutating func makeRoom(for weight: Int, at now: Int64, in db: Database) throws -> Bool {
        if bytes + weight <= limits.hardBytes { return true }
        try dropOldest(until: Int(Double(limits.hardBytes) * limits.keepAfterDrop) - weight, in: db)
        return bytes + weight <= limits.hardBytes
    }

    /// The new output itself is left out: nothing older may go. The stream's last gap grows, or one begins.
    mutating func skip(
        _ key: OutputKey,
        from start: Int64,
        sum: OutputSum,
        at now: Int64,
        in db: Database
    ) throws {
        if let seq = openGaps[key], seq > floor, var gap = try gap(at: seq, in: db), gap.to == start {
            gap.to = sum.bytes
            gap.hash = sum.hash
            return try rewrite(seq, as: gap, in: db)
        }
        let gap = OutputGap(key, from: start, sum: sum, reason: Self.reason)
        openGaps[key] = next
        try insert(.outputGap, WireCoder.bytes(of: gap), at: now, sum: sum.hash, in: db)
    }

    /// One stream's dropped output on its way to be one gap, in the place of the first record dropped.
    private struct Hole {
        var seq: Int64
        var gap: OutputGap
    }

    /// Deletes output behind the floor, oldest first, and the gaps among it, until the journal weighs `target`.
    /// Each stream gets one gap for all of it.
    private mutating func dropOldest(until target: Int, in db: Database) throws {
        var holes: [OutputKey: Hole] = [:]
        var replaced: ChainHash?
        let gapWeight = 512
        var last = floor
        while bytes + holes.count * gapWeight > target {
            // The rows change under the cursor, so it is a short one each time.
            let rows = try Row.fetchAll(db.cachedStatement(sql: GapSQL.next), arguments: [last])
            if rows.isEmpty { break }
            for row in rows where bytes + holes.count * gapWeight > target {
                last = row[0]
                if let replaced, (row[5] as DatabaseValue).isNull {
                    try db.cachedStatement(sql: GapSQL.chainBehind).execute(arguments: [replaced.data, last])
                }
                replaced = nil
                guard let gap = try Self.droppable(row) else { continue }
                let key = OutputKey(sessionId: gap.sessionId, fence: gap.fence, stream: gap.stream)
                replaced = JournalRows.hashValue(row[4])
                base.divergence = min(base.divergence ?? last, last)
                bytes -= row[2] as Int
                if var hole = holes[key] {
                    hole.gap.to = gap.to
                    hole.gap.hash = gap.hash
                    holes[key] = hole
                    removed += 1
                    try db.cachedStatement(sql: GapSQL.delete).execute(arguments: [last])
                } else {
                    holes[key] = Hole(seq: last, gap: gap)
                }
            }
        }
        try close(holes, replaced: replaced, last: last, in: db)
    }

    /// Puts the gaps in their places and chains the row behind the last one dropped.
    private mutating func close(
        _ holes: [OutputKey: Hole],
        replaced: ChainHash?,
        last: Int64,
        in db: Database
    ) throws {
        guard !holes.isEmpty else { return }
        if let replaced {
            try db.cachedStatement(sql: GapSQL.chainNextBehind).execute(arguments: [replaced.data, last])
        }
        for (key, hole) in holes.sorted(by: { $0.value.seq < $1.value.seq }) {
            try put(hole.gap, at: hole.seq, in: db)
            openGaps[key] = nil
        }
        // A gap is open only while nothing of its stream follows; that is not known here, and a new one does no harm.
        head = try JournalRows.hash(before: .max, in: db) ?? base.storedHash
        try writeBase(in: db)
    }

    /// What a row says is missing once it is gone; `nil` for a record that stays.
    private static func droppable(_ row: Row) throws -> OutputGap? {
        switch JournalRecordType(rawValue: row[1]) {
        case .sessionOutput:
            let length: Int64 = row[6]
            guard let sum = JournalRows.hashValue(row[7]), let head = OutputChunk(decoding: [UInt8](row[3] as Data))
            else {
                return nil
            }
            let size = length - Int64(18 + head.sessionId.rawValue.utf8.count)
            let key = OutputKey(sessionId: head.sessionId, fence: head.fence, stream: head.stream)
            let end = OutputSum(stream: head.stream, bytes: head.offset + size, hash: sum)
            return OutputGap(key, from: head.offset, sum: end, reason: reason)
        case .outputGap:
            return try WireCoder.value(OutputGap.self, from: [UInt8](row[3] as Data))
        default:
            return nil
        }
    }

    private func gap(at seq: Int64, in db: Database) throws -> OutputGap? {
        guard let payload = try Row.fetchOne(db.cachedStatement(sql: GapSQL.gapAt), arguments: [seq]) else {
            return nil
        }
        return try WireCoder.value(OutputGap.self, from: [UInt8](payload[0] as Data))
    }

    /// Lets an unsent gap grow where it is.
    private mutating func rewrite(_ seq: Int64, as gap: OutputGap, in db: Database) throws {
        if let old = try JournalRows.hash(at: seq, in: db), seq < next - 1 {
            try db.cachedStatement(sql: GapSQL.chainNextBehind).execute(arguments: [old.data, seq])
            base.divergence = min(base.divergence ?? seq, seq)
            try writeBase(in: db)
        }
        bytes -= try Int.fetchOne(db.cachedStatement(sql: GapSQL.weightAt), arguments: [seq]) ?? 0
        try put(gap, at: seq, in: db)
        head = try JournalRows.hash(before: .max, in: db) ?? head
    }

    private mutating func put(_ gap: OutputGap, at seq: Int64, in db: Database) throws {
        guard let row = try Row.fetchOne(db.cachedStatement(sql: GapSQL.place), arguments: [seq]) else { return }
        let behind = try JournalRows.hashValue(row[1]) ?? JournalRows.hash(before: seq, in: db) ?? base.storedHash
        let record = StreamRecord(
            epoch: epoch,
            seq: seq,
            at: row[0],
            type: JournalRecordType.outputGap.rawValue,
            payload: WireCoder.bytes(of: gap),
            after: behind
        )
        try db.cachedStatement(sql: GapSQL.replace).execute(
            arguments: [record.type, Data(record.payload), record.hash.data, gap.hash.data, seq])
        bytes += record.weight
    }
}

extension OutputGap {
    fileprivate init(_ key: OutputKey, from: Int64, sum: OutputSum, reason: String) {
        self.init(
            sessionId: key.sessionId,
            fence: key.fence,
            stream: key.stream,
            from: from,
            to: sum.bytes,
            reason: reason,
            hash: sum.hash
        )
    }
}

private enum GapSQL {
    /// Only the head of an output record is read: who, where and how long is in its first bytes.
    static let next = """
        SELECT seq, type, length(payload) + length(type) + 64,
               CASE type WHEN 'session.output' THEN substr(payload, 1, 300) ELSE payload END,
               hash, previous, length(payload), sum
        FROM journal WHERE seq > ? ORDER BY seq LIMIT 256
        """
    /// The first hash that a row was chained behind is the one that verifies it.
    static let chainBehind = "UPDATE journal SET previous = ? WHERE seq = ? AND previous IS NULL"
    static let chainNextBehind = """
        UPDATE journal SET previous = ?
        WHERE seq = (SELECT min(seq) FROM journal WHERE seq > ?) AND previous IS NULL
        """
    static let delete = "DELETE FROM journal WHERE seq = ?"
    static let gapAt = "SELECT payload FROM journal WHERE seq = ? AND type = 'output.gap'"
    static let weightAt = "SELECT length(payload) + length(type) + 64 FROM journal WHERE seq = ?"
    static let place = "SELECT at, previous FROM journal WHERE seq = ?"
    static let replace = "UPDATE journal SET type = ?, payload = ?, hash = ?, sum = ? WHERE seq = ?"
}
