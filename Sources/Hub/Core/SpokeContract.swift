public import Protocol

/// What is checked of calls to an operation that a spoke offers: the one seam to JSON Schema.
///
/// Made once per definition and used for every call of it.
public struct SpokeContract: Sendable {
    public let spec: OperationSpec

    /// - Fails with `validation` if a schema is none.
    public init(_ spec: OperationSpec) throws(Fault) { self.spec = spec }

    /// Everything that is wrong with an input; empty if nothing is.
    public func violations(in input: JSONValue) -> [Fault.Violation] { [] }

    /// The answer's data as the schema promises it, and what did not fit: extra fields are left out, defaults are
    /// filled in. Never fails a call.
    public func shaped(_ data: JSONValue) -> (data: JSONValue, flaws: [Fault.Violation]) { (data, []) }
}

/// How an offered definition stands to the one that is stored under the same version.
public enum SpecRevision: Hashable, Sendable {
    /// Nothing that is stored would change.
    case same
    /// Whoever called the stored one may call the offered one: it takes its place.
    case newer
    /// The stored one is such a successor of what is offered: the offer stands, the definition stays.
    case older
    /// Neither can stand for the other.
    case incompatible([String])

    /// Access and type never change under one version: a second provider could weaken what the first asked for.
    public static func compare(_ offered: OperationSpec, with stored: OperationSpec) -> SpecRevision {
        var paths: [String] = []
        if offered.type != stored.type { paths.append("type") }
        if offered.accessControl != stored.accessControl { paths.append("accessControl") }
        if !equal(offered.inputSchema, stored.inputSchema) { paths.append("inputSchema") }
        if !equal(offered.outputSchema, stored.outputSchema) { paths.append("outputSchema") }
        guard paths.isEmpty else { return .incompatible(paths) }
        let isSame =
            offered.title == stored.title && offered.description == stored.description
            && (offered.tags ?? []) == (stored.tags ?? [])
            && (offered.errorSchemas ?? []) == (stored.errorSchemas ?? [])
            && (offered._meta ?? [:]) == (stored._meta ?? [:])
        return isSame ? .same : .newer
    }

    /// Postgres spells numbers its own way, so they are compared by value.
    private static func equal(_ one: JSONValue, _ other: JSONValue) -> Bool {
        switch (one, other) {
        case (.integer(let whole), .number(let value)), (.number(let value), .integer(let whole)):
            Double(whole) == value
        case (.array(let these), .array(let those)):
            these.count == those.count && zip(these, those).allSatisfy(equal)
        case (.object(let these), .object(let those)):
            these.count == those.count
                && these.allSatisfy { key, value in those[key].map { equal(value, $0) } ?? false }
        default: one == other
        }
    }
}
