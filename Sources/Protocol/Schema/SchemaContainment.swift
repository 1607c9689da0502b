/// Finds out by their keywords whether all that fits one schema also fits another.
struct SchemaContainment {
    private let roots: (narrow: JSONValue, wide: JSONValue)
    private let role: SchemaComparison.Role
    private(set) var differences: [SchemaComparison.Difference] = []
    /// Pairs of references that are being compared further out: in a circle nothing new is found.
    private var open: Set<[JSONValue]> = []
    private var depth = 0
    /// Pairs that may still be compared, so that alternatives of alternatives end.
    private var pairs = 20_000

    init(narrow: JSONValue, wide: JSONValue, role: SchemaComparison.Role) {
        roots = (Self.bare(narrow), Self.bare(wide))
        self.role = role
    }

    mutating func compareAll() { compare(roots.narrow, within: roots.wide, at: "") }

    /// A schema without what only explains it.
    private static func bare(_ schema: JSONValue) -> JSONValue {
        guard case .object(var members) = schema else { return schema }
        for keyword in KeywordComparison.explanations { members[keyword] = nil }
        for (keyword, kind) in SchemaCompiler.children {
            switch (kind, members[keyword]) {
            case (.one, let child?): members[keyword] = bare(child)
            case (.list, .array(let children)?): members[keyword] = .array(children.map(bare))
            case (.map, .object(let children)?): members[keyword] = .object(children.mapValues(bare))
            case (.one, nil), (.list, _), (.map, _): continue
            }
        }
        return .object(members)
    }

    /// Notes each way in which `narrow` allows what `wide` does not.
    private mutating func compare(_ narrow: JSONValue, within wide: JSONValue, at path: String) {
        if isSame(narrow, wide) { return }
        depth += 1
        pairs -= 1
        defer { depth -= 1 }
        guard differences.count < Limits.violations else { return }
        guard depth <= Limits.jsonDepth, pairs > 0 else {
            return note("is too intricate to be compared.", at: path)
        }
        guard let (inner, outer, circle) = resolved(narrow, wide, at: path) else { return }
        if let circle, !open.insert(circle).inserted { return }
        defer { if let circle { open.remove(circle) } }
        if case .bool(let allows) = outer {
            if !allows, inner != false { note(role == .input ? "is no longer accepted." : "is new here.", at: path) }
            return
        }
        guard case .object(let outside) = outer, inner != false else { return }
        let inside: [String: JSONValue] =
            if case .object(let members) = inner { members } else { ["additionalProperties": true] }
        compare(inside, within: outside, at: path)
    }

    private mutating func compare(_ inside: [String: JSONValue], within outside: [String: JSONValue], at path: String) {
        if let values = inside["enum"]?.arrayValue ?? inside["const"].map({ [$0] }) {
            return compare(values: values, within: outside, at: path)
        }
        for keyword in ["anyOf", "oneOf"] {
            guard let branches = inside[keyword]?.arrayValue, !isSame(inside[keyword], outside[keyword]) else {
                continue
            }
            return compare(branches: branches, beside: inside, keyword, within: outside, at: path)
        }
        let types = Self.types(of: inside)
        let allowed = Self.types(of: outside)
        let strange = types.subtracting(allowed.withIntegers)
        if !strange.isEmpty {
            let names = strange.names.joined(separator: ", ")
            note(role == .input ? "no longer accepts \(names)." : "may also be \(names).", at: path)
        }
        let common = types.subtracting(strange)
        var comparison = KeywordComparison(
            inside: inside,
            outside: outside,
            role: role,
            sharesDefinitions: roots.narrow == roots.wide
        )
        comparison.compare(common)
        for change in comparison.changes { note(change, at: path) }
        if common.contains(.object) { compareMembers(inside, outside, at: path) }
        if common.contains(.array) { compareItems(inside, outside, at: path) }
        compareAlternatives(inside, outside, at: path)
    }

