extension SchemaCompiler {
    private typealias Place = SchemaLibrary.Place

    /// One schema. What is not as the metaschema has it is left out: who wants to know compiles through
    /// ``JSONSchema/init(_:_:)``, which asks the metaschema first.
    mutating func node(
        of members: [String: JSONValue],
        at place: SchemaLibrary.Place,
        in resource: Int,
        _ vocabularies: Vocabularies
    ) -> SchemaNode {
        var node = SchemaNode(resource: resource)
        node.fallback = members["default"]
        if vocabularies.contains(.validation) {
            node.keywords += assertions(of: members, at: place)
        }
        if vocabularies.contains(.formatAssertion), let format = members["format"]?.stringValue {
            if let known = StringFormat(rawValue: format) { node.keywords.append(.format(known)) }
        }
        node.keywords += references(of: members, at: place, in: resource)
        if vocabularies.contains(.applicator) {
            node.keywords += insideApplicators(of: members, at: place, vocabularies)
            node.keywords += sameValueApplicators(of: members, at: place)
        }
        if vocabularies.contains(.unevaluated) {
            node.unevaluatedItems = child("unevaluatedItems", of: members, at: place)
            node.unevaluatedProperties = child("unevaluatedProperties", of: members, at: place)
        }
        return node
    }

    // MARK: Validation

