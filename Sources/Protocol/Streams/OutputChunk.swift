/// What a process printed, as the payload of a `session.output` record. Binary, so that nothing a process
/// prints is escaped or inflated on its way:
///
///     fence (8, big-endian) │ offset (8) │ stream (1) │ session id length (1) │ session id │ bytes
public struct OutputChunk: Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    public var stream: OutputStream
    /// Where the chunk begins in the stream, in bytes.
    public var offset: Int64
    public var bytes: [UInt8]

    public init(sessionId: SessionID, fence: Int64, stream: OutputStream, offset: Int64, bytes: [UInt8]) {
        self.sessionId = sessionId
        self.fence = fence
        self.stream = stream
        self.offset = offset
        self.bytes = bytes
    }

    private static let headerBytes = 18

    public func encoded() -> [UInt8] {
        var payload: [UInt8] = []
        payload.reserveCapacity(Self.headerBytes + sessionId.rawValue.utf8.count + bytes.count)
        payload.append(bigEndian: fence)
        payload.append(bigEndian: offset)
        payload.append(stream.number)
        payload.append(UInt8(clamping: sessionId.rawValue.utf8.count))
        payload.append(contentsOf: sessionId.rawValue.utf8)
        payload.append(contentsOf: bytes)
        return payload
    }

    /// `nil` for bytes that no spoke of this protocol writes.
    public init?(decoding payload: [UInt8]) {
        guard payload.count >= Self.headerBytes, let stream = OutputStream(number: payload[16]) else { return nil }
        let idEnd = Self.headerBytes + Int(payload[17])
        guard payload.count >= idEnd,
            let id = String(validating: payload[Self.headerBytes..<idEnd], as: UTF8.self), !id.isEmpty
        else { return nil }
        let (fence, offset) = (Self.integer(payload[0..<8]), Self.integer(payload[8..<16]))
        guard offset >= 0 else { return nil }
        self.init(
            sessionId: SessionID(id),
            fence: fence,
            stream: stream,
            offset: offset,
            bytes: Array(payload[idEnd...])
        )
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }
}
