public import Protocol

/// Whether an answer fits into one frame of a link.
public enum AnswerSize {
    /// What an envelope takes besides its output.
    static let reserve = 4_096

    /// Counts only as exactly as it must: small answers, which are most, are not written out for it.
    public static func fits(_ value: JSONValue) -> Bool {
        let most = Limits.frameBytes - reserve
        return atMost(value) <= most || value.serialized().count <= most
    }

    /// No JSON text of the value is longer: a byte may become `\u00XX`.
    private static func atMost(_ value: JSONValue) -> Int {
        switch value {
        case .null, .bool: 5
        case .integer, .number: 32
        case .string(let text): text.utf8.count * 6 + 2
        case .array(let elements): elements.reduce(2) { $0 + atMost($1) + 1 }
        case .object(let members): members.reduce(2) { $0 + $1.key.utf8.count * 6 + atMost($1.value) + 4 }
        }
    }
}