    private mutating func compareAlternatives(
        _ inside: [String: JSONValue],
        _ outside: [String: JSONValue],
        at path: String
    ) {
        let mine = inside["allOf"]?.arrayValue ?? []
        for branch in outside["allOf"]?.arrayValue ?? [] where !mine.contains(where: { isSame($0, branch) }) {
            compare(.object(inside), within: branch, at: path)
        }
        for keyword in ["anyOf", "oneOf"] {
            guard let branches = outside[keyword]?.arrayValue, !isSame(inside[keyword], outside[keyword]) else {
                continue
            }
            let place = branches.firstIndex { isWithin(.object(inside), $0) }
            let types = Self.types(of: inside)
            // Exactly one must fit, so the others must be of another kind.
            let isAlone =
                keyword == "anyOf" || branches.indices.allSatisfy { $0 == place || !mayBe(types, branches[$0]) }
            if place == nil || !isAlone { note("has other alternatives (\(keyword)).", at: path) }
        }
    }

    /// Whether a schema may fit values of these types.
    private func mayBe(_ types: JSONTypes, _ schema: JSONValue) -> Bool {
        guard let target = Self.follow(schema, in: roots.wide) else { return true }
        guard case .object(let members) = target else { return target != false }
        let own = Self.types(of: members)
        let (one, other) = (own.withIntegers, types.withIntegers)
        return !one.isDisjoint(with: other)
    }

    private func isSame(_ one: JSONValue?, _ other: JSONValue?) -> Bool {
        KeywordComparison.isSame(one, other, sharesDefinitions: roots.narrow == roots.wide)
    }

    private static func types(of schema: [String: JSONValue]) -> JSONTypes {
        switch schema["type"] {
        case .string(let name)?: JSONTypes(name: name) ?? []
        case .array(let names)?: JSONTypes(names.compactMap { $0.stringValue.flatMap(JSONTypes.init(name:)) })
        case nil, .null?, .bool?, .integer?, .number?, .object?:
            [.null, .boolean, .integer, .number, .string, .array, .object]
        }
    }

    // MARK: Parts

    /// Values that are listed are tried one by one.
    private mutating func compare(values: [JSONValue], within outside: [String: JSONValue], at path: String) {
        var schema = outside
        for keyword in ["$defs", "definitions"] { schema[keyword] = roots.wide[keyword] }
        let isMovable = KeywordComparison.references(in: .object(schema)).allSatisfy { reference in
            ["#/$defs/", "#/definitions/"].contains { reference.hasPrefix($0) }
        }
        guard isMovable, let compiled = try? JSONSchema(.object(schema)) else {  // It refers to where it no longer is.
            return note("cannot be compared; keep it as it was.", at: path)
        }
        let strange = values.filter { !compiled.accepts($0) }
        guard !strange.isEmpty else { return }
        let shown = strange.prefix(5).map(\.excerpt).joined(separator: ", ")
        note(role == .input ? "no longer accepts \(shown)." : "may also be \(shown).", at: path)
    }

    private mutating func compare(
        branches: [JSONValue],
        beside inside: [String: JSONValue],
        _ keyword: String,
        within outside: [String: JSONValue],
        at path: String
    ) {
        var rest = inside
        rest[keyword] = nil
        if isWithin(.object(rest), .object(outside)) { return }
        for branch in branches {
            var whole = branch
            if case .object(let members) = branch { whole = .object(Self.together(rest, members)) }
            if isWithin(branch, .object(outside)) { continue }
            compare(whole, within: .object(outside), at: path)
        }
    }

    /// What fits a branch and all that stands beside it also fits this. What keywords mean together is lost where
    /// both say something of that kind: then only the branch counts.
    private static func together(
        _ rest: [String: JSONValue],
        _ branch: [String: JSONValue]
    ) -> [String: JSONValue] {
        let entangled = KeywordComparison.entangled
        guard !entangled.isDisjoint(with: branch.keys) else { return rest.merging(branch) { $1 } }
        var whole = rest.filter { !entangled.contains($0.key) }.merging(branch) { $1 }
        if rest["additionalProperties"] != nil, whole["additionalProperties"] == nil {
            whole["additionalProperties"] = true
        }
        return whole
    }

