import Protocol

/// A JSON Schema that somebody else wrote, compiled once: what the input of an operation must be.
struct SchemaContract: Sendable {
    private let schema: JSONSchema

    /// - Parameter field: where the schema stands, for the error.
    /// - Throws: `VALIDATION_ERROR` for what is no schema, with the keyword that is wrong.
    init(_ schema: JSONValue, _ field: String) throws(Fault) {
        guard case .object = schema else { throw Fault.invalid(field, "must be a JSON Schema: an object.") }
        self.schema = try JSONSchema(schema, JSONSchema.Options(path: field))
    }

    /// Everything that is wrong with a value. An operation's input is an object, whatever its schema says.
    func violations(in value: JSONValue) -> [Fault.Violation] {
        guard case .object = value else { return [.init(path: "", message: "must be an object.")] }
        return schema.violations(in: value)
    }

    /// A schema of an older draft, read as one of 2020-12: what both know means nearly always the same, and refusing a
    /// tool for its `$schema` would help nobody.
    static func undated(_ schema: JSONValue) -> JSONValue {
        guard case .object(var members) = schema else { return schema }
        members["$schema"] = nil
        return .object(members)
    }
}
