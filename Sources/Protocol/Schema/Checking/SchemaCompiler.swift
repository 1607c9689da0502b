/// Turns the text of a schema and of all that it refers to into one table.
struct SchemaCompiler {
    /// What stands under a keyword that holds schemas.
    enum Children {
        case one, list, map
    }

    /// Every keyword that holds schemas.
    static let children: [String: Children] = [
        "additionalProperties": .one, "unevaluatedProperties": .one, "unevaluatedItems": .one, "items": .one,
        "contains": .one, "not": .one, "if": .one, "then": .one, "else": .one, "propertyNames": .one,
        "contentSchema": .one, "allOf": .list, "anyOf": .list, "oneOf": .list, "prefixItems": .list,
        "properties": .map, "patternProperties": .map, "$defs": .map, "definitions": .map, "dependentSchemas": .map,
    ]

    private let options: JSONSchema.Options
    var library: SchemaLibrary
    private var numbers: [SchemaLibrary.Place: Int] = [:]
    /// In the order of their numbers.
    private var places: [SchemaLibrary.Place] = []
    private var nodes: [SchemaNode] = []
    private var vocabularies: [Int: Vocabularies] = [:]
    var isDynamic = false
    /// What keeps the schema from being compiled.
    private var violations: [Fault.Violation] = []

    static func table(of schema: JSONValue, _ options: JSONSchema.Options) throws(Fault) -> SchemaTable {
        var compiler = SchemaCompiler(options: options, library: SchemaLibrary(resolver: options.resolver))
        return try compiler.compile(schema)
    }

    private init(options: JSONSchema.Options, library: SchemaLibrary) {
        self.options = options
        self.library = library
    }

    private mutating func compile(_ schema: JSONValue) throws(Fault) -> SchemaTable {
        _ = number(of: library.add(schema, as: options.uri))
        try compileWaiting()
        var anchors: [[String: Int]] = []
        if isDynamic {
            // What stands in for an anchor may not be reached otherwise; compiling it may load more resources.
            while anchors.count < library.resources.count {
                let resource = library.resources[anchors.count]
                var found: [String: Int] = [:]
                for name in resource.dynamicAnchors.sorted() {
                    found[name] = resource.anchors[name].map { number(of: $0) }
                }
                anchors.append(found)
                try compileWaiting()
            }
        }
        for node in SchemaCircles(nodes).found.prefix(Limits.violations) {
            note("refers to itself without going into the value, so it would never end.", at: places[node])
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        return SchemaTable(nodes: nodes, dynamicAnchors: anchors, isDynamic: isDynamic)
    }

    private mutating func compileWaiting() throws(Fault) {
        while nodes.count < places.count {
            guard places.count <= Limits.schemaNodes, !library.isTooLarge else {
                throw Fault(.tooLarge, "A schema may have \(Limits.schemaNodes) parts; split the operation.")
            }
            guard violations.count < Limits.violations else { throw .invalid(violations) }
            nodes.append(node(at: places[nodes.count]))
        }
    }

    /// The number of the schema at a place, which is compiled in its turn.
    mutating func number(of place: SchemaLibrary.Place) -> Int {
        if let known = numbers[place] { return known }
        numbers[place] = places.count
        places.append(place)
        return places.count - 1
    }

    /// Says what is wrong with a schema, or a keyword of it.
    mutating func note(_ message: String, at place: SchemaLibrary.Place) {
        var path = options.path
        for token in place.pointer { path = Int(token) == nil ? path.dotted(token) : "\(path)[\(token)]" }
        violations.append(Fault.Violation(path: path, message: message))
    }

    private mutating func node(at place: SchemaLibrary.Place) -> SchemaNode {
        let resource = library.resource(of: place)
        switch library.value(at: place) {
        case .object(let members)?:
            return node(of: members, at: place, in: resource, vocabularies(of: resource, at: place))
        case .bool(false)?: return .refusal(in: resource)
        case nil, .null?, .bool(true)?, .integer?, .number?, .string?, .array?: return SchemaNode(resource: resource)
        }
    }

    private mutating func vocabularies(of resource: Int, at place: SchemaLibrary.Place) -> Vocabularies {
        if let known = vocabularies[resource] { return known }
        vocabularies[resource] = .standard
        if let uri = library.resources[resource].dialect, uri != JSONSchema.dialect,
            let metaschema = Metaschemas.document(uri) ?? options.resolver(uri)
        {
            do throws(Vocabularies.Unknown) {
                vocabularies[resource] = try Vocabularies(declaredBy: metaschema)
            } catch {
                note("needs the vocabulary “\(error.uri)”, which is not known here.", at: place.below("$schema"))
            }
        }
        if options.assertsFormats { vocabularies[resource]?.insert(.formatAssertion) }
        return vocabularies[resource] ?? .standard
    }
}

/// Schemas that apply themselves to the same value again.
struct SchemaCircles {
    /// The first schema of each circle that was met.
    private(set) var found: [Int] = []

    init(_ nodes: [SchemaNode]) {
        var states = [UInt8](repeating: 0, count: nodes.count)
        for start in nodes.indices where states[start] == 0 {
            var path: [(node: Int, next: ArraySlice<Int>)] = [(start, nodes[start].sameValue[...])]
            states[start] = 1
            while let last = path.indices.last {
                guard let child = path[last].next.popFirst() else {
                    states[path[last].node] = 2
                    path.removeLast()
                    continue
                }
                if states[child] == 1 { found.append(child) }
                guard states[child] == 0 else { continue }
                states[child] = 1
                path.append((child, nodes[child].sameValue[...]))
            }
        }
    }
}

extension SchemaNode {
    /// The schemas that it applies to the value itself. What `$dynamicRef` leads to is known only while checking.
    fileprivate var sameValue: [Int] {
        keywords.flatMap { keyword -> [Int] in
            switch keyword {
            case .allOf(let schemas), .anyOf(let schemas), .oneOf(let schemas): schemas
            case .not(let schema), .reference(let schema): [schema]
            case .condition(let test, let then, let otherwise): [test] + [then, otherwise].compactMap(\.self)
            case .dependentSchemas(let entries): entries.map(\.schema)
            default: []
            }
        }
    }
}
