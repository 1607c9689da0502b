import Foundation

/// A type whose JSON is not what its stored properties suggest, and which therefore says its shape itself.
public protocol SchemaProviding: Decodable {
    /// What its JSON looks like.
    static var shape: SchemaShape { get }
    /// Some value, handed to the initialiser of whatever contains it while that is being probed.
    static var placeholder: Self { get }
}

/// Finds a type's shape by decoding it from a decoder that has no data but takes notes of what it is asked for.
///
/// Names, types and optionality come from the type itself, so that a schema cannot drift from what is decoded.
/// It knows structs, optionals, arrays, dictionaries and sets, string enums that are `CaseIterable`, `Date`, `Data`,
/// ``Identifier`` and ``JSONValue``; whatever else decodes in a way of its own must be ``SchemaProviding``.
public enum SchemaProbe {
    /// The shape of a type with all its descriptions.
    ///
    /// A type that cannot be probed is a mistake of ours, found by the first test that lists the operations.
    public static func shape<Subject: Decodable>(of type: Subject.Type) -> SchemaShape {
        do {
            return try Probe(ancestors: []).value(of: type).shape
        } catch {
            preconditionFailure("\(type) must be SchemaProviding, its decoder asks for real data: \(error)")
        }
    }

    /// The paths in `fields` of a type for which it has no property.
    public static func strayDescriptions(of type: (some Decodable & Described).Type) -> [String] {
        var shape = shape(of: type)
        return type.fields.keys.filter { !shape.describe($0.split(separator: ".")[...], "") }.sorted()
    }
}

/// One step of a probe: which types are being probed around this one.
struct Probe {
    var ancestors: [ObjectIdentifier]

    func value<Subject: Decodable>(of type: Subject.Type) throws -> (shape: SchemaShape, value: Subject) {
        if let known = try known(type) { return known }
        guard !ancestors.contains(ObjectIdentifier(type)) else {
            throw ProbeRefusal(reason: "\(type) contains itself outside a list or dictionary")
        }
        let notes = ProbeNotes()
        let inner = Probe(ancestors: ancestors + [ObjectIdentifier(type)])
        let value = try Subject(from: ProbeDecoder(probe: inner, notes: notes))
        var shape = notes.shape
        if let described = type as? any Described.Type {
            for (path, text) in described.fields {
                _ = shape.describe(path.split(separator: ".")[...], text)
            }
        }
        return (shape, value)
    }

    private func known<Subject>(_ type: Subject.Type) throws -> (shape: SchemaShape, value: Subject)? {
        func answer(_ shape: SchemaShape, _ value: Any) -> (shape: SchemaShape, value: Subject)? {
            (value as? Subject).map { (shape, $0) }
        }
        switch type {
        case is String.Type: return answer(.string, "")
        case is Bool.Type: return answer(.boolean, false)
        case is Double.Type: return answer(.number, Double.zero)
        case is Float.Type: return answer(.number, Float.zero)
        case is Date.Type: return answer(.dateTime, Date(timeIntervalSince1970: 0))
        case is Data.Type: return answer(.bytes, Data())
        case is JSONValue.Type: return answer(.any, JSONValue.null)
        case let type as any SchemaProviding.Type: return answer(type.shape, type.placeholder)
        case let type as any FixedWidthInteger.Type: return answer(.integer, type.zeroValue)
        case let type as any ProbedContainer.Type:
            let (shape, value) = try type.probed(by: self)
            return answer(shape, value)
        case let type as any (CaseIterable & RawRepresentable).Type:
            guard let choice = Self.choice(of: type) else { return nil }
            return answer(choice.shape, choice.first)
        default: return nil
        }
    }

    private static func choice<Choice: CaseIterable & RawRepresentable>(
        of type: Choice.Type
    ) -> (shape: SchemaShape, first: Any)? {
        let names = type.allCases.compactMap { $0.rawValue as? String }
        guard let first = type.allCases.first, !names.isEmpty else { return nil }
        return (.oneOf(names), first)
    }
}

extension FixedWidthInteger {
    fileprivate static var zeroValue: Self { 0 }
}

/// A type that holds others: probed by the type it holds, because an empty one would not tell.
private protocol ProbedContainer {
    static func probed(by probe: Probe) throws -> (shape: SchemaShape, value: Any)
}

extension Probe {
    /// The shape of what a list or dictionary holds. There, a type may hold itself: the inner one is shown as anything.
    fileprivate func shape<Element>(ofElement type: Element.Type) throws -> SchemaShape {
        guard let decodable = type as? any Decodable.Type else {
            throw ProbeRefusal(reason: "\(type) is not Decodable")
        }
        return ancestors.contains(ObjectIdentifier(type)) ? .any : try value(of: decodable).shape
    }
}

extension Array: ProbedContainer {
    fileprivate static func probed(by probe: Probe) throws -> (shape: SchemaShape, value: Any) {
        (.array(try probe.shape(ofElement: Element.self)), Self())
    }
}

extension Set: ProbedContainer {
    fileprivate static func probed(by probe: Probe) throws -> (shape: SchemaShape, value: Any) {
        (.array(try probe.shape(ofElement: Element.self)), Self())
    }
}

extension Dictionary: ProbedContainer {
    fileprivate static func probed(by probe: Probe) throws -> (shape: SchemaShape, value: Any) {
        guard Key.self == String.self else {
            throw ProbeRefusal(reason: "keys of \(Self.self) are not strings, so it is no JSON object")
        }
        return (.dictionary(try probe.shape(ofElement: Value.self)), Self())
    }
}

extension Optional: ProbedContainer {
    fileprivate static func probed(by probe: Probe) throws -> (shape: SchemaShape, value: Any) {
        (try probe.shape(ofElement: Wrapped.self), Self.none as Any)
    }
}

/// Why a type cannot be probed.
struct ProbeRefusal: Error {
    let reason: String
}
