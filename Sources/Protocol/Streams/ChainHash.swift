import Crypto

/// A link of a hash chain: SHA-256 over the previous link and what was added (FIPS 180-4).
public struct ChainHash: Hashable, Sendable {
    /// Always 32 bytes.
    public let bytes: [UInt8]

    /// The length of every link.
    public static let count = 32

    /// What stands before the first link of a chain.
    public static let origin = ChainHash(unchecked: [UInt8](repeating: 0, count: count))

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// `nil` unless there are exactly 32 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = bytes
    }

    /// Reads 64 hexadecimal digits; `nil` for anything else.
    public init?(hex: String) {
        let digits = hex.utf8.compactMap { digit -> UInt8? in
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            default: nil
            }
        }
        guard digits.count == Self.count * 2, hex.utf8.count == digits.count else { return nil }
        self.bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// The next link: `SHA-256(self ‖ addition)`.
    public func appending(_ addition: some Sequence<UInt8>) -> ChainHash {
        var hasher = SHA256()
        hasher.update(data: bytes)
        let contiguous: Void? = addition.withContiguousStorageIfAvailable {
            hasher.update(bufferPointer: UnsafeRawBufferPointer($0))
        }
        if contiguous == nil { hasher.update(data: Array(addition)) }
        return ChainHash(unchecked: Array(hasher.finalize()))
    }

    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(Self.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension ChainHash: CustomStringConvertible {
    public var description: String { hex }
}

extension ChainHash: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let hash = ChainHash(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be 64 hexadecimal digits.")
        }
        self = hash
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
