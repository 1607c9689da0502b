import Crypto
import Foundation
import Protocol

/// A credential that is shown once: 256 random bits behind a prefix by which people recognise it.
///
/// The text is `nave_<prefix>_<secret>` for keys and `navejoin_<prefix>_<secret>` for join tokens, with 8 and 52
/// characters of base 32 (RFC 4648, lower case). Only its SHA-256 is ever stored: against 256 random bits a slow hash
/// would add nothing but time to every request.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// What the secret opens.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case key = "nave"
        case joinToken = "navejoin"
    }

    public let kind: Kind
    /// The eight characters that lists show.
    public let prefix: String
    private let tail: String

    /// A fresh secret from the system's generator.
    public init(_ kind: Kind) {
        var generator = SystemRandomNumberGenerator()
        self.kind = kind
        prefix = Self.characters(8, using: &generator)
        tail = Self.characters(52, using: &generator)
    }

    /// Reads a secret; `nil` for anything that cannot be one of this kind, so that nonsense costs no look-up.
    public init?(_ text: String, kind: Kind) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == kind.rawValue, parts[1].utf8.count == 8, parts[2].utf8.count == 52,
            parts[1].utf8.allSatisfy(Self.isCharacter), parts[2].utf8.allSatisfy(Self.isCharacter)
        else { return nil }
        self.kind = kind
        prefix = String(parts[1])
        tail = String(parts[2])
    }

    /// The secret itself. The only way to it, so that it is easy to find who shows it.
    public var revealed: String { "\(kind.rawValue)_\(prefix)_\(tail)" }

    /// SHA-256 of the whole text, as 64 hexadecimal digits: what is stored and looked up.
    public var digest: String { InputDigest.hexadecimal(SHA256.hash(data: Data(revealed.utf8))) }

    /// Never the secret: it may end in a log.
    public var description: String { "\(kind.rawValue)_\(prefix)_…" }
    public var debugDescription: String { description }

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    private static func isCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "2")...UInt8(ascii: "7")).contains(byte)
    }

    private static func characters(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        String(decoding: (0..<count).map { _ in alphabet[Int.random(in: 0..<32, using: &generator)] }, as: UTF8.self)
    }
}

/// Digests as the database keeps them.
enum InputDigest {
    /// SHA-256 over an operation's name and its input in canonical form (keys sorted).
    static func of(_ input: JSONValue, for operation: String) -> String {
        var hasher = SHA256()
        hasher.update(data: Data("\(operation)\n".utf8))
        hasher.update(data: Data(WireCoder.bytes(of: input)))
        return hexadecimal(hasher.finalize())
    }

    static func hexadecimal(_ digest: SHA256.Digest) -> String {
        // Straight into the string: one is made for every request.
        String(unsafeUninitializedCapacity: SHA256.byteCount * 2) { text in
            var place = 0
            for byte in digest {
                text[place] = Self.digit(byte >> 4)
                text[place + 1] = Self.digit(byte & 15)
                place += 2
            }
            return place
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// Whether two digests are equal, in a time that does not depend on where they differ.
    static func equal(_ first: String, _ second: String) -> Bool {
        let (first, second) = (Array(first.utf8), Array(second.utf8))
        guard first.count == second.count else { return false }
        return zip(first, second).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
