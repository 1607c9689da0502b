/// One entry of a durable stream: the journal from a spoke to the hub, or the commands from the hub to a spoke.
///
/// `seq` starts at 1 in each epoch and has no holes. `hash` chains the record to the one before it (wire.md).
public struct StreamRecord: Hashable, Sendable {
    public let epoch: Int64
    public let seq: Int64
    /// Milliseconds since 1970 on the sender's clock. Evidence for people; no decision rests on it.
    public let at: Int64
    /// What the payload is: one of ``JournalRecordType`` or ``CommandType``.
    public let type: String
    public let payload: [UInt8]
    public let hash: ChainHash

    /// A record as it came from a peer or a disk; ``isChained(to:)`` tells whether it is whole.
    public init(epoch: Int64, seq: Int64, at: Int64, type: String, payload: [UInt8], hash: ChainHash) {
        self.epoch = epoch
        self.seq = seq
        self.at = at
        self.type = type
        self.payload = payload
        self.hash = hash
    }

    /// A new record behind one whose hash is `previous`.
    public init(epoch: Int64, seq: Int64, at: Int64, type: String, payload: [UInt8], after previous: ChainHash) {
        let hash = Self.link(previous, epoch: epoch, seq: seq, at: at, type: type, payload: payload)
        self.init(epoch: epoch, seq: seq, at: at, type: type, payload: payload, hash: hash)
    }

    /// Whether the hash is the one that this content has behind `previous`.
    public func isChained(to previous: ChainHash) -> Bool {
        hash == Self.link(previous, epoch: epoch, seq: seq, at: at, type: type, payload: payload)
    }

    /// What the record weighs against windows and batches: its payload and the fixed part of its frame.
    public var weight: Int { payload.count + type.utf8.count + 64 }

    /// The canonical form that is hashed: big-endian epoch, seq, at; type and payload behind their lengths.
    private static func link(
        _ previous: ChainHash,
        epoch: Int64,
        seq: Int64,
        at: Int64,
        type: String,
        payload: [UInt8]
    ) -> ChainHash {
        // On the stack: a journal makes a hundred thousand of these a second.
        withUnsafeTemporaryAllocation(byteCount: type.utf8.count + 30, alignment: 1) { head in
            head.storeBytes(of: epoch.bigEndian, toByteOffset: 0, as: Int64.self)
            head.storeBytes(of: seq.bigEndian, toByteOffset: 8, as: Int64.self)
            head.storeBytes(of: at.bigEndian, toByteOffset: 16, as: Int64.self)
            head.storeBytes(of: UInt16(type.utf8.count).bigEndian, toByteOffset: 24, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: head[26...]).copyBytes(from: type.utf8)
            let size = UInt32(payload.count).bigEndian
            head.storeBytes(of: size, toByteOffset: 26 + type.utf8.count, as: UInt32.self)
            return previous.appending(UnsafeRawBufferPointer(head), payload)
        }
    }
}

extension [UInt8] {
    /// Appends an integer, most significant byte first.
    @inlinable
    public mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
