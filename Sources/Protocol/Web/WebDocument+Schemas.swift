// Schemas that stand by themselves.
extension WebDocument {
    /// References that are followed from one schema.
    private static let schemasMost = 200
    /// Values of JSON in one schema with all that it refers to: few names must not make much of a small document.
    private static let schemaValuesMost = 20_000

    /// What a value within a schema is: only schemas are read as such, whatever names or examples look like.
    private enum SchemaPart {
        case schema
        /// Schemas by names of somebody's own.
        case schemas
        case data

        func part(behind key: String) -> SchemaPart {
            switch self {
            case .data: .data
            case .schemas: .schema
            case .schema:
                switch key {
                case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas": .schemas
                case "enum", "const", "default", "example", "examples", "discriminator": .data
                default: .schema
                }
            }
        }
    }

    /// The schema with all that it refers to inside it, under `$defs`.
    ///
    /// - Throws: `TOO_LARGE`.
    func closed(_ schema: JSONValue) throws(Fault) -> JSONValue {
        var values = 0
        var definitions: [String: JSONValue] = [:]
        var names: [String: String] = [:]
        var waiting: [String] = []
        func moved(_ value: JSONValue, _ part: SchemaPart) -> JSONValue {
            values += 1
            // Nobody will see it.
            guard values <= Self.schemaValuesMost else { return .null }
            switch value {
            case .null, .bool, .integer, .number, .string: return value
            case .array(let elements): return .array(elements.map { moved($0, part) })
            case .object(let members):
                let pairs = members.map { ($0, moved($1, part.part(behind: $0))) }
                var members = Dictionary(uniqueKeysWithValues: pairs)
                guard part == .schema else { return .object(members) }
                if let reference = members["$ref"]?.stringValue, reference.hasPrefix("#/") {
                    if names[reference] == nil {
                        names[reference] = "d\(names.count)"
                        waiting.append(reference)
                    }
                    members["$ref"] = .string("#/$defs/\(names[reference] ?? "")")
                }
                return .object(hasOldSchemas ? OldSchema.today(members) : members)
            }
        }
        guard case .object(var members) = moved(schema, .schema) else {
            guard values <= Self.schemaValuesMost else { throw Fault(.tooLarge, "its schemas are too large") }
            return schema
        }
        while let reference = waiting.popLast(), definitions.count < Self.schemasMost, values <= Self.schemaValuesMost {
            definitions[names[reference] ?? ""] = moved(part(reference) ?? true, .schema)
        }
        guard values <= Self.schemaValuesMost else { throw Fault(.tooLarge, "its schemas are too large") }
        // What was not taken in may be anything.
        for name in names.values where definitions[name] == nil { definitions[name] = true }
        if !definitions.isEmpty { members["$defs"] = .object(definitions) }
        return .object(members)
    }
}

/// A schema of OpenAPI 3.0 as JSON Schema 2020-12 says it.
///
/// Sources: OpenAPI 3.0.3, 4.7.24 (`nullable`) and its JSON Schema Wright draft 00, 5.3 and 5.5 (a boolean
/// `exclusiveMaximum` and `exclusiveMinimum`).
enum OldSchema {
    static func today(_ schema: [String: JSONValue]) -> [String: JSONValue] {
        var schema = schema
        for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            guard case .bool(let isExclusive)? = schema[flag] else { continue }
            schema[flag] = nil
            guard isExclusive, let limit = schema.removeValue(forKey: bound) else { continue }
            schema[flag] = limit
        }
        let nullable = schema["nullable"]
        if case .bool? = nullable { schema["nullable"] = nil }
        return nullable == .bool(true) ? withNull(schema) : schema
    }

    /// Parts that may refuse null whatever the type says.
    private static let others: Set = ["$ref", "allOf", "anyOf", "oneOf", "not"]

    private static func withNull(_ schema: [String: JSONValue]) -> [String: JSONValue] {
        var schema = schema
        guard let type = schema["type"]?.stringValue, others.isDisjoint(with: schema.keys) else {
            // Without any word on its kind, null was never refused.
            guard schema["type"] != nil || schema["enum"] != nil || !others.isDisjoint(with: schema.keys) else {
                return schema
            }
            var outer: [String: JSONValue] = [:]
            for key in ["title", "description", "default"] { outer[key] = schema.removeValue(forKey: key) }
            outer["anyOf"] = [.object(schema), ["type": "null"]]
            return outer
        }
        schema["type"] = [.string(type), "null"]
        if let values = schema["enum"]?.arrayValue, !values.contains(.null) {
            schema["enum"] = .array(values + [.null])
        }
        return schema
    }
}
