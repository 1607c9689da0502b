extension String {
    /// The text; its beginning and an ellipsis if it has more bytes of UTF-8 than that. Characters stay whole as far as
    /// Unicode scalars go.
    ///
    /// - Parameter max: At least the three bytes of the ellipsis.
    public func cut(toBytes max: Int) -> String {
        guard utf8.count > max else { return self }
        let ellipsis = "…"
        var end = utf8.index(utf8.startIndex, offsetBy: Swift.max(0, max - ellipsis.utf8.count))
        // A byte of the form 10xxxxxx goes on with a scalar that began before it.
        while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end]) + ellipsis
    }
}

extension JSONValue {
    /// Whether its JSON has at most so many bytes. Counts only as exactly as it must: small values, which are most, are
    /// not written out for it.
    public func fits(in bytes: Int) -> Bool { atMost <= bytes || serialized().count <= bytes }

    /// No JSON text of the value is longer: a byte may become `\u00XX`.
    private var atMost: Int {
        switch self {
        case .null, .bool: 5
        case .integer, .number: 32
        case .string(let text): text.utf8.count * 6 + 2
        case .array(let elements): elements.reduce(2) { $0 + $1.atMost + 1 }
        case .object(let members): members.reduce(2) { $0 + $1.key.utf8.count * 6 + $1.value.atMost + 4 }
        }
    }
}