    private mutating func compareMembers(
        _ inside: [String: JSONValue],
        _ outside: [String: JSONValue],
        at path: String
    ) {
        let had = Set(inside["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        for name in outside["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where !had.contains(name) {
            note(
                role == .input ? "is required and was not." : "may be missing and was always there.",
                at: path.dotted(name)
            )
        }
        let (known, wanted) = (Self.members(inside["properties"]), Self.members(outside["properties"]))
        let (others, allowed) = (inside["additionalProperties"], outside["additionalProperties"] ?? true)
        for (name, schema) in wanted.sorted(by: { $0.key < $1.key }) {
            if let mine = known[name] {
                compare(mine, within: schema, at: path.dotted(name))
            } else if let others {
                compare(others, within: schema, at: path.dotted(name))
            } else if role == .output, !isWithin(true, schema) {
                note("is no longer promised.", at: path.dotted(name))
            }
        }
        for (name, schema) in known.sorted(by: { $0.key < $1.key }) where wanted[name] == nil {
            compare(schema, within: allowed, at: path.dotted(name))
        }
        compare(others ?? true, within: allowed, at: path.dotted("*"))
    }

    private mutating func compareItems(_ inside: [String: JSONValue], _ outside: [String: JSONValue], at path: String) {
        let (mine, theirs) = (inside["prefixItems"]?.arrayValue ?? [], outside["prefixItems"]?.arrayValue ?? [])
        let (rest, allowed) = (inside["items"] ?? true, outside["items"] ?? true)
        for place in 0..<max(mine.count, theirs.count) {
            compare(
                place < mine.count ? mine[place] : rest,
                within: place < theirs.count ? theirs[place] : allowed,
                at: "\(path)[\(place)]"
            )
        }
        compare(rest, within: allowed, at: "\(path)[]")
    }

    private static func members(_ value: JSONValue?) -> [String: JSONValue] {
        guard case .object(let members)? = value else { return [:] }
        return members
    }

    /// Tries without noting anything.
    private mutating func isWithin(_ narrow: JSONValue, _ wide: JSONValue) -> Bool {
        let before = differences
        differences = []
        defer { differences = before }
        compare(narrow, within: wide, at: "")
        return differences.isEmpty
    }

    private mutating func note(_ change: String, at path: String) {
        guard differences.count < Limits.violations else { return }
        differences.append(SchemaComparison.Difference(path: path, change: change))
    }

    // MARK: References

    /// Both schemas without `$ref`, and, if there was one, the pair by which a circle is known.
    private mutating func resolved(
        _ narrow: JSONValue,
        _ wide: JSONValue,
        at path: String
    ) -> (narrow: JSONValue, wide: JSONValue, circle: [JSONValue]?)? {
        guard let inner = Self.follow(narrow, in: roots.narrow), let outer = Self.follow(wide, in: roots.wide) else {
            if narrow != wide || roots.narrow != roots.wide {
                note("cannot be compared; it refers elsewhere.", at: path)
            }
            return nil
        }
        return (inner, outer, inner != narrow || outer != wide ? [narrow, wide] : nil)
    }

    /// What a reference within the same document means, together with what stands beside it; `nil` for others.
    private static func follow(_ schema: JSONValue, in root: JSONValue) -> JSONValue? {
        var schema = schema
        for _ in 0..<Limits.jsonDepth {
            guard schema["$dynamicRef"] == nil, schema["$id"] == nil || schema == root else { return nil }
            guard let text = schema["$ref"]?.stringValue, case .object(var beside) = schema else { return schema }
            guard text.hasPrefix("#"), let target = SchemaLibrary.value(in: root, atFragment: text.dropFirst()) else {
                return nil
            }
            beside["$ref"] = nil
            switch target {
            case .object(let members):
                // Where both say something, both count; and some say something about what stands beside them.
                let isClear = beside.keys.allSatisfy {
                    KeywordComparison.annotations.contains($0)
                        || (members[$0] == nil && !KeywordComparison.entangled.contains($0))
                }
                guard isClear else { return nil }
                schema = .object(members.merging(beside) { kept, _ in kept })
            default: schema = target
            }
        }
        return nil
    }
}
