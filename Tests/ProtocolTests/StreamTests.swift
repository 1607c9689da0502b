import Protocol
import Testing

/// A chain of records, as a store would hold it.
func chain(_ count: Int64, epoch: Int64 = 1, bytes: Int = 10) -> [StreamRecord] {
    var records: [StreamRecord] = []
    for seq in 1...count {
        let previous = records.last?.hash ?? .origin
        let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: seq), count: bytes)
        records.append(StreamRecord(epoch: epoch, seq: seq, at: seq, type: "t", payload: payload, after: previous))
    }
    return records
}

func batch(_ records: ArraySlice<StreamRecord>, _ stream: StreamKind = .journal) -> StreamBatch {
    StreamBatch(stream: stream, records: Array(records))
}

@Suite struct StreamSenderTests {
    private let records = chain(9)
    private let limits = LinkLimits(windowRecords: 4, windowBytes: 1_000, batchRecords: 2, batchBytes: 1_000)
    private var sender: StreamSender

    init() { sender = StreamSender(stream: .journal, resumingAfter: .start(of: 1), next: 1, limits: limits) }

    private func position(_ seq: Int64) -> StreamPosition { StreamPosition(stream: .journal, epoch: 1, seq: seq) }

    @Test mutating func itSendsWhatIsStoredUntilTheWindowIsFull() {
        #expect(sender.stored(next: 10) == [.load(after: 0, maxRecords: 2, maxBytes: 1_000)])
        #expect(sender.stored(next: 10) == [])
        let first = sender.loaded(Array(records[0..<2]))
        #expect(first.first == .send(batch(records[0..<2])))
        guard case .load(after: 2, maxRecords: 2, _)? = first.last else { return #expect(Bool(false)) }
        #expect(sender.loaded(Array(records[2..<4])) == [.send(batch(records[2..<4]))])
        let more = sender.acknowledged(position(3))
        #expect(more.first == .released(position(3)))
        guard case .load(after: 4, maxRecords: 2, _)? = more.last else { return #expect(Bool(false)) }
    }

    @Test mutating func aRewindStartsAgainAndDropsWhatWasBeingRead() {
        _ = sender.stored(next: 10)
        _ = sender.loaded(Array(records[0..<2]))
        #expect(sender.rewind(StreamRewind(stream: .journal, epoch: 1, from: 2, reason: "")) == [])
        guard case .load(after: 1, _, _)? = sender.loaded(Array(records[2..<4])).last else {
            return #expect(Bool(false), "What was read for another place is read again.")
        }
        #expect(sender.loaded(Array(records[1..<3])).first == .send(batch(records[1..<3])))
    }

    @Test mutating func nonsenseFromTheReceiverEndsTheStream() {
        _ = sender.stored(next: 10)
        _ = sender.loaded(Array(records[0..<2]))
        var copy = sender
        #expect(isFailure(copy.acknowledged(position(5))))
        copy = sender
        #expect(isFailure(copy.rewind(StreamRewind(stream: .journal, epoch: 1, from: 9, reason: ""))))
        copy = sender
        #expect(isFailure(copy.rewind(StreamRewind(stream: .journal, epoch: 2, from: 1, reason: ""))))
        for _ in 0..<4 { _ = sender.rewind(StreamRewind(stream: .journal, epoch: 1, from: 1, reason: "")) }
        #expect(isFailure(sender.rewind(StreamRewind(stream: .journal, epoch: 1, from: 1, reason: ""))))
    }

    @Test func aRecordLargerThanTheWindowGoesAlone() {
        let large = chain(2, bytes: 500)
        let tight = LinkLimits(windowRecords: 4, windowBytes: 100, batchRecords: 2, batchBytes: 100)
        var sender = StreamSender(stream: .journal, resumingAfter: .start(of: 1), next: 3, limits: tight)
        _ = sender.stored(next: 3)
        #expect(sender.loaded(large) == [.send(batch(large[0..<1]))])
        #expect(sender.acknowledged(position(1)).count == 2)
        #expect(sender.loaded(Array(large[1...])) == [.send(batch(large[1...]))])
    }

    @Test func aStoreThatDoesNotContinueThePeersHistoryIsNotSent() {
        let mark = StreamMark(epoch: 1, seq: 2, hash: records[5].hash)
        var sender = StreamSender(stream: .journal, resumingAfter: mark, next: 10, limits: limits)
        _ = sender.stored(next: 10)
        #expect(sender.loaded(Array(records[2..<4])).first.map { isFailure([$0], code: 4007) } == true)
    }
}

@Suite struct StreamReceiverTests {
    private let records = chain(9)
    private var receiver: StreamReceiver

    init() { receiver = StreamReceiver(stream: .journal, from: .start(of: 1), limits: .standard) }

    private func acknowledge(_ seq: Int64) -> StreamStep {
        .acknowledge(StreamPosition(stream: .journal, epoch: 1, seq: seq))
    }

    private func take(_ range: Range<Int>) -> [StreamRecord] { Array(records[range]) }

    @Test mutating func onlyWhatIsDurableIsAcknowledgedAndTheRestIsTheNextTransaction() {
        #expect(receiver.received(take(0..<2)) == [.apply(take(0..<2))])
        #expect(receiver.received(take(2..<4)) == [])
        #expect(receiver.received(take(4..<5)) == [])
        #expect(receiver.applied(StreamMark(after: records[1])) == [acknowledge(2), .apply(take(2..<5))])
        #expect(receiver.applied(StreamMark(after: records[4])) == [acknowledge(5)])
        #expect(!receiver.isBusy)
    }

    @Test mutating func duplicatesAreDroppedAndOverlapIsTrimmed() {
        _ = receiver.received(take(0..<3))
        _ = receiver.applied(StreamMark(after: records[2]))
        #expect(receiver.received(take(0..<2)) == [acknowledge(3)])
        #expect(receiver.received(take(1..<5)) == [.apply(take(3..<5))])
    }

    @Test mutating func aHoleIsAskedForOnceAndWhatWasOnItsWayIsIgnored() {
        _ = receiver.received(take(0..<1))
        guard case .rewind(let rewind)? = receiver.received(take(2..<3)).first else { return #expect(Bool(false)) }
        #expect(rewind.from == 2)
        #expect(receiver.received(take(3..<4)) == [])
        _ = receiver.applied(StreamMark(after: records[0]))
        #expect(receiver.received(take(1..<3)) == [.apply(take(1..<3))])
    }

    @Test mutating func aWrongHashIsRefusedAndRepeatedOnesEndTheStream() {
        let forged = StreamRecord(epoch: 1, seq: 2, at: 2, type: "t", payload: [1], hash: records[1].hash)
        for _ in 0..<3 {
            let steps = receiver.received([records[0], forged])
            #expect(steps.contains { if case .rewind(let rewind) = $0 { rewind.from == 2 } else { false } })
        }
        #expect(isFailure(receiver.received([records[0], forged])))
    }

    @Test mutating func whatFailedIsAskedForAgainAndAnotherMarkIsBelieved() {
        _ = receiver.received(take(0..<3))
        receiver.failed()
        #expect(receiver.received(take(3..<4)) == [])
        #expect(receiver.retry() == [.apply(take(0..<4))])
        // An older connection of the same spoke had committed two of them.
        #expect(receiver.applied(StreamMark(after: records[1])) == [acknowledge(2), .apply(take(2..<4))])
        #expect(receiver.applied(StreamMark(after: records[7])) == [acknowledge(8)])
        #expect(receiver.received(take(8..<9)) == [.apply(take(8..<9))])
    }

    @Test func moreThanTheWindowEndsTheStream() {
        let limits = LinkLimits(windowRecords: 2, windowBytes: 1_000, batchRecords: 2, batchBytes: 1_000)
        var receiver = StreamReceiver(stream: .journal, from: .start(of: 1), limits: limits)
        _ = receiver.received(take(0..<2))
        #expect(isFailure(receiver.received(take(2..<3))))
    }
}

func isFailure(_ steps: [StreamStep], code: UInt16? = nil) -> Bool {
    steps.contains { step in
        guard case .fail(let reason) = step else { return false }
        return code == nil || reason.code == code
    }
}
