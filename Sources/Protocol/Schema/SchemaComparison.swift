/// Whether a schema may take another's place under the same version of an operation.
///
/// An input may come to accept more, an output to promise more; never less. The answer is conservative: where two
/// schemas cannot be compared by their keywords, that counts as a difference, and a new version is the way out.
/// One thing is looked at kindly: a property that an open object did not name may be named later, since nobody can
/// have meant anything by it.
public enum SchemaComparison {
    /// What a schema describes.
    public enum Role: Sendable {
        case input, output
    }

    /// A way in which the new schema is less than the old one.
    public struct Difference: Codable, Hashable, Sendable {
        /// Where in the value, as `run.command[]`; empty for all of it.
        public let path: String
        /// What changed.
        public let change: String

        public init(path: String, change: String) {
            self.path = path
            self.change = change
        }

        /// The change within a sentence: without its full stop.
        public var clause: String { change.hasSuffix(".") ? String(change.dropLast()) : change }
    }

    /// What breaks callers that know only the old schema, at most ``Limits/violations``; empty if nothing does.
    public static func differences(from old: JSONValue, to new: JSONValue, as role: Role) -> [Difference] {
        switch role {
        // Whatever was accepted must still be.
        case .input: differences(narrow: old, wide: new, role)
        // Whatever comes must have been foreseen.
        case .output: differences(narrow: new, wide: old, role)
        }
    }

    /// `CONFLICT` that names the differences of an operation, as a registration is refused with; `nil` if there are
    /// none.
    public static func refusal(of operation: String, input: [Difference], output: [Difference]) -> Fault? {
        let all = [("inputSchema", input), ("outputSchema", output)].flatMap { root, found in
            found.map { Difference(path: root.joined($0.path), change: $0.change) }
        }
        guard let first = all.first else { return nil }
        return Fault(
            .conflict,
            "\(operation) changes incompatibly under the same version (\(first.path) \(first.clause)); "
                + "give it a new version.",
            details: .array(all.map { ["path": .string($0.path), "change": .string($0.change)] })
        )
    }

    private static func differences(narrow: JSONValue, wide: JSONValue, _ role: Role) -> [Difference] {
        var walk = SchemaContainment(narrow: narrow, wide: wide, role: role)
        walk.compareAll()
        return walk.differences
    }
}
