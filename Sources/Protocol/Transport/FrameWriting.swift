import NIOCore
import NIOWebSocket

extension ByteBuffer {
    /// Writes one whole frame (RFC 6455, 5.2).
    ///
    /// - Parameter key: What a client masks its payload with (5.3).
    mutating func writeFrame(_ opcode: WebSocketOpcode, masked key: UInt32?, _ payload: [UInt8]) {
        let isFinal: UInt8 = 0x80
        let isMasked: UInt8 = key == nil ? 0 : 0x80
        reserveCapacity(minimumWritableBytes: 14 + payload.count)
        writeInteger(isFinal | UInt8(webSocketOpcode: opcode))
        switch payload.count {
        case ...125: writeInteger(isMasked | UInt8(payload.count))
        case ...Int(UInt16.max):
            writeInteger(isMasked | 126)
            writeInteger(UInt16(payload.count))
        default:
            writeInteger(isMasked | 127)
            writeInteger(UInt64(payload.count))
        }
        guard let key else {
            writeBytes(payload)
            return
        }
        writeInteger(key)
        writeMasked(payload, key)
    }

    /// Eight bytes at a time: a mask is as long as half of that.
    private mutating func writeMasked(_ payload: [UInt8], _ key: UInt32) {
        let mask = (UInt64(key) << 32 | UInt64(key)).bigEndian
        writeWithUnsafeMutableBytes(minimumWritableBytes: payload.count) { room in
            payload.withUnsafeBytes { bytes in
                let whole = bytes.count & ~7
                for place in stride(from: 0, to: whole, by: 8) {
                    let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    room.storeBytes(of: word ^ mask, toByteOffset: place, as: UInt64.self)
                }
                withUnsafeBytes(of: mask) { mask in
                    for place in whole..<bytes.count { room[place] = bytes[place] ^ mask[place & 7] }
                }
            }
            return payload.count
        }
    }
}
