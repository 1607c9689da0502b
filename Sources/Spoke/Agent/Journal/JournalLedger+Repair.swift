import GRDB
public import Protocol

/// What happens when file and hub do not agree: docs/decisions/0003-journal-gaps.md.
extension JournalLedger {
    /// Cuts the journal back to the last good record and tells what was lost.
    mutating func cut(_ damage: JournalChain.Damage, in db: Database) throws -> JournalDraft {
        let rows =
            try Int.fetchOne(db, sql: "SELECT count(*) FROM journal WHERE seq >= ?", arguments: [damage.from]) ?? 0
        let streams = try OutputSums.rewind(behind: damage.from, in: db)
        try db.execute(sql: "DELETE FROM journal WHERE seq >= ?", arguments: [damage.from])
        next = base.stored + 1
        head = base.storedHash
        try count(in: db)
        base.cut = min(base.cut ?? wireNext, wireNext)
        try writeBase(in: db)
        return .alert(
            .critical,
            "journal.tail_cut",
            "The journal was damaged (\(damage.cause)); \(rows) records from \(damage.from) on are lost.",
            details: [
                "from": .integer(damage.from), "records": .integer(Int64(rows)), "cause": .string(damage.cause),
                "streamsReadAgain": .integer(Int64(streams)),
            ]
        )
    }

    /// Where to go on, given how far the hub has come. Usually that is the hub's mark itself; if the hub has
    /// records that are not here any more, what it does not have goes out under a new epoch.
    mutating func resume(from mark: StreamMark, at now: Int64, in db: Database) throws -> StreamMark {
        if mark.epoch < epoch { return try fromTheStart(in: db) }
        if mark.epoch == epoch, try agrees(with: mark, in: db) {
            if mark.seq > base.wire { try acknowledge(mark, in: db) }
            floor = base.stored
            if base.cut != nil {
                base.cut = nil
                try writeBase(in: db)
            }
            return StreamMark(epoch: epoch, seq: base.wire, hash: base.wireHash)
        }
        let cut = base.cut
        // Behind a cut everything is new to the hub; without one, nobody can say, and twice is better than never.
        if mark.epoch == epoch, let cut, mark.seq >= cut - 1 {
            let place = try place(of: cut - 1, in: db)
            try acknowledge(StreamMark(epoch: epoch, seq: place.wire, hash: place.hash), in: db)
        }
        try renumber(under: max(epoch, mark.epoch) + 1, in: db)
        let alert = JournalDraft.alert(
            .critical,
            "journal.new_epoch",
            "The hub stands at record \(mark.seq) of epoch \(mark.epoch), unknown here; epoch \(epoch) begins.",
            details: ["hubSeq": .integer(mark.seq), "hubEpoch": .integer(mark.epoch), "epoch": .integer(epoch)]
        )
        try append([alert], at: now, in: db)
        return .start(of: epoch)
    }

    /// The hub knows nothing of this epoch: everything is still here, or it is not the hub of before.
    private mutating func fromTheStart(in db: Database) throws -> StreamMark {
        if base.wire == 0 {
            floor = 0
            return .start(of: epoch)
        }
        try renumber(under: epoch + 1, in: db)
        return .start(of: epoch)
    }

    private func agrees(with mark: StreamMark, in db: Database) throws -> Bool {
        guard mark.seq >= base.wire, mark.seq < wireNext else { return false }
        return try place(of: mark.seq, in: db).hash == mark.hash
    }

    /// Gives every record a new number and hash, from 1 on, under a new epoch. Nothing is ever behind a row's place,
    /// so one pass does it.
    private mutating func renumber(under newEpoch: Int64, in db: Database) throws {
        var last = base.stored
        base = Anchor(epoch: newEpoch)
        (epoch, next, head, removed, bytes, floor) = (newEpoch, 1, .origin, 0, 0, 0)
        openGaps.removeAll()
        while let row = try Row.fetchOne(db.cachedStatement(sql: SQL.first), arguments: [last]) {
            let old = try JournalRows.stored(row).record
            last = old.seq
            try db.cachedStatement(sql: SQL.delete).execute(arguments: [old.seq])
            guard let type = JournalRecordType(rawValue: old.type) else { continue }
            try insert(type, old.payload, at: old.at, sum: JournalRows.hashValue(row[7]), in: db)
        }
        try writeBase(in: db)
    }

    private enum SQL {
        static let first = """
            SELECT seq, epoch, at, type, payload, hash, previous, sum FROM journal WHERE seq > ? ORDER BY seq LIMIT 1
            """
        static let delete = "DELETE FROM journal WHERE seq = ?"
    }
}

extension Journal {
    /// Agrees with the hub on where to go on, at each welcome: forgets what it has, and sorts it out if it has
    /// records that a damaged or restored file lost. What the link sent before and the hub does not have counts as
    /// not sent.
    ///
    /// - Parameter mark: how far the hub says it has applied this spoke's journal.
    /// - Returns: the mark to send after.
    public func resume(from mark: StreamMark) async throws(Fault) -> StreamMark {
        let now = clock()
        let answer = try await perform(.state(0)) { ledger, db in try ledger.resume(from: mark, at: now, in: db) }.value
        database.markFile?.advance(to: answer.epoch)
        database.markFile?.sent(upTo: ledger.floor)
        return answer
    }
}