    private mutating func assertions(of members: [String: JSONValue], at place: Place) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        switch members["type"] {
        case .string(let name)?:
            if let type = JSONTypes(name: name) { keywords.append(.type(type)) }
        case .array(let names)?:
            keywords.append(.type(JSONTypes(names.compactMap { $0.stringValue.flatMap(JSONTypes.init(name:)) })))
        case nil, .null?, .bool?, .integer?, .number?, .object?: break
        }
        if let value = members["const"] { keywords.append(.const(value)) }
        if let values = members["enum"]?.arrayValue { keywords.append(.oneOfValues(values)) }
        keywords += Self.bounds(of: members)
        if let text = members["pattern"]?.stringValue, let pattern = pattern(text, at: place.below("pattern")) {
            keywords.append(.pattern(pattern))
        }
        if members["uniqueItems"] == true { keywords.append(.uniqueItems) }
        if let names = members["required"]?.arrayValue?.compactMap(\.stringValue), !names.isEmpty {
            keywords.append(.required(names))
        }
        if case .object(let entries)? = members["dependentRequired"] {
            let needs = entries.sorted { $0.key < $1.key }
                .map { (name: $0.key, needs: $0.value.arrayValue?.compactMap(\.stringValue) ?? []) }
            keywords.append(.dependentRequired(needs))
        }
        return keywords
    }

    private static func bounds(of members: [String: JSONValue]) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        func number(_ name: String) -> JSONNumber? { members[name].flatMap(JSONNumber.init) }
        func count(_ name: String) -> Int? { number(name)?.count }
        var bounds = NumberBounds()
        bounds.minimum = number("minimum")
        bounds.maximum = number("maximum")
        bounds.exclusiveMinimum = number("exclusiveMinimum")
        bounds.exclusiveMaximum = number("exclusiveMaximum")
        bounds.multipleOf = number("multipleOf").map { ($0, DecimalNumber($0)) }
        let names = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
        if names.contains(where: { members[$0] != nil }) { keywords.append(.number(bounds)) }
        let length = (count("minLength"), count("maxLength"))
        if length != (nil, nil) { keywords.append(.length(least: length.0, most: length.1)) }
        let items = (count("minItems"), count("maxItems"))
        if items != (nil, nil) { keywords.append(.itemCount(least: items.0, most: items.1)) }
        let properties = (count("minProperties"), count("maxProperties"))
        if properties != (nil, nil) { keywords.append(.memberCount(least: properties.0, most: properties.1)) }
        return keywords
    }

    private mutating func pattern(_ text: String, at place: Place) -> Pattern? {
        do throws(PatternProblem) {
            return try Pattern(text)
        } catch {
            note("“\(text.prefix(60))” \(error.sentence)", at: place)
            return nil
        }
    }

    // MARK: References

    private mutating func references(
        of members: [String: JSONValue],
        at place: Place,
        in resource: Int
    ) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        for keyword in ["$ref", "$dynamicRef"] {
            guard let text = members[keyword]?.stringValue else { continue }
            do throws(SchemaLibrary.Missing) {
                let (target, anchor) = try library.target(of: text, from: resource)
                if keyword == "$dynamicRef", let anchor, library.isDynamic(anchor, in: target) {
                    isDynamic = true
                    keywords.append(.dynamicReference(anchor: anchor, target: number(of: target)))
                } else {
                    keywords.append(.reference(number(of: target)))
                }
            } catch {
                note(error.sentence, at: place.below(keyword))
            }
        }
        return keywords
    }

    // MARK: Applicators

    private mutating func child(_ keyword: String, of members: [String: JSONValue], at place: Place) -> Int? {
        switch members[keyword] {
        case .object?, .bool?: number(of: place.below(keyword))
        case nil, .null?, .integer?, .number?, .string?, .array?: nil
        }
    }

    private mutating func list(_ keyword: String, of members: [String: JSONValue], at place: Place) -> [Int] {
        guard let elements = members[keyword]?.arrayValue else { return [] }
        return elements.indices.map { number(of: place.below(keyword, "\($0)")) }
    }

    private mutating func map(
        _ keyword: String,
        of members: [String: JSONValue],
        at place: Place
    ) -> [(name: String, schema: Int)] {
        guard case .object(let entries)? = members[keyword] else { return [] }
        return entries.keys.sorted().map { ($0, number(of: place.below(keyword, $0))) }
    }

    private mutating func insideApplicators(
        of members: [String: JSONValue],
        at place: Place,
        _ vocabularies: Vocabularies
    ) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        var inside = MemberSchemas()
        let properties = map("properties", of: members, at: place)
        inside.properties = Dictionary(properties.map { ($0.name, $0.schema) }) { $1 }
        for entry in map("patternProperties", of: members, at: place) {
            guard let pattern = pattern(entry.name, at: place.below("patternProperties", entry.name)) else { continue }
            inside.patterns.append((pattern, entry.schema))
        }
        inside.additional = child("additionalProperties", of: members, at: place)
        if !inside.properties.isEmpty || !inside.patterns.isEmpty || inside.additional != nil {
            keywords.append(.members(inside))
        }
        if let names = child("propertyNames", of: members, at: place) { keywords.append(.propertyNames(names)) }
        let prefix = list("prefixItems", of: members, at: place)
        let rest = child("items", of: members, at: place)
        if !prefix.isEmpty || rest != nil { keywords.append(.items(prefix: prefix, rest: rest)) }
        if let wanted = child("contains", of: members, at: place) {
            // How many is asked by the vocabulary of validation, whether any by that of applicators.
            let counts = vocabularies.contains(.validation) ? members : [:]
            let least = counts["minContains"].flatMap(JSONNumber.init)?.count
            let most = counts["maxContains"].flatMap(JSONNumber.init)?.count
            keywords.append(.contains(wanted, least: least ?? 1, most: most))
        }
        return keywords
    }

    private mutating func sameValueApplicators(of members: [String: JSONValue], at place: Place) -> [SchemaKeyword] {
        var keywords: [SchemaKeyword] = []
        let all = list("allOf", of: members, at: place)
        if !all.isEmpty { keywords.append(.allOf(all)) }
        let any = list("anyOf", of: members, at: place)
        if !any.isEmpty { keywords.append(.anyOf(any)) }
        let one = list("oneOf", of: members, at: place)
        if !one.isEmpty { keywords.append(.oneOf(one)) }
        if let inner = child("not", of: members, at: place) { keywords.append(.not(inner)) }
        if let test = child("if", of: members, at: place) {
            let then = child("then", of: members, at: place)
            let otherwise = child("else", of: members, at: place)
            // A test that decides nothing still sees properties and items.
            keywords.append(.condition(if: test, then: then, else: otherwise))
        }
        let dependent = map("dependentSchemas", of: members, at: place)
        if !dependent.isEmpty { keywords.append(.dependentSchemas(dependent)) }
        return keywords
    }
}

extension JSONNumber {
    /// As a number of things: what is beyond every count is the largest.
    fileprivate var count: Int {
        switch self {
        case .whole(let whole): Int(clamping: whole)
        case .real(let real): real > 0 ? .max : 0
        }
    }
}
