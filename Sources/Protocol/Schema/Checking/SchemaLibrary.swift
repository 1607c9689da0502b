/// The documents that a schema is made of, and the names by which their parts refer to each other.
struct SchemaLibrary {
    /// Where a schema stands: the tokens of a JSON pointer into one of the documents.
    struct Place: Hashable {
        var document: Int
        var pointer: [String]

        func below(_ tokens: String...) -> Place { Place(document: document, pointer: pointer + tokens) }
    }

    /// A schema with an `$id` of its own, or a whole document.
    struct Resource {
        var uri: URIReference
        var root: Place
        var dialect: String?
        var anchors: [String: Place] = [:]
        var dynamicAnchors: Set<String> = []
    }

    /// Something that a reference was expected to lead to and does not.
    struct Missing: Error {
        let sentence: String
    }

    private let resolver: @Sendable (String) -> JSONValue?
    private var documents: [JSONValue] = []
    private(set) var resources: [Resource] = []
    private var named: [URIReference: Int] = [:]
    /// The resource of each place that is known to hold a schema.
    private var homes: [Place: Int] = [:]

    /// It has more schemas than are compiled; the names of those beyond are not known.
    private(set) var isTooLarge = false

    init(resolver: @escaping @Sendable (String) -> JSONValue?) { self.resolver = resolver }

    /// Takes a document in and finds the names in it.
    mutating func add(_ document: JSONValue, as uri: String) -> Place {
        let root = Place(document: documents.count, pointer: [])
        documents.append(document)
        let base = URIReference(uri).resource
        let id = document["$id"]?.stringValue.map { URIReference($0).resolved(against: base).resource }
        let home = resources.count
        resources.append(Resource(uri: id ?? base, root: root, dialect: document["$schema"]?.stringValue))
        for name in [base, id ?? base] where named[name] == nil { named[name] = home }
        index(document, at: root, in: home, isRoot: true)
        return root
    }

    /// The resource that a schema belongs to.
    func resource(of place: Place) -> Int { homes[place] ?? 0 }

    func value(at place: Place) -> JSONValue? { Self.value(in: documents[place.document], at: place.pointer[...]) }

    // MARK: References

    /// Where a reference leads from a resource, and the plain name that it ends in, if it does.
    mutating func target(of text: String, from resource: Int) throws(Missing) -> (place: Place, anchor: String?) {
        let uri = URIReference(text).resolved(against: resources[resource].uri)
        let home = try home(of: uri.resource, written: text)
        guard let fragment = uri.fragment.flatMap(URIReference.unescaped) else {
            guard uri.fragment == nil else { throw Missing(sentence: "is no URI reference.") }
            return (resources[home].root, nil)
        }
        if fragment.isEmpty { return (resources[home].root, nil) }
        guard fragment.hasPrefix("/") else {
            guard let place = resources[home].anchors[fragment] else {
                throw Missing(sentence: "refers to “\(text)”, and there is no anchor “\(fragment)”.")
            }
            return (place, fragment)
        }
        var place = resources[home].root
        place.pointer += Self.tokens(of: fragment)
        switch value(at: place) {
        case .object?, .bool?: break
        case nil, .null?, .integer?, .number?, .string?, .array?:
            throw Missing(sentence: "refers to “\(text)”, and there is no schema there.")
        }
        if homes[place] == nil { adopt(place) }
        return (place, nil)
    }

    /// Whether the anchor of a resource is one that others may stand in for.
    func isDynamic(_ anchor: String, in place: Place) -> Bool {
        resources[resource(of: place)].dynamicAnchors.contains(anchor)
    }

    private mutating func home(of uri: URIReference, written text: String) throws(Missing) -> Int {
        if let known = named[uri] { return known }
        let name = uri.description
        guard let document = Metaschemas.document(name) ?? resolver(name) else {
            throw Missing(sentence: "refers to “\(text)”, which is not known here; put it into $defs.")
        }
        _ = add(document, as: name)
        return named[uri] ?? 0
    }

    // MARK: Finding the names

    /// A schema where none was expected belongs to the nearest known one around it.
    private mutating func adopt(_ place: Place) {
        guard let schema = value(at: place) else { return }
        var around = place
        while homes[around] == nil, !around.pointer.isEmpty { around.pointer.removeLast() }
        index(schema, at: place, in: homes[around] ?? 0, isRoot: false)
    }

    private mutating func index(_ schema: JSONValue, at place: Place, in resource: Int, isRoot: Bool) {
        var home = resource
        if !isRoot, let id = schema["$id"]?.stringValue {
            let uri = URIReference(id).resolved(against: resources[resource].uri).resource
            home = resources.count
            let dialect = schema["$schema"]?.stringValue ?? resources[resource].dialect
            resources.append(Resource(uri: uri, root: place, dialect: dialect))
            if named[uri] == nil { named[uri] = home }
        }
        homes[place] = home
        guard homes.count <= Limits.schemaNodes else {
            isTooLarge = true
            return
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            guard let name = schema[keyword]?.stringValue else { continue }
            if resources[home].anchors[name] == nil { resources[home].anchors[name] = place }
            if keyword == "$dynamicAnchor" { resources[home].dynamicAnchors.insert(name) }
        }
        guard case .object(let members) = schema else { return }
        for (keyword, value) in members {
            switch (SchemaCompiler.children[keyword], value) {
            case (.one?, _): index(value, at: place.below(keyword), in: home, isRoot: false)
            case (.list?, .array(let elements)):
                for (number, element) in elements.enumerated() {
                    index(element, at: place.below(keyword, "\(number)"), in: home, isRoot: false)
                }
            case (.map?, .object(let entries)):
                for (name, entry) in entries {
                    index(entry, at: place.below(keyword, name), in: home, isRoot: false)
                }
            case (nil, _), (.list?, _), (.map?, _): continue
            }
        }
    }

    /// What a fragment that is a JSON pointer leads to, or the whole for none.
    static func value(in document: JSONValue, atFragment fragment: Substring) -> JSONValue? {
        guard let pointer = URIReference.unescaped(String(fragment)) else { return nil }
        if pointer.isEmpty { return document }
        guard pointer.hasPrefix("/") else { return nil }
        return value(in: document, at: tokens(of: pointer)[...])
    }

    private static func tokens(of pointer: String) -> [String] {
        pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(unescaped)
    }

    private static func value(in value: JSONValue, at pointer: ArraySlice<String>) -> JSONValue? {
        guard let token = pointer.first else { return value }
        switch value {
        case .object(let members):
            return members[token].flatMap { Self.value(in: $0, at: pointer.dropFirst()) }
        case .array(let elements):
            guard let number = Int(token), elements.indices.contains(number), "\(number)" == token else { return nil }
            return Self.value(in: elements[number], at: pointer.dropFirst())
        case .null, .bool, .integer, .number, .string: return nil
        }
    }

    private static func unescaped(_ token: Substring) -> String {
        guard token.contains("~") else { return String(token) }
        // “~01” is “~1”, not “/”: the slash goes first.
        return token.split(separator: "~1", omittingEmptySubsequences: false)
            .map { $0.split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~") }
            .joined(separator: "/")
    }
}
