public import Protocol

/// What is checked of calls to an operation that somebody else offers: the one seam to JSON Schema.
///
/// Made once per definition and used for every call of it, which is why it is passed on by reference.
public final class OperationContract: Sendable {
    public let spec: OperationSpec
    /// Whether checking takes no longer than reading what is checked: small schemas without patterns, references and
    /// comparisons of everything with everything.
    public let isQuick: Bool
    private let input: JSONSchema
    private let output: JSONSchema
    /// What the details of each declared error look like.
    private let errors: [Fault.Code: JSONSchema]

    /// - Fails with `validation` if a schema is none, or more than this product takes.
    public init(_ spec: OperationSpec) throws(Fault) {
        self.spec = spec
        isQuick = Self.isQuick([spec.inputSchema, spec.outputSchema])
        input = try JSONSchema(spec.inputSchema, .init(path: "inputSchema"))
        output = try JSONSchema(spec.outputSchema, .init(path: "outputSchema"))
        var errors: [Fault.Code: JSONSchema] = [:]
        for (place, error) in (spec.errorSchemas ?? []).enumerated() {
            let schema = try JSONSchema(error.schema, .init(path: "errorSchemas[\(place)].schema"))
            // Whoever looks a declaration up finds the first of a code.
            errors[Fault.Code(rawValue: error.code)] = errors[Fault.Code(rawValue: error.code)] ?? schema
        }
        self.errors = errors
    }

    private static func isQuick(_ schemas: [JSONValue]) -> Bool {
        var (left, rest) = (256, schemas)
        while let schema = rest.popLast() {
            left -= 1
            guard left > 0 else { return false }
            switch schema {
            case .object(let members):
                // A property of such a name is taken for the keyword: that costs a detour and nothing else.
                guard slow.isDisjoint(with: members.keys) else { return false }
                rest += members.values
            case .array(let elements): rest += elements
            case .null, .bool, .integer, .number, .string: break
            }
        }
        return true
    }

    private static let slow: Set<String> = ["$ref", "$dynamicRef", "pattern", "patternProperties", "uniqueItems"]

    /// Everything that is wrong with an input; empty if nothing is.
    public func violations(in input: JSONValue) -> [Fault.Violation] {
        self.input.violations(in: input)
    }

    /// The answer's data as the schema promises it, and what did not fit: extra fields are left out, defaults are
    /// filled in. Never fails a call.
    public func shaped(_ data: JSONValue) -> (data: JSONValue, flaws: [Fault.Violation]) {
        Self.shaped(data, by: output)
    }

    /// The details of an error that the operation declares, brought into shape like an answer. Other errors, and
    /// errors without details, stay as they are.
    public func shaped(_ fault: Fault) -> (fault: Fault, flaws: [Fault.Violation]) {
        guard let status = fault.declaredStatus, let details = fault.details, let schema = errors[fault.code] else {
            return (fault, [])
        }
        let (shaped, flaws) = Self.shaped(details, by: schema)
        return (Fault(fault.code, fault.message, details: shaped, declaredStatus: status), flaws)
    }

    private static func shaped(_ data: JSONValue, by schema: JSONSchema) -> (JSONValue, [Fault.Violation]) {
        let shaped = schema.shaped(data)
        let extra = shaped.stripped.map { Fault.Violation(path: $0, message: "is not in the schema; it was left out.") }
        return (shaped.value, shaped.violations + extra)
    }
}

/// How an offered definition stands to the one that is stored under the same version.
public enum SpecRevision: Hashable, Sendable {
    /// Nothing that is stored would change.
    case same
    /// Whoever called the stored one may call the offered one: it takes its place.
    case newer
    /// The stored one is such a successor of what is offered: the offer stands, the definition stays.
    case older
    /// Neither can stand for the other; the paths that differ and how, as `type differs`.
    case incompatible([String])

    /// Access and type never change under one version: a second provider could weaken what the first asked for.
    public static func compare(_ offered: OperationSpec, with stored: OperationSpec) -> SpecRevision {
        var paths: [String] = []
        if offered.type != stored.type { paths.append("type differs") }
        if offered.accessControl != stored.accessControl { paths.append("accessControl differs") }
        guard paths.isEmpty else { return .incompatible(paths) }
        let differences = differences(from: stored, to: offered)
        guard differences.isEmpty else {
            return Self.differences(from: offered, to: stored).isEmpty ? .older : .incompatible(differences)
        }
        let isSame =
            offered.title == stored.title && offered.description == stored.description
            && (offered.tags ?? []) == (stored.tags ?? [])
            && (offered.errorSchemas ?? []) == (stored.errorSchemas ?? [])
            && (offered._meta ?? [:]) == (stored._meta ?? [:])
            && offered.inputSchema == stored.inputSchema && offered.outputSchema == stored.outputSchema
        return isSame ? .same : .newer
    }

    private static func differences(from old: OperationSpec, to new: OperationSpec) -> [String] {
        let input = SchemaComparison.differences(from: old.inputSchema, to: new.inputSchema, as: .input)
        let output = SchemaComparison.differences(from: old.outputSchema, to: new.outputSchema, as: .output)
        return words(input, "inputSchema") + words(output, "outputSchema")
    }

    private static func words(_ differences: [SchemaComparison.Difference], _ root: String) -> [String] {
        differences.map { "\(root)\($0.path.isEmpty ? "" : ".\($0.path)") \($0.clause)" }
    }
}
