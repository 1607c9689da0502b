/// What a Swift type looks like as JSON: enough to print its JSON Schema and to find what is wrong with an input.
public indirect enum SchemaShape: Hashable, Sendable {
    /// Anything at all.
    case any
    case string
    /// ISO-8601 UTC.
    case dateTime
    /// Bytes as base64.
    case bytes
    case integer
    case number
    case boolean
    /// One of these strings.
    case oneOf([String])
    case array(SchemaShape)
    /// An object with keys of any name, all values alike.
    case dictionary(SchemaShape)
    case object([Property])

    /// One property of an object.
    public struct Property: Hashable, Sendable {
        public var name: String
        public var shape: SchemaShape
        public var isRequired: Bool
        public var description: String?

        public init(name: String, shape: SchemaShape, isRequired: Bool, description: String? = nil) {
            self.name = name
            self.shape = shape
            self.isRequired = isRequired
            self.description = description
        }
    }

    /// The JSON Schema 2020-12 of this shape.
    /// - Parameter closed: whether an object refuses properties that it does not name, at every depth.
    public func schema(closed: Bool, examples: [JSONValue] = []) -> JSONValue {
        var members = keywords(closed: closed)
        members["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        if !examples.isEmpty { members["examples"] = .array(examples) }
        return .object(members)
    }

    private func keywords(closed: Bool) -> [String: JSONValue] {
        switch self {
        case .any: [:]
        case .string: ["type": "string"]
        case .dateTime: ["type": "string", "format": "date-time"]
        case .bytes: ["type": "string", "contentEncoding": "base64"]
        case .integer: ["type": "integer"]
        case .number: ["type": "number"]
        case .boolean: ["type": "boolean"]
        case .oneOf(let values): ["type": "string", "enum": .array(values.map(JSONValue.string))]
        case .array(let element): ["type": "array", "items": element.nested(closed: closed)]
        case .dictionary(let value): ["type": "object", "additionalProperties": value.nested(closed: closed)]
        case .object(let properties): Self.keywords(of: properties, closed: closed)
        }
    }

    /// `true` is the schema of anything; the top level alone must be an object to carry `$schema`.
    private func nested(closed: Bool) -> JSONValue { self == .any ? true : .object(keywords(closed: closed)) }

    private static func keywords(of properties: [Property], closed: Bool) -> [String: JSONValue] {
        var schemas: [String: JSONValue] = [:]
        for property in properties {
            var members = property.shape.keywords(closed: closed)
            if let description = property.description { members["description"] = .string(description) }
            schemas[property.name] = members.isEmpty ? true : .object(members)
        }
        let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
        var members: [String: JSONValue] = ["type": "object", "properties": .object(schemas)]
        if !required.isEmpty { members["required"] = .array(required) }
        if closed { members["additionalProperties"] = false }
        return members
    }
}

extension SchemaShape {
    /// Gives the property at a dotted path its description. Lists and dictionaries on the way are passed through.
    /// - Returns: whether there is such a property.
    mutating func describe(_ path: ArraySlice<Substring>, _ text: String) -> Bool {
        switch self {
        case .array(var element):
            let found = element.describe(path, text)
            self = .array(element)
            return found
        case .dictionary(var value):
            let found = value.describe(path, text)
            self = .dictionary(value)
            return found
        case .object(var properties):
            guard let name = path.first, let index = properties.firstIndex(where: { $0.name == name }) else {
                return false
            }
            var found = true
            if path.count == 1 {
                properties[index].description = text
            } else {
                found = properties[index].shape.describe(path.dropFirst(), text)
            }
            self = .object(properties)
            return found
        case .any, .string, .dateTime, .bytes, .integer, .number, .boolean, .oneOf:
            return false
        }
    }

    /// The paths of all properties that nobody described, for the test that wants none.
    public func undescribed(below path: String = "") -> [String] {
        switch self {
        case .array(let element): element.undescribed(below: path)
        case .dictionary(let value): value.undescribed(below: path)
        case .object(let properties):
            properties.flatMap { property -> [String] in
                let here = path.isEmpty ? property.name : "\(path).\(property.name)"
                return (property.description == nil ? [here] : []) + property.shape.undescribed(below: here)
            }
        case .any, .string, .dateTime, .bytes, .integer, .number, .boolean, .oneOf: []
        }
    }
}
