/// One schema of a compiled one: what it asks, in the order in which it is cheapest to find a mistake.
struct SchemaNode: Sendable {
    var keywords: [SchemaKeyword] = []
    /// Looked at after all others, because they ask what those have seen.
    var unevaluatedItems: Int?
    var unevaluatedProperties: Int?
    /// The resource (`$id`) that it belongs to, for `$dynamicRef`.
    var resource = 0
    /// What is there if the value is not, for ``JSONSchema/shaped(_:)``.
    var fallback: JSONValue?

    /// `false`: nothing fits.
    static func refusal(in resource: Int) -> SchemaNode { SchemaNode(keywords: [.never], resource: resource) }

    var isRefusal: Bool {
        guard keywords.count == 1, case .never = keywords[0] else { return false }
        return true
    }
}

/// What a schema asks of a value. Numbers of other schemas are places in ``SchemaTable/nodes``.
/// What is large is held by reference, so that a keyword is cheap to pass around.
enum SchemaKeyword: Sendable {
    case never
    // Validation.
    case type(JSONTypes)
    case oneOfValues([JSONValue])
    case const(JSONValue)
    indirect case number(NumberBounds)
    case length(least: Int?, most: Int?)
    indirect case pattern(Pattern)
    case itemCount(least: Int?, most: Int?)
    case uniqueItems
    case memberCount(least: Int?, most: Int?)
    case required([String])
    case dependentRequired([(name: String, needs: [String])])
    case format(StringFormat)
    // Applicators, of what is inside the value.
    indirect case members(MemberSchemas)
    case propertyNames(Int)
    case items(prefix: [Int], rest: Int?)
    case contains(Int, least: Int, most: Int?)
    // Applicators, of the value itself.
    case allOf([Int])
    case anyOf([Int])
    case oneOf([Int])
    case not(Int)
    case condition(if: Int, then: Int?, else: Int?)
    case dependentSchemas([(name: String, schema: Int)])
    case reference(Int)
    /// Goes to `target` unless a resource that was entered earlier has the same anchor.
    case dynamicReference(anchor: String, target: Int)
}

/// `minimum` and its like, and `multipleOf`.
struct NumberBounds: Sendable {
    var minimum: JSONNumber?
    var maximum: JSONNumber?
    var exclusiveMinimum: JSONNumber?
    var exclusiveMaximum: JSONNumber?
    var multipleOf: (number: JSONNumber, decimal: DecimalNumber)?
}

/// `properties`, `patternProperties` and `additionalProperties`.
struct MemberSchemas: Sendable {
    var properties: [String: Int] = [:] {
        didSet { few = properties.count <= Self.fewMax ? properties.map { ($0.key, $0.value) } : [] }
    }
    /// The same where there are so few that comparing names is quicker than hashing them.
    private var few: [(name: String, schema: Int)] = []
    private static let fewMax = 12
    var patterns: [(pattern: Pattern, schema: Int)] = []
    var additional: Int?

    /// The schema of a property that is named.
    func schema(of name: String) -> Int? {
        guard few.isEmpty else {
            for entry in few where entry.name == name { return entry.schema }
            return nil
        }
        return properties[name]
    }
}

/// Types of JSON as `type` names them.
struct JSONTypes: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }

    static let null = JSONTypes(rawValue: 1)
    static let boolean = JSONTypes(rawValue: 2)
    static let integer = JSONTypes(rawValue: 4)
    static let number = JSONTypes(rawValue: 8)
    static let string = JSONTypes(rawValue: 16)
    static let array = JSONTypes(rawValue: 32)
    static let object = JSONTypes(rawValue: 64)

    private static let words: [(name: String, type: JSONTypes, expectation: String)] = [
        ("string", .string, "a string"), ("integer", .integer, "a whole number"), ("number", .number, "a number"),
        ("boolean", .boolean, "true or false"), ("array", .array, "a list"), ("object", .object, "an object"),
        ("null", .null, "null"),
    ]

    /// `nil` for a word that is no type.
    init?(name: String) {
        guard let word = Self.words.first(where: { $0.name == name }) else { return nil }
        self = word.type
    }

    /// The names of the types, as `type` lists them.
    var names: [String] { Self.words.filter { contains($0.type) }.map(\.name) }

    /// What a caller should have sent, in words.
    var expectation: String {
        // Whole numbers are numbers; naming both says nothing more.
        let shown = contains(.number) ? subtracting(.integer) : self
        return Self.words.filter { shown.contains($0.type) }.map(\.expectation).joined(separator: " or ")
    }

    /// Numbers may be whole.
    var withIntegers: JSONTypes { contains(.number) ? union(.integer) : self }

    func allows(_ value: JSONValue) -> Bool {
        switch value {
        case .null: contains(.null)
        case .bool: contains(.boolean)
        case .integer: rawValue & 12 != 0
        case .number(let real):
            contains(.number) || (contains(.integer) && real.rounded(.towardZero) == real)
        case .string: contains(.string)
        case .array: contains(.array)
        case .object: contains(.object)
        }
    }
}

/// A compiled schema: all its parts in one list, so that they may refer to each other in circles.
final class SchemaTable: Sendable {
    let nodes: [SchemaNode]
    /// Of each resource, where its `$dynamicAnchor`s are.
    let dynamicAnchors: [[String: Int]]
    /// Some `$dynamicRef` is in it, so the way that an evaluation took matters.
    let isDynamic: Bool
    /// Some schema has a `default`.
    let hasFallbacks: Bool

    init(nodes: [SchemaNode], dynamicAnchors: [[String: Int]], isDynamic: Bool) {
        self.nodes = nodes
        self.dynamicAnchors = dynamicAnchors
        self.isDynamic = isDynamic
        hasFallbacks = nodes.contains { $0.fallback != nil }
    }

    /// Where the schema itself is.
    static let root = 0
}
