/// Compares those keywords of two schemas that hold no schemas, or that can only be the same.
struct KeywordComparison {
    let inside: [String: JSONValue]
    let outside: [String: JSONValue]
    let role: SchemaComparison.Role
    private(set) var changes: [String] = []

    /// Keywords that say nothing about what fits.
    static let annotations: Set<String> = [
        "$schema", "$id", "$anchor", "$dynamicAnchor", "$comment", "$defs", "definitions", "title", "description",
        "default", "deprecated", "readOnly", "writeOnly", "examples",
    ]

    init(inside: [String: JSONValue], outside: [String: JSONValue], role: SchemaComparison.Role) {
        self.inside = inside
        self.outside = outside
        self.role = role
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
            for keyword in ["contains", "minContains", "maxContains", "unevaluatedItems"] { same(keyword) }
        }
        if types.contains(.object) {
            least("minProperties", otherwise: 0)
            most("maxProperties")
            for keyword in [
                "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties",
            ] { same(keyword) }
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
        if let wanted = outside[keyword], inside[keyword] != wanted { changed(keyword) }
    }

    private mutating func changed(_ keyword: String) {
        func text(_ schema: [String: JSONValue]) -> String { schema[keyword]?.excerpt ?? "not there" }
        let (old, new) = role == .input ? (inside, outside) : (outside, inside)
        changes.append("\(keyword) was \(text(old)) and is \(text(new)).")
    }
}
