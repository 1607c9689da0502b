/// What a decoder was asked for. A class, because `Decoder`'s containers are handed out by value; one probe on one
/// thread writes it, and it never leaves that probe.
final class ProbeNotes {
    var shape = SchemaShape.object([])

    func property(_ name: String, _ shape: SchemaShape, isRequired: Bool) {
        guard case .object(var properties) = self.shape, !properties.contains(where: { $0.name == name }) else {
            return
        }
        properties.append(SchemaShape.Property(name: name, shape: shape, isRequired: isRequired))
        self.shape = .object(properties)
    }
}

/// A decoder without data that notes what is asked for and answers with placeholders.
struct ProbeDecoder: Decoder {
    let probe: Probe
    let notes: ProbeNotes
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(ProbeKeyedContainer(probe: probe, notes: notes))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw ProbeRefusal(reason: "it decodes a list by hand")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        ProbeSingleContainer(probe: probe, notes: notes)
    }
}

struct ProbeSingleContainer: SingleValueDecodingContainer {
    let probe: Probe
    let notes: ProbeNotes
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (shape, value) = try probe.value(of: type)
        notes.shape = shape
        return value
    }
}

struct ProbeKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let probe: Probe
    let notes: ProbeNotes
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let (shape, value) = try probe.value(of: type)
        let isOptional = type is any ExpressibleByNilLiteral.Type && type != JSONValue.self
        notes.property(key.stringValue, shape, isRequired: !isOptional)
        return value
    }

    private func note<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
        notes.property(key.stringValue, try probe.value(of: type).shape, isRequired: false)
        return nil
    }

    // The standard library's own forms would ask `decode` and lose that the property is optional.
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try note(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try note(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try note(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try note(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try note(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try note(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try note(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try note(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try note(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try note(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try note(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try note(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try note(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try note(type, key) }
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try note(type, key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw ProbeRefusal(reason: "it decodes \(key.stringValue) by hand")
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw ProbeRefusal(reason: "it decodes \(key.stringValue) by hand")
    }

    func superDecoder() throws -> any Decoder { throw ProbeRefusal(reason: "it decodes a superclass") }
    func superDecoder(forKey key: Key) throws -> any Decoder { try superDecoder() }
}
