import Foundation

extension SchemaShape {
    /// Everything that is wrong with a value, with the path of each: wrong types, missing and unknown properties.
    /// At most ``Limits/violations``.
    public func violations(in value: JSONValue) -> [Fault.Violation] {
        var found: [Fault.Violation] = []
        collect(in: value, at: "", into: &found)
        return found
    }

    private func collect(in value: JSONValue, at path: String, into found: inout [Fault.Violation]) {
        guard found.count < Limits.violations else { return }
        switch (self, value) {
        case (.any, _), (.string, .string), (.integer, .integer), (.number, .integer), (.number, .number),
            (.boolean, .bool):
            return
        case (.integer, .number(let number)) where Int64(exactly: number) != nil:
            return
        case (.dateTime, .string(let text)) where Date(wireText: text) != nil:
            return
        case (.bytes, .string(let text)) where Data(base64Encoded: text) != nil:
            return
        case (.oneOf(let values), .string(let text)) where values.contains(text):
            return
        case (.array(let element), .array(let values)):
            for (index, value) in values.enumerated() {
                element.collect(in: value, at: "\(path)[\(index)]", into: &found)
            }
        case (.dictionary(let shape), .object(let members)):
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                shape.collect(in: value, at: path.dotted(name), into: &found)
            }
        case (.object(let properties), .object(let members)):
            Self.collect(properties, in: members, at: path, into: &found)
        case (.string, _), (.dateTime, _), (.bytes, _), (.integer, _), (.number, _), (.boolean, _), (.oneOf, _),
            (.array, _), (.dictionary, _), (.object, _):
            found.append(Fault.Violation(path: path, message: "must be \(expectation)."))
        }
    }

    private static func collect(
        _ properties: [Property],
        in members: [String: JSONValue],
        at path: String,
        into found: inout [Fault.Violation]
    ) {
        for property in properties {
            let here = path.dotted(property.name)
            switch members[property.name] {
            case nil where property.isRequired:
                found.append(Fault.Violation(path: here, message: "is required."))
            case .null? where property.isRequired && property.shape != .any:
                found.append(Fault.Violation(path: here, message: "must be \(property.shape.expectation), not null."))
            case nil, .null?:
                continue
            case let value?:
                property.shape.collect(in: value, at: here, into: &found)
            }
        }
        let known = Set(properties.map(\.name))
        let unknown = members.keys.filter { !known.contains($0) }.sorted()
        for name in unknown.prefix(Limits.violations - min(found.count, Limits.violations)) {
            let names = properties.map(\.name).joined(separator: ", ")
            let hint = names.isEmpty ? "there are no fields here" : "known here: \(names)"
            found.append(Fault.Violation(path: path.dotted(name), message: "is not a known field; \(hint)."))
        }
    }

    /// What a caller should have sent, in words.
    private var expectation: String {
        switch self {
        case .any: "anything"
        case .string: "a string"
        case .dateTime: "a time such as 2026-01-31T12:00:00.000Z"
        case .bytes: "bytes as base64"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .oneOf(let values): "one of \(values.joined(separator: ", "))"
        case .array: "a list"
        case .dictionary, .object: "an object"
        }
    }
}
