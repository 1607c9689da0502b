/// Compares those keywords of two schemas that hold no schemas, or that can only be the same.
struct KeywordComparison {
    let inside: [String: JSONValue]
    let outside: [String: JSONValue]
    let role: SchemaComparison.Role
    /// The same reference means the same in both.
    let sharesDefinitions: Bool
    private(set) var changes: [String] = []

    /// Keywords that say nothing about what fits.
    static let annotations = explanations.union([
        "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions",
    ])

    /// Those of them to which nothing refers either.
    static let explanations: Set<String> = [
        "$schema", "$comment", "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples",
    ]

    /// Keywords that hang on others beside them, so that schemas which have one cannot be put together.
    static let entangled: Set<String> = [
        "properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "prefixItems", "items",
        "unevaluatedItems", "contains", "minContains", "maxContains", "if", "then", "else",
    ]

    init(
        inside: [String: JSONValue],
        outside: [String: JSONValue],
        role: SchemaComparison.Role,
        sharesDefinitions: Bool
    ) {
        self.inside = inside
        self.outside = outside
        self.role = role
        self.sharesDefinitions = sharesDefinitions
    }

    /// Whether two schemas, or lists of them, mean the same without a closer look.
    static func isSame(_ one: JSONValue?, _ other: JSONValue?, sharesDefinitions: Bool) -> Bool {
        one == other && (sharesDefinitions || one.map { references(in: $0).isEmpty } ?? true)
    }

    /// Everything that a schema refers to.
    static func references(in schema: JSONValue) -> [String] {
        switch schema {
        case .object(let members):
            members.flatMap { name, value in
                (name == "$ref" || name == "$dynamicRef" ? value.stringValue.map { [$0] } : nil)
                    ?? references(in: value)
            }
        case .array(let elements): elements.flatMap(references)
        case .null, .bool, .integer, .number, .string: []
        }
    }

    /// - Parameter types: what both may be; keywords about others say nothing.
    mutating func compare(_ types: JSONTypes) {
        if types.contains(.string) {
            least("minLength", otherwise: 0)
            most("maxLength")
            for keyword in ["pattern", "format", "contentEncoding", "contentMediaType", "contentSchema"] {
                same(keyword)
            }
        }
        if !types.isDisjoint(with: [.number, .integer]) { compareNumbers() }
        if types.contains(.array) {
            least("minItems", otherwise: 0)
            most("maxItems")
            if outside["uniqueItems"] == true, inside["uniqueItems"] != true { changed("uniqueItems") }
            if outside["contains"] != nil { sameTogether(["contains", "minContains", "maxContains"]) }
            sameAltogether("unevaluatedItems")
        }
        if types.contains(.object) {
            least("minProperties", otherwise: 0)
            most("maxProperties")
            for keyword in ["propertyNames", "dependentRequired", "dependentSchemas"] { same(keyword) }
            if inside["patternProperties"] != nil || outside["patternProperties"] != nil {
                sameTogether(["patternProperties", "properties", "additionalProperties"])
            }
            sameAltogether("unevaluatedProperties")
        }
        for keyword in ["enum", "const"] where outside[keyword] != nil { changed(keyword) }
        for keyword in ["not", "if", "then", "else"] { same(keyword) }
    }

    private mutating func compareNumbers() {
        let lower = number("minimum", in: inside)
        let strictLower = number("exclusiveMinimum", in: inside)
        if let wanted = number("minimum", in: outside), !(lower.map { $0 >= wanted } ?? false),
            !(strictLower.map { $0 >= wanted } ?? false)
        {
            changed("minimum")
        }
        if let wanted = number("exclusiveMinimum", in: outside), !(lower.map { $0 > wanted } ?? false),
            !(strictLower.map { $0 >= wanted } ?? false)
        {
            changed("exclusiveMinimum")
        }
        let upper = number("maximum", in: inside)
        let strictUpper = number("exclusiveMaximum", in: inside)
        if let wanted = number("maximum", in: outside), !(upper.map { $0 <= wanted } ?? false),
            !(strictUpper.map { $0 <= wanted } ?? false)
        {
            changed("maximum")
        }
        if let wanted = number("exclusiveMaximum", in: outside), !(upper.map { $0 < wanted } ?? false),
            !(strictUpper.map { $0 <= wanted } ?? false)
        {
            changed("exclusiveMaximum")
        }
        if let wanted = number("multipleOf", in: outside) {
            let mine = number("multipleOf", in: inside).map(DecimalNumber.init)
            if mine?.isMultiple(of: DecimalNumber(wanted)) != true { changed("multipleOf") }
        }
    }

    private func number(_ keyword: String, in schema: [String: JSONValue]) -> JSONNumber? {
        schema[keyword].flatMap(JSONNumber.init)
    }

    private mutating func least(_ keyword: String, otherwise: Int64) {
        guard let wanted = number(keyword, in: outside) else { return }
        if (number(keyword, in: inside) ?? .whole(otherwise)) < wanted { changed(keyword) }
    }

    private mutating func most(_ keyword: String) {
        guard let wanted = number(keyword, in: outside) else { return }
        if !(number(keyword, in: inside).map { $0 <= wanted } ?? false) { changed(keyword) }
    }

    private mutating func same(_ keyword: String) {
        if outside[keyword] != nil, !isSame(keyword) { changed(keyword) }
    }

    private func isSame(_ keyword: String) -> Bool {
        Self.isSame(inside[keyword], outside[keyword], sharesDefinitions: sharesDefinitions)
    }

    /// Keywords that mean something only together; the first names them all.
    private mutating func sameTogether(_ keywords: [String]) {
        guard let first = keywords.first(where: { !isSame($0) }) else { return }
        changed(first)
    }

    /// A keyword whose meaning hangs on everything beside it.
    private mutating func sameAltogether(_ keyword: String) {
        guard let wanted = outside[keyword], wanted != true else { return }
        let (one, other) = (inside, outside)
        let isSame = Self.isSame(.object(one), .object(other), sharesDefinitions: sharesDefinitions)
        if !isSame { changed(keyword) }
    }

    private mutating func changed(_ keyword: String) {
        func text(_ schema: [String: JSONValue]) -> String { schema[keyword]?.excerpt ?? "not there" }
        let (old, new) = role == .input ? (inside, outside) : (outside, inside)
        changes.append("\(keyword) was \(text(old)) and is \(text(new)).")
    }
}
