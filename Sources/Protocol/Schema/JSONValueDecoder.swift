import Foundation

extension JSONValue {
    /// This JSON as a value of a type. Times are ISO-8601, as ``WireCoder`` writes them.
    ///
    /// - Throws: `VALIDATION_ERROR` that names the first field that does not fit.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws(Fault) -> Value {
        do {
            return try JSONValueDecoder(value: self, codingPath: []).decode(type)
        } catch let error as DecodingError {
            throw Fault.invalid([error.violation])
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.validation, "The input cannot be read.")
        }
    }

    /// A value as JSON. Only for types whose encoding cannot fail; the product's own are such.
    public init(encoding value: some Encodable) {
        do {
            self = try WireCoder.decoder.decode(JSONValue.self, from: try WireCoder.encoder.encode(value))
        } catch {
            preconditionFailure("A wire type must always encode: \(error)")
        }
    }
}

/// Reads a type from JSON that is parsed already, without writing it out as text first.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else { throw mismatch([String: JSONValue].self) }
        return KeyedDecodingContainer(KeyedValues(members: members, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = value else { throw mismatch([JSONValue].self) }
        return ValueList(elements: elements, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func mismatch(_ type: any Any.Type) -> DecodingError {
        .typeMismatch(type, DecodingError.Context(codingPath: codingPath, debugDescription: ""))
    }

    func corrupted(_ text: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: text))
    }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value == .null }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let leaf = try leaf(type) {
            guard let value = leaf as? Value else { throw mismatch(type) }
            return value
        }
        do {
            return try Value(from: self)
        } catch let error as DecodingError {
            throw named(error, type)
        }
    }

    /// The value of a type that JSON has a form for; `nil` if the type is made of others.
    private func leaf<Value: Decodable>(_ type: Value.Type) throws -> Any? {
        switch type {
        case is JSONValue.Type: return value
        case is String.Type:
            guard case .string(let text) = value else { throw mismatch(type) }
            return text
        case is Bool.Type:
            guard case .bool(let truth) = value else { throw mismatch(type) }
            return truth
        case is Double.Type: return try number(type)
        case is Float.Type: return Float(try number(type))
        case is Date.Type:
            guard case .string(let text) = value, let date = Date(wireText: text) else {
                throw corrupted("must be a time such as 2026-01-31T12:00:00.000Z.")
            }
            return date
        case is Data.Type:
            guard case .string(let text) = value, let data = Data(base64Encoded: text) else {
                throw corrupted("must be bytes as base64.")
            }
            return data
        case let type as any FixedWidthInteger.Type: return try integer(type)
        default: return nil
        }
    }

    private func number(_ type: any Any.Type) throws -> Double {
        switch value {
        case .number(let number): number
        case .integer(let integer): Double(integer)
        case .null, .bool, .string, .array, .object: throw mismatch(Double.self)
        }
    }

    private func integer<Whole: FixedWidthInteger>(_ type: Whole.Type) throws -> Any {
        let whole: Int64? =
            switch value {
            case .integer(let integer): integer
            case .number(let number): Int64(exactly: number)
            case .null, .bool, .string, .array, .object: nil
            }
        guard let whole else { throw mismatch(Int.self) }
        guard let fitting = Whole(exactly: whole) else {
            throw corrupted("must be between \(Whole.min) and \(Whole.max).")
        }
        return fitting
    }

    /// A string enum's own error speaks of Swift types; a caller wants to know what is allowed.
    private func named<Value>(_ error: DecodingError, _ type: Value.Type) -> DecodingError {
        guard case .dataCorrupted = error, let choices = (type as? any CaseIterable.Type)?.listing else { return error }
        return corrupted("must be one of \(choices).")
    }
}

extension CaseIterable {
    fileprivate static var listing: String {
        allCases.map { ($0 as? any RawRepresentable).map { "\($0.rawValue)" } ?? "\($0)" }.joined(separator: ", ")
    }
}

private struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: [String: JSONValue]
    let codingPath: [any CodingKey]
    var allKeys: [Key] { members.keys.compactMap(Key.init(stringValue:)) }

    func contains(_ key: Key) -> Bool { members[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoder(key).decode(type)
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }
    func superDecoder() throws -> any Decoder { JSONValueDecoder(value: .object(members), codingPath: codingPath) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }

    private func decoder(_ key: Key) throws -> JSONValueDecoder {
        guard let value = members[key.stringValue] else {
            throw DecodingError.keyNotFound(
                key,
                DecodingError.Context(codingPath: codingPath, debugDescription: "is required.")
            )
        }
        return JSONValueDecoder(value: value, codingPath: codingPath + [key])
    }
}

private struct ValueList: UnkeyedDecodingContainer {
    let elements: [JSONValue]
    let codingPath: [any CodingKey]
    var currentIndex = 0
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard try element().decodeNil() else { return false }
        currentIndex += 1
        return true
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try element().decode(type)
        currentIndex += 1
        return value
    }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder().container(keyedBy: type)
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try superDecoder().unkeyedContainer()
    }
    mutating func superDecoder() throws -> any Decoder {
        let decoder = try element()
        currentIndex += 1
        return decoder
    }

    private func element() throws -> JSONValueDecoder {
        let key = Index(intValue: currentIndex)
        guard currentIndex < elements.count else {
            throw DecodingError.valueNotFound(
                JSONValue.self,
                DecodingError.Context(codingPath: codingPath + [key], debugDescription: "is missing.")
            )
        }
        return JSONValueDecoder(value: elements[currentIndex], codingPath: codingPath + [key])
    }

    private struct Index: CodingKey {
        let intValue: Int?
        var stringValue: String { intValue.map(String.init) ?? "" }
        init(intValue: Int) { self.intValue = intValue }
        init?(stringValue: String) { nil }
    }
}
