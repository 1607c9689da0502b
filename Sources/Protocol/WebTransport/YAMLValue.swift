public import Protocol
public import Yams

extension JSONValue {
    /// YAML as JSON, by the core schema of YAML 1.2: only `true`, `false`, `null`, `~` and numbers are not texts, and
    /// what stands in quotes always is one.
    public init(yaml node: Node) throws(Fault) {
        switch node {
        case .scalar(let scalar): self = Self.scalar(scalar)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try JSONValue(yaml: element)) }
            self = .array(elements)
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let name = key.scalar?.string else { throw Fault(.validation, "A key of YAML must be a text.") }
                members[name] = try JSONValue(yaml: value)
            }
            self = .object(members)
        case .alias: throw Fault(.validation, "Aliases are not known here; write the value out.")
        }
    }

    private static func scalar(_ scalar: Node.Scalar) -> JSONValue {
        let text = scalar.string
        guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return .string(text) }
        if let whole = Int64(text) { return .integer(whole) }
        if let number = Double(text), number.isFinite, !text.lowercased().contains("x") { return .number(number) }
        return .string(text)
    }
}
