/// The fields of a schema as people read them: a line each, the nested ones below their owners.
///
/// Tells what there is and what it means. What narrows a value (bounds, patterns) and schemas that are put together
/// from others are not in it: ``isPlain(_:)`` says whether it tells the whole shape.
public enum SchemaOutline {
    /// One field.
    public struct Field: Hashable, Sendable {
        /// Where it is: `run.command`; `[]` for each element of a list, `.*` for each value of an object of free keys.
        public var path: String
        public var type: String
        /// Whether its owner cannot be without it.
        public var isRequired: Bool
        /// Its description; empty if it has none.
        public var meaning: String
    }

    /// All properties of an object's schema, those that must be given first.
    ///
    /// - Parameter choice: How the values of an enumeration are written.
    public static func fields(of schema: JSONValue, choice: ([String]) -> String) -> [Field] {
        fields(of: schema, below: "", choice)
    }

    private static func fields(
        of schema: JSONValue,
        below path: String,
        _ choice: ([String]) -> String
    ) -> [Field] {
        guard case .object(let properties)? = schema["properties"] else {
            if let items = schema["items"] { return fields(of: items, below: path + "[]", choice) }
            if let values = schema["additionalProperties"], values["type"] != nil {
                return fields(of: values, below: path + ".*", choice)
            }
            return []
        }
        let required = Set(schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        let names = properties.keys.sorted { (required.contains($1) ? 1 : 0, $0) < (required.contains($0) ? 1 : 0, $1) }
        return names.flatMap { name -> [Field] in
            let property = properties[name] ?? .null
            let here = path.isEmpty ? name : "\(path).\(name)"
            let field = Field(
                path: here,
                type: type(of: property, choice: choice),
                isRequired: required.contains(name),
                meaning: property["description"]?.stringValue ?? ""
            )
            return [field] + fields(of: property, below: here, choice)
        }
    }

    /// What a value of this schema is, in a word or two.
    public static func type(of schema: JSONValue, choice: ([String]) -> String) -> String {
        if let values = schema["enum"]?.arrayValue { return choice(values.compactMap(\.stringValue)) }
        switch schema["type"]?.stringValue {
        case "array"?: return "list of \(type(of: schema["items"] ?? .null, choice: choice))"
        case "object"? where schema["properties"] == nil:
            return "object of \(type(of: schema["additionalProperties"] ?? .null, choice: choice))"
        case "string"? where schema["format"] == "date-time": return "time"
        case "string"? where schema["contentEncoding"] == "base64": return "base64"
        case let name?: return name
        case nil:
            let several = schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? []
            return several.isEmpty ? "any" : several.joined(separator: " or ")
        }
    }

    /// Whether the outline tells all of a schema's shape, as it does of those that are not put together from others.
    public static func isPlain(_ schema: JSONValue) -> Bool {
        switch schema {
        case .object(let keywords):
            keywords.keys.allSatisfy { !composing.contains($0) }
                && (keywords["properties"]?.memberValues ?? []).allSatisfy(isPlain)
                && [keywords["items"], keywords["additionalProperties"]].compactMap(\.self).allSatisfy(isPlain)
        case .bool: true
        case .null, .integer, .number, .string, .array: false
        }
    }

    private static let composing: Set = [
        "$ref", "$dynamicRef", "allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "patternProperties",
        "prefixItems", "then",
    ]
}

extension JSONValue {
    /// The values of an object's members.
    fileprivate var memberValues: [JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return Array(members.values)
    }
}
