/// The closed set of messages on a link, in both directions (wire.md, calls.md).
///
/// Durable batches travel as binary frames, everything else as text envelopes `{"type","id","payload"}`.
public enum LinkMessage: Hashable, Sendable {
    case hello(LinkHello)
    case welcome(LinkWelcome)
    case refused(LinkRefused)
    case goodbye(LinkGoodbye)
    case heartbeat(LinkHeartbeat)
    case heartbeatAcknowledged(LinkHeartbeatAcknowledged)
    /// Everything that the spoke offers, from now on: when the welcome wanted it, and whenever it changes.
    case operations(OperationsSummary)
    /// What became of the offer.
    case operationsTaken(OperationsTaken)

    /// Records of the durable stream that flows in this message's direction.
    case append(StreamBatch)
    /// Everything up to and including this position is durably applied.
    case acknowledged(StreamPosition)
    /// The receiver cannot go on from what it was sent; the sender starts again behind `after`.
    case rewind(StreamRewind)

    case callRequested(CallRequested)
    case callResponded(CallResponded)
    case callCompleted(CallEnded)
    case callAborted(CallEnded)
    case callFailed(CallFailed)
    case callCredit(CallCredit)

    /// The peer sent a type that this side does not know; `type` is the one that was not understood.
    case unknown(UnknownMessage)
}

/// Which of the two durable streams.
public enum StreamKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// From the spoke to the hub.
    case journal
    /// From the hub to the spoke.
    case commands
}

/// Consecutive records of one epoch.
public struct StreamBatch: Hashable, Sendable {
    public var stream: StreamKind
    /// At least one record; at most ``Limits/batchRecords`` and ``Limits/batchBytes``.
    public var records: [StreamRecord]

    public init(stream: StreamKind, records: [StreamRecord]) {
        self.stream = stream
        self.records = records
    }
}

/// A place in a durable stream.
public struct StreamPosition: Codable, Hashable, Sendable {
    public var stream: StreamKind
    public var epoch: Int64
    public var seq: Int64

    public init(stream: StreamKind, epoch: Int64, seq: Int64) {
        self.stream = stream
        self.epoch = epoch
        self.seq = seq
    }
}

/// Asks a sender to begin again.
public struct StreamRewind: Codable, Hashable, Sendable {
    public var stream: StreamKind
    public var epoch: Int64
    /// The first record wanted.
    public var from: Int64
    public var reason: String

    public init(stream: StreamKind, epoch: Int64, from: Int64, reason: String) {
        self.stream = stream
        self.epoch = epoch
        self.from = from
        self.reason = reason
    }
}

/// A message type that was not understood; the connection lives on.
public struct UnknownMessage: Codable, Hashable, Sendable {
    public var unknownType: String

    public init(unknownType: String) { self.unknownType = unknownType }
}
