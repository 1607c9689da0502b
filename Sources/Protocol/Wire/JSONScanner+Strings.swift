extension JSONScanner {
    /// A string, unescaped. Lone surrogates, raw control characters and bytes that are not UTF-8 are refused.
    mutating func string() throws(JSONProblem) -> String {
        guard peek() == UInt8(ascii: "\"") else { throw problem(.unfit("must have a string here.")) }
        let start = index + 1
        var end = start
        var escapes = false
        var highBits: UInt8 = 0
        scan: while true {
            guard end < bytes.count else { throw problem(.syntax("has a string without an end.")) }
            let byte = bytes[end]
            highBits |= byte
            switch byte {
            case UInt8(ascii: "\""): break scan
            case UInt8(ascii: "\\"):
                escapes = true
                end += 2
            case 0..<0x20: throw problem(.syntax("has a control character in a string."))
            default: end += 1
            }
        }
        if !escapes, highBits < 0x80 {
            // Most strings: nothing to validate.
            let text = String(decoding: bytes[start..<end], as: UTF8.self)
            advance(to: end + 1)
            return text
        }
        let text =
            escapes
            ? String(validating: try unescaped(start..<end), as: UTF8.self)
            : String(validating: bytes[start..<end], as: UTF8.self)
        guard let text else { throw problem(.notText) }
        advance(to: end + 1)
        return text
    }

    private func unescaped(_ range: Range<Int>) throws(JSONProblem) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(range.count)
        var place = range.lowerBound
        while place < range.upperBound {
            guard bytes[place] == UInt8(ascii: "\\") else {
                plain.append(bytes[place])
                place += 1
                continue
            }
            // The scan for the end took two bytes for each escape, so there is one behind the backslash.
            switch bytes[place + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain.append(bytes[place + 1])
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "u"):
                let (scalar, length) = try scalar(at: place, before: range.upperBound)
                plain.append(contentsOf: String(Character(scalar)).utf8)
                place += length
                continue
            default: throw problem(.syntax("has an escape that JSON does not know."))
            }
            place += 2
        }
        return plain
    }

    /// The character behind `\uXXXX`, or behind a pair of them, and how many bytes said so.
    private func scalar(at place: Int, before end: Int) throws(JSONProblem) -> (Unicode.Scalar, Int) {
        guard let first = hex(at: place + 2, before: end) else { throw problem(.syntax("has a broken \\u escape.")) }
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard 0xD800..<0xDC00 ~= first, place + 8 <= end, bytes[place + 6] == UInt8(ascii: "\\"),
            bytes[place + 7] == UInt8(ascii: "u"), let second = hex(at: place + 8, before: end),
            0xDC00..<0xE000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw problem(.syntax("has half of a surrogate pair.")) }
        return (scalar, 12)
    }

    private func hex(at place: Int, before end: Int) -> UInt32? {
        guard place + 4 <= end else { return nil }
        var value: UInt32 = 0
        for byte in bytes[place..<place + 4] {
            switch byte {
            case 48...57: value = value << 4 | UInt32(byte - 48)
            case 65...70: value = value << 4 | UInt32(byte - 55)
            case 97...102: value = value << 4 | UInt32(byte - 87)
            default: return nil
            }
        }
        return value
    }
}
