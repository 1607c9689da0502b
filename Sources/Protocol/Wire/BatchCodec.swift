/// Batches of records as binary frames, all integers big-endian:
///
///     kind (1) │ epoch (8) │ first seq (8) │ count (2) │ count × record
///     record:  at (8) │ type length (1) │ type │ payload length (4) │ payload │ hash (32)
enum BatchCodec {
    private static let headerBytes = 19
    /// A record's frame without its type and payload.
    private static let recordBytes = 45

    static func encode(_ batch: StreamBatch) -> [UInt8] {
        guard let first = batch.records.first, batch.records.count <= Int(UInt16.max) else {
            preconditionFailure("A batch has between 1 and \(UInt16.max) records.")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(batch.records.reduce(headerBytes) { $0 + $1.weight })
        bytes.append(BinaryKind(batch.stream).rawValue)
        bytes.append(bigEndian: first.epoch)
        bytes.append(bigEndian: first.seq)
        bytes.append(bigEndian: UInt16(batch.records.count))
        for record in batch.records {
            bytes.append(bigEndian: record.at)
            bytes.append(UInt8(clamping: record.type.utf8.count))
            bytes.append(contentsOf: record.type.utf8)
            bytes.append(bigEndian: UInt32(record.payload.count))
            bytes.append(contentsOf: record.payload)
            record.hash.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws(CloseReason) -> FrameCodec.Decoded {
        guard let first = bytes.first else { throw .malformed("A binary frame has at least its kind.") }
        guard let kind = BinaryKind(rawValue: first) else { return .unrecognized(type: "binary.\(first)") }
        var reader = ByteReader(bytes, from: 1)
        let epoch = try reader.number()
        let firstSeq = try reader.number()
        let count = Int(try reader.integer(UInt16.self))
        guard 1...Limits.batchRecords ~= count, firstSeq >= 1 else {
            throw .malformed("A batch has between 1 and \(Limits.batchRecords) records, from number 1 on.")
        }
        guard reader.rest >= count * recordBytes else { throw .malformed("A batch is shorter than it says.") }
        var records: [StreamRecord] = []
        records.reserveCapacity(count)
        for place in 0..<Int64(count) {
            records.append(try record(from: &reader, epoch: epoch, seq: firstSeq + place))
        }
        guard reader.rest == 0 else { throw .malformed("A batch is longer than it says.") }
        return .message(.append(StreamBatch(stream: kind.stream, records: records)))
    }

    private static func record(
        from reader: inout ByteReader,
        epoch: Int64,
        seq: Int64
    ) throws(CloseReason) -> StreamRecord {
        let at = try reader.integer(Int64.self)
        let typeBytes = Int(try reader.integer(UInt8.self))
        guard 1...Limits.recordTypeBytes ~= typeBytes else {
            throw .malformed("A record's type has between 1 and \(Limits.recordTypeBytes) bytes.")
        }
        guard let type = String(validating: try reader.take(typeBytes), as: UTF8.self) else { throw .notText }
        let payloadBytes = Int(try reader.integer(UInt32.self))
        guard payloadBytes <= Limits.recordPayloadBytes else {
            throw .tooLarge("A record's payload may have \(Limits.recordPayloadBytes) bytes, not \(payloadBytes).")
        }
        let payload = Array(try reader.take(payloadBytes))
        guard let hash = ChainHash(try reader.take(ChainHash.count)) else {
            preconditionFailure("A hash of 32 bytes is a hash.")
        }
        return StreamRecord(epoch: epoch, seq: seq, at: at, type: type, payload: payload, hash: hash)
    }
}

/// Takes fixed parts off the front of bytes, never past their end.
private struct ByteReader {
    private let bytes: [UInt8]
    private var index: Int

    init(_ bytes: [UInt8], from index: Int) {
        self.bytes = bytes
        self.index = index
    }

    var rest: Int { bytes.count - index }

    mutating func take(_ count: Int) throws(CloseReason) -> ArraySlice<UInt8> {
        guard count <= rest else { throw .malformed("A batch is shorter than it says.") }
        defer { index += count }
        return bytes[index..<index + count]
    }

    mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(CloseReason) -> Integer {
        let taken = try take(Integer.bitWidth / 8)
        var value: Integer = 0
        for byte in taken { value = value &<< 8 | Integer(truncatingIfNeeded: byte) }
        return value
    }

    /// An epoch or a sequence number.
    mutating func number() throws(CloseReason) -> Int64 {
        let value = try integer(Int64.self)
        guard 0...Limits.streamNumber ~= value else {
            throw .malformed("Epochs and sequence numbers are between 0 and \(Limits.streamNumber).")
        }
        return value
    }
}
