public import Foundation
public import Protocol

/// A value that may be an element of an array parameter, such as for `unnest($1::text[])`.
public protocol ArrayElement: Sendable {
    /// The oid of the element's type in Postgres (`SELECT oid FROM pg_type`; the built-in ones never change).
    static var elementType: UInt32 { get }
    /// Appends the value's binary form; `false` (and nothing appended) for NULL.
    func append(to bytes: inout [UInt8]) throws(Fault) -> Bool
    /// A whole array as a parameter.
    static func parameter(of elements: [Self]) throws(Fault) -> Parameter
}

extension ArrayElement {
    /// Binary array: dimensions, has-nulls flag, element type, length, lower bound; then length and bytes of each.
    /// Source: `array_recv` in src/backend/utils/adt/arrayfuncs.c.
    public static func parameter(of elements: [Self]) throws(Fault) -> Parameter {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20 + elements.count * 24)
        bytes.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(0))
        bytes.append(bigEndian: elementType)
        guard !elements.isEmpty else { return .binary(bytes) }
        bytes.append(bigEndian: Int32(elements.count))
        bytes.append(bigEndian: Int32(1))
        for element in elements {
            let lengthAt = bytes.count
            bytes.append(bigEndian: Int32(-1))
            guard try element.append(to: &bytes) else { continue }
            bytes.replace(at: lengthAt, bigEndian: Int32(bytes.count - lengthAt - 4))
        }
        return .binary(bytes)
    }
}

extension Array: Bindable where Element: ArrayElement {
    /// A binary array of the element's type; bytes become bytea.
    public func parameter() throws(Fault) -> Parameter { try Element.parameter(of: self) }
}

extension UInt8: ArrayElement {
    public static var elementType: UInt32 { TypeOID.bytea }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        preconditionFailure("Bytes are bound as one bytea, not as an array")
    }
    /// Bytes are not an array in Postgres but one bytea.
    public static func parameter(of elements: [UInt8]) throws(Fault) -> Parameter { .binary(elements) }
}

extension Array: ArrayElement where Element == UInt8 {
    public static var elementType: UInt32 { TypeOID.bytea }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(contentsOf: self)
        return true
    }
}

extension Optional: ArrayElement where Wrapped: ArrayElement {
    public static var elementType: UInt32 { Wrapped.elementType }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        guard let self else { return false }
        return try self.append(to: &bytes)
    }
}

extension String: ArrayElement {
    public static var elementType: UInt32 { TypeOID.text }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        let begin = bytes.count
        bytes.append(contentsOf: utf8)
        // Every text of every call comes through here: the whole at once, not a byte at a time.
        let isSound = bytes.withUnsafeBytes { all in
            all.baseAddress.map { memchr($0 + begin, 0, all.count - begin) == nil } ?? true
        }
        guard isSound else { throw .invalid("", "Text must not contain the character U+0000; remove it.") }
        return true
    }
}

extension Identifier: ArrayElement {
    public static var elementType: UInt32 { TypeOID.text }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool { try rawValue.append(to: &bytes) }
}

extension Int: ArrayElement {
    public static var elementType: UInt32 { TypeOID.int8 }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(bigEndian: Int64(self))
        return true
    }
}

extension Int64: ArrayElement {
    public static var elementType: UInt32 { TypeOID.int8 }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
}

extension Int32: ArrayElement {
    public static var elementType: UInt32 { TypeOID.int4 }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
}

extension Int16: ArrayElement {
    public static var elementType: UInt32 { TypeOID.int2 }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
}

extension Double: ArrayElement {
    public static var elementType: UInt32 { TypeOID.float8 }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(bigEndian: bitPattern)
        return true
    }
}

extension Bool: ArrayElement {
    public static var elementType: UInt32 { TypeOID.bool }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(self ? 1 : 0)
        return true
    }
}

extension Date: ArrayElement {
    public static var elementType: UInt32 { TypeOID.timestamptz }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(bigEndian: try postgresMicroseconds())
        return true
    }
}

extension Data: ArrayElement {
    public static var elementType: UInt32 { TypeOID.bytea }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(contentsOf: self)
        return true
    }
}

extension JSON: ArrayElement {
    public static var elementType: UInt32 { TypeOID.jsonb }
    /// jsonb's binary form is a version byte, 1, and the text. Source: `jsonb_recv` in jsonb.c.
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(1)
        bytes.append(contentsOf: try self.bytes())
        return true
    }
}

extension JSONText: ArrayElement {
    public static var elementType: UInt32 { TypeOID.jsonb }
    /// As for ``JSON``, without encoding anything.
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool {
        bytes.append(1)
        bytes.append(contentsOf: self.bytes)
        return true
    }
}

extension JSONValue: ArrayElement {
    public static var elementType: UInt32 { TypeOID.jsonb }
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool { try JSON(self).append(to: &bytes) }
}

extension ArrayElement where Self: RawRepresentable, RawValue: ArrayElement {
    /// The raw value's type.
    public static var elementType: UInt32 { RawValue.elementType }
    /// The raw value's bytes.
    public func append(to bytes: inout [UInt8]) throws(Fault) -> Bool { try rawValue.append(to: &bytes) }
}
