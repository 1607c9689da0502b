public import Protocol

/// Hides secrets in the JSON of state records: in every text that a person wrote or a program said, and not in the
/// ids, states and hashes without which the record could not be understood.
public enum RecordRedaction {
    /// The payload itself if there is nothing to hide; what is not JSON is treated as plain text.
    public static func redact(_ payload: [UInt8], with patterns: SecretPatterns) -> [UInt8] {
        guard !patterns.isEmpty else { return payload }
        // The forms inside JSON are among the patterns: what shows nothing here hides nothing.
        let scanned = Redactor.redact(payload, with: patterns)
        guard scanned != payload else { return payload }
        do {
            let value = try WireCoder.value(JSONValue.self, from: payload)
            return WireCoder.bytes(of: redact(value, at: [], with: patterns))
        } catch {
            return scanned
        }
    }

    /// The same for what a process of a session asks of the hub: every text and every name in it, whatever its place.
    public static func redact(asked value: JSONValue, with patterns: SecretPatterns) -> JSONValue {
        func hidden(_ text: String) -> String {
            String(decoding: Redactor.redact(Array(text.utf8), with: patterns), as: UTF8.self)
        }
        switch value {
        case .null, .bool, .integer, .number: return value
        case .string(let text): return .string(hidden(text))
        case .array(let elements): return .array(elements.map { redact(asked: $0, with: patterns) })
        case .object(let members):
            let pairs = members.map { (hidden($0), redact(asked: $1, with: patterns)) }
            return .object(Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
        }
    }

    private static func redact(_ value: JSONValue, at path: [String], with patterns: SecretPatterns) -> JSONValue {
        switch value {
        case .null, .bool, .integer, .number: return value
        case .string(let text):
            if isStructure(path) { return value }
            return .string(String(decoding: Redactor.redact(Array(text.utf8), with: patterns), as: UTF8.self))
        case .array(let elements): return .array(elements.map { redact($0, at: path, with: patterns) })
        case .object(let members):
            return .object(
                Dictionary(
                    members.map { name, member in
                        (
                            redact(name: name, at: path, with: patterns),
                            redact(member, at: path + [name], with: patterns)
                        )
                    },
                    uniquingKeysWith: { first, _ in first }
                )
            )
        }
    }

    /// Names that the protocol gives stay; those in free-form parts are texts like any other.
    private static func redact(name: String, at path: [String], with patterns: SecretPatterns) -> String {
        guard path.first == "details" || path.first == "result" else { return name }
        return String(decoding: Redactor.redact(Array(name.utf8), with: patterns), as: UTF8.self)
    }

    private static let structure: Set<String> = [
        "sessionId", "workspaceId", "projectId", "commandId", "messageId", "salvageId", "stream", "streams.stream",
        "streams.hash", "hash", "reason", "delivery", "level", "kind", "error.code", "result.outcome", "startedAt",
        "endedAt", "expiresAt", "at", "ref", "commit", "parents", "branch", "baseCommit", "headCommit", "bundle",
    ]

    private static func isStructure(_ path: [String]) -> Bool { structure.contains(path.joined(separator: ".")) }
}
