public import Protocol

/// A record before it has its place in the journal: what happened, and when by the spoke's clock.
public struct JournalDraft: Sendable, Hashable {
    public var type: JournalRecordType
    /// The record's JSON. Output has its own way in, ``Journal/append(output:)``.
    public var payload: [UInt8]
    /// Milliseconds since 1970; `nil` for the moment of the append.
    public var at: Int64?

    public init(_ type: JournalRecordType, payload: [UInt8], at: Int64? = nil) {
        self.type = type
        self.payload = payload
        self.at = at
    }

    /// A draft of one of the values of `JournalRecords.swift`.
    public init(_ type: JournalRecordType, _ value: some Encodable & Sendable, at: Int64? = nil) {
        self.init(type, payload: WireCoder.bytes(of: value), at: at)
    }

    /// An alert, for the spoke's owner and the hub's operator.
    public static func alert(
        _ level: AlertRaised.Level,
        _ kind: String,
        _ message: String,
        details: JSONValue? = nil
    ) -> JournalDraft {
        JournalDraft(.alertRaised, AlertRaised(level: level, kind: kind, message: message, details: details))
    }
}

/// What bounds the journal. Bytes are counted as the records weigh on the wire (`StreamRecord.weight`).
public struct JournalLimits: Sendable, Hashable {
    /// Past this an alert is raised, once per crossing.
    public var softBytes: Int
    /// Past this the oldest output that was never sent is dropped and said to be missing.
    public var hardBytes: Int
    /// How full a journal is left after dropping, as a share of ``hardBytes``.
    public var keepAfterDrop: Double
    /// Room that is kept on the disk for state records; freed when the disk is full.
    public var ballastBytes: Int
    /// How much of the tail is checked when the spoke starts.
    public var tailBytes: Int
    /// Requests that one commit takes together, and about how many bytes.
    public var batchRequests: Int
    public var batchBytes: Int
    /// Finished commands that are kept, so that a repeated order is known to be one.
    public var finishedCommands: Int

    public init(
        softBytes: Int = 256 << 20,
        hardBytes: Int = 512 << 20,
        keepAfterDrop: Double = 0.9,
        ballastBytes: Int = 4 << 20,
        tailBytes: Int = 32 << 20,
        batchRequests: Int = 1_000,
        batchBytes: Int = 4 << 20,
        finishedCommands: Int = 10_000
    ) {
        self.softBytes = softBytes
        self.hardBytes = hardBytes
        self.keepAfterDrop = keepAfterDrop
        self.ballastBytes = ballastBytes
        self.tailBytes = tailBytes
        self.batchRequests = batchRequests
        self.batchBytes = batchBytes
        self.finishedCommands = finishedCommands
    }
}

/// Where the journal stands: what `link.hello` and the heartbeat tell.
public struct JournalState: Sendable, Hashable {
    public var epoch: Int64
    /// The oldest record that is not acknowledged; equal to ``next`` if all are.
    public var first: Int64
    /// The number that the next record gets.
    public var next: Int64
    /// The hash of the last record. While unsent output has been dropped it is the hash as stored, which only
    /// this file knows; the wire's is computed when the record is handed out.
    public var headHash: ChainHash
    /// How far the hub has acknowledged.
    public var acknowledged: StreamMark
    /// The unacknowledged records' weight.
    public var bytes: Int
}

/// One stream of one placement of a session.
public struct OutputKey: Sendable, Hashable {
    public var sessionId: SessionID
    public var fence: Int64
    public var stream: OutputStream

    public init(sessionId: SessionID, fence: Int64, stream: OutputStream) {
        self.sessionId = sessionId
        self.fence = fence
        self.stream = stream
    }
}

/// How far a stream's output has come into the journal.
public struct OutputPosition: Sendable, Hashable {
    /// Bytes that are durable. After any crash, feeding the spool from here on is right.
    public var journaled: Int64
    /// Bytes behind those that the redactor holds back because they may begin a secret.
    public var held: Int

    /// The next byte that the journal wants.
    public var wanted: Int64 { journaled + Int64(held) }
}
