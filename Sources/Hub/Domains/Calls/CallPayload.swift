import Crypto
import Foundation
import HubCore
public import Protocol

/// What a call asked or answered, on its way into the call graph.
public enum CallPayload: Sendable {
    /// JSON as it came or goes: kept byte for byte, never read again.
    case json([UInt8])
    /// JSON that was read already, such as every input; written out behind the answer.
    case value(JSONValue)
    /// Only what identifies it: SHA-256 as hexadecimal digits, and the number of bytes.
    case digest(String, bytes: Int)

    /// The same with what is larger than ``Limits/callPayloadBytes`` let go of, so that it does not wait in memory.
    var slender: CallPayload {
        switch self {
        case .json(let bytes): bytes.count > Limits.callPayloadBytes ? .digest(of: bytes) : self
        case .value(let value):
            value.isSurelyLarger(than: Limits.callPayloadBytes) ? CallPayload.json(value.serialized()).slender : self
        case .digest: self
        }
    }

    /// As it is stored: without what may be secret. Text with U+0000, which Postgres cannot hold, counts as too
    /// large.
    var stored: CallPayload {
        switch slender {
        case .value(let value): CallPayload.json(value.withoutSecrets.serialized()).stored
        case .json(let bytes): JSONBytes.holdsNUL(bytes) ? .digest(of: bytes) : .json(bytes)
        case .digest(let digest, let count): .digest(digest, bytes: count)
        }
    }

    /// About what it weighs while it waits.
    var weight: Int {
        switch self {
        case .json(let bytes): bytes.count
        case .value(let value): value.isSurelyLarger(than: 1_024) ? Limits.callPayloadBytes : 1_024
        case .digest: 64
        }
    }

    static func digest(of bytes: [UInt8]) -> CallPayload {
        .digest(InputDigest.hexadecimal(SHA256.hash(data: bytes)), bytes: bytes.count)
    }
}

/// Questions about JSON that is not worth reading.
enum JSONBytes {
    /// Whether some string says U+0000, as `\u0000`.
    static func holdsNUL(_ json: [UInt8]) -> Bool {
        var place = 0
        let last = json.count - 6
        while place <= last {
            guard json[place] == UInt8(ascii: "\\") else {
                place += 1
                continue
            }
            if json[place + 1] == UInt8(ascii: "u"), json[(place + 2)..<(place + 6)].allSatisfy({ $0 == 48 }) {
                return true
            }
            // The escaped character is none that begins an escape.
            place += 2
        }
        return false
    }
}

extension JSONValue {
    /// Whether its JSON takes more bytes than this, as far as can be told without writing it.
    public func isSurelyLarger(than bytes: Int) -> Bool {
        var left = bytes
        return !fits(in: &left)
    }

    private func fits(in left: inout Int) -> Bool {
        switch self {
        case .null, .bool: left -= 4
        case .integer, .number: left -= 1
        case .string(let text): left -= text.utf8.count + 2
        case .array(let elements):
            left -= 2 + elements.count
            guard left >= 0 else { return false }
            for element in elements { if !element.fits(in: &left) { return false } }
        case .object(let members):
            left -= 2 + members.count * 4
            guard left >= 0 else { return false }
            for (key, value) in members {
                left -= key.utf8.count
                if !value.fits(in: &left) { return false }
            }
        }
        return left >= 0
    }
}
