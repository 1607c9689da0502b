/// The receiving end of a durable stream over one connection: what is taken in, applied and acknowledged.
///
/// A record is taken only if it continues the chain from the durable mark; what is below is dropped, a hole or
/// a wrong hash is answered with a rewind. Only what was applied is acknowledged.
public struct StreamReceiver: Hashable, Sendable {
    private let stream: StreamKind
    private let limits: LinkLimits
    /// How far everything is durable.
    public private(set) var applied: StreamMark
    /// How far everything is taken in.
    private var head: StreamMark
    /// Taken in and not durable yet, oldest first.
    private var pending: [StreamRecord] = []
    private var pendingBytes = 0
    /// How many of ``pending`` are being applied.
    private var applying = 0
    /// A rewind was asked for, and what is still on the wire from before is of no use.
    private var isRewinding = false
    private var rewinds = 0
    /// The last attempt to apply failed, and the next one is the owner's to call.
    private var isStalled = false

    /// Goes on behind `mark`, which is durable.
    public init(stream: StreamKind, from mark: StreamMark, limits: LinkLimits) {
        self.stream = stream
        self.limits = limits.usable
        self.applied = mark
        self.head = mark
    }

    /// Something that was taken in is not durable yet.
    public var isBusy: Bool { !pending.isEmpty }

    /// The peer sent records.
    public mutating func received(_ records: [StreamRecord]) -> [StreamStep] {
        guard let first = records.first, let last = records.last else { return [] }
        guard first.epoch == head.epoch else { return askAgain("of another epoch") }
        guard first.seq <= head.seq + 1 else {
            // Sent before the peer heard of the rewind.
            return isRewinding ? [] : askAgain("behind a hole")
        }
        if last.seq <= applied.seq { return [.acknowledge(position)] }
        isRewinding = false
        let (before, refusal) = (head.seq, takeIn(records))
        if head.seq > before { rewinds = refusal == nil ? 0 : 1 }
        guard pending.count <= limits.windowRecords, pendingBytes <= limits.windowBytes || pending.count == 1 else {
            return [.fail(.stream("More of the \(stream) was sent than the window allows."))]
        }
        return applyNext() + (refusal ?? [])
    }

    /// Takes what continues the chain; answers with what is to be done about the first record that does not.
    private mutating func takeIn(_ records: [StreamRecord]) -> [StreamStep]? {
        for record in records where record.seq >= head.seq {
            if record.seq == head.seq {
                guard record.hash == head.hash else {
                    return [.fail(.diverged("Record \(record.seq) of the \(stream) is not the one known here."))]
                }
                continue
            }
            guard record.epoch == head.epoch, record.seq == head.seq + 1, record.isChained(to: head.hash) else {
                return askAgain("with a wrong hash")
            }
            pending.append(record)
            pendingBytes += record.weight
            head = StreamMark(after: record)
        }
        return nil
    }

    /// The durable mark is this: what was asked for, only a part of it, or what another connection of the same
    /// peer applied meanwhile. What lies behind it is asked for again.
    public mutating func applied(_ mark: StreamMark) -> [StreamStep] {
        guard mark.epoch == applied.epoch, mark.seq > applied.seq else {
            return [.fail(.internalFault("The durable mark of the \(stream) did not move on."))]
        }
        let done = pending.prefix { $0.seq <= mark.seq }
        if let last = done.last, last.seq == mark.seq, last.hash != mark.hash {
            return [.fail(.diverged("Record \(mark.seq) of the \(stream) is not the one that was applied."))]
        }
        pendingBytes -= done.reduce(0) { $0 + $1.weight }
        pending.removeFirst(done.count)
        applying = 0
        applied = mark
        if mark.seq > head.seq { head = mark }
        return [.acknowledge(position)] + applyNext()
    }

    /// Nothing of what was to be applied is durable; ``retry()`` asks for it again.
    public mutating func failed() {
        applying = 0
        isStalled = true
    }

    /// Asks again for what failed.
    public mutating func retry() -> [StreamStep] {
        isStalled = false
        return applyNext()
    }

    private mutating func applyNext() -> [StreamStep] {
        guard applying == 0, !isStalled, !pending.isEmpty else { return [] }
        // What came in during the last transaction is the next one: the window bounds it.
        applying = pending.count
        return [.apply(pending)]
    }

    private mutating func askAgain(_ what: String) -> [StreamStep] {
        isRewinding = true
        rewinds += 1
        let reason = "Record \(head.seq + 1) of epoch \(head.epoch) is next; one \(what) was sent."
        guard rewinds < StreamSender.rewindsMax else { return [.fail(.stream(reason))] }
        return [.rewind(StreamRewind(stream: stream, epoch: head.epoch, from: head.seq + 1, reason: reason))]
    }

    private var position: StreamPosition {
        StreamPosition(stream: stream, epoch: applied.epoch, seq: applied.seq)
    }
}
