/// The sending end of a durable stream over one connection: what to send next, and how much at a time.
///
/// The records stay in the store; they are asked for when the receiver's window has room, and only one request
/// is out at a time. Nothing is sent that is not stored, and nothing is sent twice unless the receiver asks.
public struct StreamSender: Hashable, Sendable {
    private let stream: StreamKind
    private let epoch: Int64
    private let limits: LinkLimits
    /// The last record that the receiver has for ever, and the last one on the wire.
    public private(set) var acknowledged: Int64
    private var sent: Int64
    /// The number that the store gives next: everything before it can be loaded.
    private var next: Int64
    /// Batches on the wire, oldest first.
    private var flight: [Flown] = []
    private var flightBytes = 0
    /// What the outstanding request said in `after`.
    private var loading: Int64?
    /// The first record behind the resume point must continue from this hash; checked once.
    private var resumeHash: ChainHash?
    /// The next record does not fit behind what is on the wire: wait for an acknowledgement.
    private var isBlocked = false
    private var rewinds = 0

    private struct Flown: Hashable {
        var first: Int64
        var last: Int64
        var bytes: Int
    }

    /// Resumes behind `mark`, which the receiver holds durably.
    public init(stream: StreamKind, resumingAfter mark: StreamMark, next: Int64, limits: LinkLimits) {
        self.stream = stream
        self.epoch = mark.epoch
        self.limits = limits.usable
        self.acknowledged = mark.seq
        self.sent = mark.seq
        self.next = next
        self.resumeHash = mark.hash
    }

    /// The store has records up to and including `next - 1`.
    public mutating func stored(next: Int64) -> [StreamStep] {
        self.next = max(self.next, next)
        return pump()
    }

    /// The answer to `load`; empty if the store cannot give what it said it has.
    public mutating func loaded(_ records: [StreamRecord]) -> [StreamStep] {
        let asked = loading
        loading = nil
        // A rewind came in between: what was asked for is not what is wanted.
        guard asked == sent else { return pump() }
        guard let first = records.first else {
            // Asking at once would spin. The store speaks up when it has more.
            next = sent + 1
            return []
        }
        guard first.epoch == epoch, first.seq == sent + 1 else {
            return [.fail(.internalFault("The store gave record \(first.seq), not \(sent + 1)."))]
        }
        if let resumeHash, !first.isChained(to: resumeHash) {
            return [.fail(.diverged("Record \(first.seq) of the \(stream) does not continue what the peer has."))]
        }
        resumeHash = nil
        return dispatch(records) + pump()
    }

    private mutating func dispatch(_ records: [StreamRecord]) -> [StreamStep] {
        let batch = fitting(records)
        guard let last = batch.last else {
            isBlocked = true
            return []
        }
        let bytes = batch.reduce(0) { $0 + $1.weight }
        sent = last.seq
        flight.append(Flown(first: last.seq - Int64(batch.count) + 1, last: last.seq, bytes: bytes))
        flightBytes += bytes
        return [.send(StreamBatch(stream: stream, records: batch))]
    }

    /// The part of the records that the window and the batch size allow. One that is larger than the whole
    /// window goes alone.
    private func fitting(_ records: [StreamRecord]) -> [StreamRecord] {
        let roomRecords = min(limits.batchRecords, limits.windowRecords - Int(sent - acknowledged))
        let roomBytes = min(limits.batchBytes, limits.windowBytes - flightBytes)
        var bytes = 0
        var count = 0
        for (place, record) in records.prefix(roomRecords).enumerated() {
            bytes += record.weight
            let isAlone = place == 0 && (flight.isEmpty || record.weight <= limits.windowBytes - flightBytes)
            guard record.seq == sent + 1 + Int64(place), bytes <= roomBytes || isAlone else { break }
            count += 1
        }
        return Array(records.prefix(count))
    }

    /// The receiver has everything up to `position` for ever.
    public mutating func acknowledged(_ position: StreamPosition) -> [StreamStep] {
        guard position.epoch == epoch, position.seq <= sent else {
            return [.fail(.notAllowed("The \(stream) were acknowledged beyond what was sent."))]
        }
        guard position.seq > acknowledged else { return [] }
        acknowledged = position.seq
        rewinds = 0
        isBlocked = false
        let landed = flight.prefix { $0.last <= position.seq }
        flightBytes -= landed.reduce(0) { $0 + $1.bytes }
        flight.removeFirst(landed.count)
        return [.released(position)] + pump()
    }

    /// The receiver wants to be sent everything from `from` on.
    public mutating func rewind(_ rewind: StreamRewind) -> [StreamStep] {
        guard rewind.epoch == epoch, rewind.from > acknowledged, rewind.from <= sent + 1 else {
            return [.fail(.stream("The \(stream) cannot begin again from \(rewind.from)."))]
        }
        rewinds += 1
        guard rewinds <= Self.rewindsMax else {
            return [.fail(.stream("The \(stream) were rewound \(rewinds) times without progress."))]
        }
        sent = rewind.from - 1
        isBlocked = false
        flight.removeAll { $0.first > sent }
        // A batch that was taken in half keeps its whole weight: that errs on the safe side.
        for place in flight.indices where flight[place].last > sent { flight[place].last = sent }
        flightBytes = flight.reduce(0) { $0 + $1.bytes }
        return pump()
    }

    /// A receiver that asks this often without taking anything in never will.
    static let rewindsMax = 4

    private mutating func pump() -> [StreamStep] {
        let roomRecords = limits.windowRecords - Int(sent - acknowledged)
        let roomBytes = flight.isEmpty ? limits.windowBytes : limits.windowBytes - flightBytes
        guard loading == nil, !isBlocked, sent + 1 < next, roomRecords > 0, roomBytes > 0 else { return [] }
        loading = sent
        return [
            .load(
                after: sent,
                maxRecords: min(limits.batchRecords, roomRecords),
                maxBytes: min(limits.batchBytes, roomBytes)
            )
        ]
    }
}

extension LinkLimits {
    /// The same within what this protocol can do: a peer's zero would stop a stream, its millions fill memory.
    var usable: LinkLimits {
        LinkLimits(
            windowRecords: min(max(windowRecords, 1), Limits.windowRecords),
            windowBytes: min(max(windowBytes, 1), Limits.windowBytes),
            batchRecords: min(max(batchRecords, 1), Limits.batchRecords),
            batchBytes: min(max(batchBytes, 1), Limits.batchBytes)
        )
    }
}
