import Crypto

/// A link of a hash chain: SHA-256 over the previous link and what was added (FIPS 180-4).
public struct ChainHash: Hashable, Sendable {
    /// In place: a stream has a hash for each record, and an array for each would cost as much as small payloads do.
    private struct Words: Hashable, Sendable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0
        var fourth: UInt64 = 0
    }

    private let words: Words

    /// The length of every link.
    public static let count = 32

    /// What stands before the first link of a chain.
    public static let origin = ChainHash(filledBy: { _ in })

    private init(filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
        var words = Words()
        Swift.withUnsafeMutableBytes(of: &words) { fill($0) }
        self.words = words
    }

    /// `nil` unless there are exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self.init(filledBy: { $0.copyBytes(from: bytes) })
    }

    /// Always 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The 32 bytes where they lie; not beyond `body`.
    public func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try Swift.withUnsafeBytes(of: words, body)
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
        self.init(filledBy: { bytes in
            for place in bytes.indices { bytes[place] = digits[place * 2] << 4 | digits[place * 2 + 1] }
        })
    }

    /// The next link: `SHA-256(self ‖ addition)`.
    public func appending(_ addition: some Sequence<UInt8>) -> ChainHash {
        var hasher = SHA256()
        withUnsafeBytes { hasher.update(bufferPointer: $0) }
        let contiguous: Void? = addition.withContiguousStorageIfAvailable {
            hasher.update(bufferPointer: UnsafeRawBufferPointer($0))
        }
        if contiguous == nil { hasher.update(data: Array(addition)) }
        return Self.link(hasher)
    }

    /// The same for an addition in two parts, neither of which is copied.
    func appending(_ front: UnsafeRawBufferPointer, _ back: [UInt8]) -> ChainHash {
        var hasher = SHA256()
        withUnsafeBytes { hasher.update(bufferPointer: $0) }
        hasher.update(bufferPointer: front)
        back.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return Self.link(hasher)
    }

    private static func link(_ hasher: SHA256) -> ChainHash {
        hasher.finalize().withUnsafeBytes { digest in ChainHash(filledBy: { $0.copyMemory(from: digest) }) }
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
