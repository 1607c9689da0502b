import GRDB
import Protocol

extension JournalLedger {
    /// Where a record of the wire is in the file.
    struct Place: Sendable {
        var wire: Int64
        var stored: Int64
        var hash: ChainHash
    }

    /// - Throws a `conflict` fault for a record that is not here (any more, or yet).
    func place(of wire: Int64, in db: Database) throws -> Place {
        if wire == base.wire { return Place(wire: wire, stored: base.stored, hash: base.wireHash) }
        guard wire > base.wire, wire < wireNext else {
            throw Fault(.conflict, "The journal holds records \(base.wire + 1) to \(wireNext - 1), not \(wire).")
        }
        if wire < base.divergence ?? .max {
            guard let hash = try JournalRows.hash(at: wire, in: db) else { throw Self.hole(at: wire) }
            return Place(wire: wire, stored: wire, hash: hash)
        }
        var place = Place(wire: base.wire, stored: base.stored, hash: base.wireHash)
        let cursor = try JournalRows.cursor(after: base.stored, in: db)
        while place.wire < wire {
            guard let row = try cursor.next() else { throw Self.hole(at: place.wire + 1) }
            advance(&place, over: try JournalRows.stored(row).record)
        }
        return place
    }

    /// The records behind `wire`, as they go to the hub, and the row of the last.
    func records(
        after wire: Int64,
        maxRecords: Int,
        maxBytes: Int,
        in db: Database
    ) throws -> (records: [StreamRecord], last: Int64) {
        var place = try place(of: wire, in: db)
        var (records, weight) = ([StreamRecord](), 0)
        let cursor = try JournalRows.cursor(after: place.stored, in: db)
        while records.count < maxRecords, let row = try cursor.next() {
            let stored = try JournalRows.stored(row).record
            weight += stored.weight
            // The first always goes, however large: nothing else would ever move it.
            if weight > maxBytes, !records.isEmpty { break }
            records.append(advance(&place, over: stored))
        }
        return (records, place.stored)
    }

    /// The stored record as it is on the wire, with `place` moved over it.
    @discardableResult
    private func advance(_ place: inout Place, over stored: StreamRecord) -> StreamRecord {
        let record =
            stored.seq < base.divergence ?? .max
            ? stored
            : StreamRecord(
                epoch: stored.epoch,
                seq: place.wire + 1,
                at: stored.at,
                type: stored.type,
                payload: stored.payload,
                after: place.hash
            )
        place = Place(wire: record.seq, stored: stored.seq, hash: record.hash)
        return record
    }

    private static func hole(at wire: Int64) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "The journal's record \(wire) is missing.")
    }
}
