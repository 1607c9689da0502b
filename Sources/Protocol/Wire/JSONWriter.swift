/// Writes compact JSON straight into bytes.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    /// Text that is JSON already.
    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// A value that another encoder wrote.
    mutating func raw(_ json: [UInt8]) { bytes.append(contentsOf: json) }

    /// An object; `members` writes what is in it.
    mutating func object(_ members: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    /// A key of the object that is being written, and the comma before it. The key needs no escaping.
    mutating func key(_ key: StaticString) {
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        raw(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { characters in
            var start = 0
            for place in characters.indices {
                let byte = characters[place]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: characters[start..<place]))
                escape(byte)
                start = place + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: characters[start...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x0A: raw("\\n")
        case 0x0D: raw("\\r")
        case 0x09: raw("\\t")
        default:
            raw("\\u00")
            bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let low = byte & 15
            bytes.append(low < 10 ? 48 + low : 87 + low)
        }
    }

    mutating func integer(_ whole: Int64) {
        guard whole < 0 || whole > 9 else { return bytes.append(48 + UInt8(whole)) }
        var rest = whole.magnitude
        if whole < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        while rest > 0 {
            bytes.append(48 + UInt8(rest % 10))
            rest /= 10
        }
        bytes[start...].reverse()
    }

    /// What is no number in JSON is written as `null`.
    mutating func double(_ value: Double) {
        guard value.isFinite else { return raw("null") }
        bytes.append(contentsOf: value.description.utf8)
    }

    mutating func bool(_ value: Bool) { value ? raw("true") : raw("false") }

    mutating func value(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .number(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (position, element) in elements.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                self.value(element)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (position, key) in members.keys.sorted().enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                string(key)
                bytes.append(UInt8(ascii: ":"))
                self.value(members[key] ?? .null)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

// MARK: - Members

extension JSONWriter {
    mutating func member(_ key: StaticString, _ text: String) {
        self.key(key)
        string(text)
    }

    /// Absent values are not written.
    mutating func member(_ key: StaticString, _ text: String?) {
        guard let text else { return }
        member(key, text)
    }

    mutating func member(_ key: StaticString, _ whole: Int64) {
        self.key(key)
        integer(whole)
    }

    mutating func member(_ key: StaticString, _ whole: Int64?) {
        guard let whole else { return }
        member(key, whole)
    }

    mutating func member(_ key: StaticString, _ tree: JSONValue?) {
        guard let tree else { return }
        self.key(key)
        value(tree)
    }
}
