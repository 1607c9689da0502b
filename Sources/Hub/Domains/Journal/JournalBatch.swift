public import Protocol

/// Consecutive journal records of one spoke, as its link received them.
public struct JournalBatch: Sendable {
    public var spokeId: SpokeID
    /// Whose link they came over: a spoke's former incarnations are fenced.
    public var incarnation: String
    /// Where the link believes the hub to stand. With it a batch needs one statement; without it, or if it is
    /// wrong, the
    /// true mark is read first and what was applied already is dropped.
    public var after: StreamMark?
    public var records: [StreamRecord]
    /// The link has checked that the records are chained to `after`: they are not hashed a second time.
    public var isVerified: Bool

    public init(
        spokeId: SpokeID,
        incarnation: String,
        after: StreamMark? = nil,
        records: [StreamRecord],
        isVerified: Bool = false
    ) {
        self.spokeId = spokeId
        self.incarnation = incarnation
        self.after = after
        self.records = records
        self.isVerified = isVerified
    }

    /// Whether the records follow the mark without a hole and, unless that was checked, with the right hashes.
    func continues(_ mark: StreamMark) -> Bool {
        var previous = mark
        let isTrusted = isVerified && after == mark
        for record in records {
            guard record.epoch == previous.epoch, record.seq == previous.seq + 1,
                isTrusted || record.isChained(to: previous.hash)
            else { return false }
            previous = StreamMark(after: record)
        }
        return true
    }

    /// What is left of the batch behind the mark, ready to be applied.
    func behind(_ mark: StreamMark) -> JournalBatch {
        var rest = self
        rest.records = records.filter { $0.epoch != mark.epoch || $0.seq > mark.seq }
        if rest.records.count != records.count || after != mark { rest.isVerified = false }
        rest.after = mark
        return rest
    }
}

/// What became of a batch.
public enum JournalVerdict: Hashable, Sendable {
    /// Applied: everything up to this mark is durable and may be acknowledged.
    case applied(StreamMark)
    /// The records do not continue what was applied; the spoke starts again behind this mark.
    case rewind(StreamMark)
    /// A newer incarnation of the spoke took over, or the spoke is gone: this link ends.
    case fenced
}
