/// An answer as its schema wants it, as far as that can be had without losing what the schema knows.
public struct ShapedOutput: Hashable, Sendable {
    public let value: JSONValue
    /// Paths of what the schema does not allow and which was therefore taken out.
    public let stripped: [String]
    /// Paths of what was not there and has a default.
    public let filled: [String]
    /// What still does not fit, for a warning; at most ``Limits/violations``.
    public let violations: [Fault.Violation]

    /// It came as it should.
    public var isUntouched: Bool { stripped.isEmpty && filled.isEmpty && violations.isEmpty }
}

extension JSONSchema {
    /// An answer in the form of this schema: members that a closed object does not know are left out, members that
    /// have a default and are missing are filled in, and what is wrong beyond that is told but stays (calls.md: an
    /// answer that does not fit never fails its call).
    public func shaped(_ value: JSONValue) -> ShapedOutput {
        let isAccepted = accepts(value)
        if isAccepted, !table.hasFallbacks {
            return ShapedOutput(value: value, stripped: [], filled: [], violations: [])
        }
        var shaping = OutputShaping(table: table)
        let shaped = shaping.shape(value, by: SchemaTable.root, at: "")
        let isChanged = !shaping.stripped.isEmpty || !shaping.filled.isEmpty
        return ShapedOutput(
            value: shaped,
            stripped: shaping.stripped,
            filled: shaping.filled,
            violations: isAccepted && !isChanged ? [] : violations(in: shaped)
        )
    }
}

/// One answer being brought into its form.
struct OutputShaping {
    let table: SchemaTable
    private(set) var stripped: [String] = []
    private(set) var filled: [String] = []
    private var depth = 0
    private var steps = Limits.schemaSteps

    init(table: SchemaTable) { self.table = table }

    mutating func shape(_ value: JSONValue, by schema: Int, at path: String) -> JSONValue {
        depth += 1
        steps -= 1
        defer { depth -= 1 }
        // What cannot be looked at in time stays as it is, and is told by the violations.
        guard depth <= Limits.schemaNesting, steps > 0 else { return value }
        let node = table.nodes[schema]
        var shaped = value
        for keyword in node.keywords { shaped = shape(shaped, by: keyword, at: path) }
        if let rest = node.unevaluatedProperties, table.nodes[rest].isRefusal {
            shaped = withoutUnseen(shaped, node, at: path)
        }
        return shaped
    }

    private mutating func shape(_ value: JSONValue, by keyword: SchemaKeyword, at path: String) -> JSONValue {
        switch keyword {
        case .members(let schemas):
            guard case .object(let members) = value else { return value }
            return .object(shape(members, by: schemas, at: path))
        case .items(let prefix, let rest):
            guard case .array(var elements) = value else { return value }
            for place in elements.indices {
                guard let schema = place < prefix.count ? prefix[place] : rest else { break }
                elements[place] = shape(elements[place], by: schema, at: "\(path)[\(place)]")
            }
            return .array(elements)
        case .allOf(let schemas):
            return schemas.reduce(value) { shape($0, by: $1, at: path) }
        case .anyOf(let schemas), .oneOf(let schemas): return shape(value, byOneOf: schemas, at: path)
        case .condition(let test, let then, let otherwise):
            guard let schema = fits(value, test) ? then : otherwise else { return value }
            return shape(value, by: schema, at: path)
        case .dependentSchemas(let entries):
            return entries.filter { value[$0.name] != nil }.reduce(value) { shape($0, by: $1.schema, at: path) }
        case .reference(let schema), .dynamicReference(_, let schema): return shape(value, by: schema, at: path)
        default: return value
        }
    }

    private mutating func shape(
        _ members: [String: JSONValue],
        by schemas: MemberSchemas,
        at path: String
    ) -> [String: JSONValue] {
        var shaped = members
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            let here = path.dotted(name)
            if let schema = schemas.properties[name] {
                shaped[name] = shape(member, by: schema, at: here)
            } else if let additional = schemas.additional, !matchesAny(schemas, name) {
                if table.nodes[additional].isRefusal {
                    shaped[name] = nil
                    note(stripped: here)
                } else {
                    shaped[name] = shape(member, by: additional, at: here)
                }
            }
        }
        for (name, schema) in schemas.properties.sorted(by: { $0.key < $1.key }) where members[name] == nil {
            guard let fallback = table.fallback(of: schema) else { continue }
            shaped[name] = fallback
            if filled.count < Limits.violations { filled.append(path.dotted(name)) }
        }
        return shaped
    }

    /// By the alternative that it has; else by the first that it has once it is shaped.
    private mutating func shape(_ value: JSONValue, byOneOf schemas: [Int], at path: String) -> JSONValue {
        if let schema = schemas.first(where: { fits(value, $0) }) { return shape(value, by: schema, at: path) }
        let before = (stripped, filled)
        for schema in schemas {
            let shaped = shape(value, by: schema, at: path)
            if fits(shaped, schema) { return shaped }
            (stripped, filled) = before
        }
        return value
    }

    private mutating func withoutUnseen(_ value: JSONValue, _ node: SchemaNode, at path: String) -> JSONValue {
        guard case .object(let members) = value else { return value }
        var evaluation = SchemaEvaluation(table)
        evaluation.steps = steps
        var seen: SeenParts? = SeenParts()
        let isAccepted = evaluation.fits(node.keywords, value, &seen)
        steps = evaluation.steps
        guard isAccepted, evaluation.stop == nil else { return value }
        let kept = members.filter { seen?.has(member: $0.key) == true }
        for name in members.keys.sorted() where kept[name] == nil { note(stripped: path.dotted(name)) }
        return .object(kept)
    }

    private mutating func note(stripped path: String) {
        if stripped.count < Limits.violations { stripped.append(path) }
    }

    private mutating func fits(_ value: JSONValue, _ schema: Int) -> Bool {
        var evaluation = SchemaEvaluation(table)
        evaluation.steps = steps
        var nothing: SeenParts?
        let fits = evaluation.fits(schema, value, &nothing)
        steps = evaluation.steps
        return fits && evaluation.stop == nil
    }

    private mutating func matchesAny(_ schemas: MemberSchemas, _ name: String) -> Bool {
        for entry in schemas.patterns where entry.pattern.matches(name, steps: &steps) != false { return true }
        return false
    }
}

extension SchemaTable {
    /// The default of a schema, or of what it refers to.
    fileprivate func fallback(of schema: Int) -> JSONValue? {
        var (next, rest): (Int?, Int) = (schema, Limits.schemaNesting)
        while let place = next, rest > 0 {
            if let fallback = nodes[place].fallback { return fallback }
            next = nil
            for case .reference(let target) in nodes[place].keywords { next = target }
            rest -= 1
        }
        return nil
    }
}
