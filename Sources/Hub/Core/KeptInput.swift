public import Protocol

/// What of an input may be written down: the call graph keeps inputs, and whoever reads a dump reads them.
extension JSONValue {
    /// The fields that hold variables of a process, as orders for sessions and programs have them.
    static let environments: Set<String> = ["env", "environment"]

    /// The same without what may be secret: the values of environments, texts in fields whose names say that a secret
    /// is in them (``ClientRules/isSecret(_:)``), and credentials in addresses. All names stay.
    ///
    /// What an operation refuses because it looks like a secret must not be kept either, so both go by one rule.
    public var withoutSecrets: JSONValue {
        guard holdsSecret else { return self }
        return switch self {
        case .object(let members): .object(members.reduce(into: [:]) { $0[$1.key] = Self.kept($1.value, as: $1.key) })
        case .array(let elements): .array(elements.map(\.withoutSecrets))
        case .string(let text): .string(AddressText.withoutCredentials(text))
        case .null, .bool, .integer, .number: self
        }
    }

    private static func kept(_ value: JSONValue, as name: String) -> JSONValue {
        switch value {
        case .object(let variables) where environments.contains(name): .object(variables.mapValues { _ in "…" })
        case .string where ClientRules.isSecret(name): "…"
        default: value.withoutSecrets
        }
    }

    /// Whether something may have to be left out: asked first, so that most inputs are not built anew.
    private var holdsSecret: Bool {
        switch self {
        case .object(let members):
            members.contains { name, value in
                Self.environments.contains(name) || value.stringValue != nil && ClientRules.isSecret(name)
                    || value.holdsSecret
            }
        case .array(let elements): elements.contains(where: \.holdsSecret)
        case .string(let text): text.utf8.contains(UInt8(ascii: "@")) && text.contains("://")
        case .null, .bool, .integer, .number: false
        }
    }
}
