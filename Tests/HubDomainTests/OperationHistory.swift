import Protocol

/// What the hub's own operations took and answered when somebody looked last: one line of JSON for each.
enum OperationHistory {
    static let path = "docs/operations.jsonl"

    /// The lines of today.
    static func text(_ specs: [OperationSpec]) -> String {
        specs.map { String(decoding: JSONValue(encoding: bare($0)).serialized(), as: UTF8.self) + "\n" }.joined()
    }

    static func specs(in text: String) throws(Fault) -> [OperationSpec] {
        var specs: [OperationSpec] = []
        for line in text.split(separator: "\n") { specs.append(try JSONValue(parsing: Array(line.utf8)).decoded()) }
        return specs
    }

    /// What callers of the former would not be served with any more: each operation with the paths that differ.
    static func broken(_ specs: [OperationSpec], since former: [OperationSpec]) -> [String] {
        let known = Dictionary(specs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return former.compactMap { old in
            guard let new = known[old.id] else { return "\(old.id) is gone" }
            guard new.version == old.version else { return nil }
            var paths: [String] = []
            if new.type != old.type { paths.append("type") }
            if new.accessControl != old.accessControl { paths.append("accessControl") }
            let (input, output) = (wordless(new.inputSchema), wordless(new.outputSchema))
            paths += SchemaComparison.differences(from: old.inputSchema, to: input, as: .input)
                .map { "inputSchema.\($0.path) \($0.change)" }
            paths += SchemaComparison.differences(from: old.outputSchema, to: output, as: .output)
                .map { "outputSchema.\($0.path) \($0.change)" }
            return paths.isEmpty ? nil : "\(old.id): \(paths.joined(separator: ", "))"
        }
    }

    /// What is compared, without the words that explain it.
    private static func bare(_ spec: OperationSpec) -> OperationSpec {
        var bare = spec
        (bare.description, bare.title, bare.tags, bare.errorSchemas) = ("", nil, nil, nil)
        (bare.inputSchema, bare.outputSchema) = (wordless(spec.inputSchema), wordless(spec.outputSchema))
        return bare
    }

    private static func wordless(_ schema: JSONValue) -> JSONValue {
        switch schema {
        case .array(let elements): return .array(elements.map(wordless))
        case .object(let members):
            var kept: [String: JSONValue] = [:]
            for (name, value) in members where !["description", "examples", "title", "$schema"].contains(name) {
                // Names of fields are no keywords.
                if ["properties", "$defs"].contains(name), case .object(let inner) = value {
                    kept[name] = .object(inner.mapValues(wordless))
                } else {
                    kept[name] = wordless(value)
                }
            }
            return .object(kept)
        default: return schema
        }
    }
}
