public import Foundation
public import Protocol

/// A Swift value that can stand for `$1`, `$2`, … in a statement.
///
/// | Swift | Postgres |
/// |---|---|
/// | `String`, `Identifier`, `UUID`, enums with text | any type that reads the text: text, uuid, inet, interval, … |
/// | `Int`, `Int16`, `Int32`, `Int64`, `Double`, `Bool` | any type that reads the number or the truth value |
/// | `Date` | timestamptz, in microseconds |
/// | `[UInt8]`, `Data` | bytea |
/// | `JSONValue`, `JSON(…)`, `JSONText(…)` | jsonb, json |
/// | `[String]` | text[] |
/// | `[Int]`, `[Int64]` / `[Int32]` / `[Int16]` | int8[] / int4[] / int2[]: write `$1::int8[]` |
/// | `[Bool]`, `[Double]`, `[Date]`, `[[UInt8]]`, `[JSON]` | bool[], float8[], timestamptz[], bytea[], jsonb[] |
///
/// Elements of arrays may be optional; `nil` is NULL. An enum with raw values conforms with one empty extension.
public protocol Bindable: Sendable {
    /// The value as it goes over the wire. Fails with `VALIDATION_ERROR` for what Postgres cannot hold.
    func parameter() throws(Fault) -> Parameter
}

/// One value in the form in which Postgres takes it.
public struct Parameter: Sendable, Hashable {
    enum Form: Sendable, Hashable {
        case null
        case text(String)
        case binary([UInt8])
    }

    let form: Form

    static let null = Parameter(form: .null)

    /// Text that the parameter's type reads. Fails for text with a NUL, which Postgres cannot hold.
    static func text(_ text: String) throws(Fault) -> Parameter {
        guard !text.utf8.contains(0) else {
            throw .invalid("", "Text must not contain the character U+0000; remove it.")
        }
        return Parameter(form: .text(text))
    }

    static func binary(_ bytes: [UInt8]) -> Parameter { Parameter(form: .binary(bytes)) }
}

extension String: Bindable {
    /// The text itself.
    public func parameter() throws(Fault) -> Parameter { try .text(self) }
}

extension Int: Bindable {
    /// In decimal.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(description)) }
}

extension Int16: Bindable {
    /// In decimal.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(description)) }
}

extension Int32: Bindable {
    /// In decimal.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(description)) }
}

extension Int64: Bindable {
    /// In decimal.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(description)) }
}

extension Double: Bindable {
    /// The shortest text that reads back as the same number.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(description)) }
}

extension Bool: Bindable {
    /// `true` or `false`.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(self ? "true" : "false")) }
}

extension UUID: Bindable {
    /// In lower case, as Postgres prints it.
    public func parameter() throws(Fault) -> Parameter { Parameter(form: .text(uuidString.lowercased())) }
}

extension Data: Bindable {
    /// The bytes.
    public func parameter() throws(Fault) -> Parameter { .binary([UInt8](self)) }
}

extension Date: Bindable {
    /// Microseconds since 2000-01-01 00:00 UTC.
    public func parameter() throws(Fault) -> Parameter { .binary(.bigEndian(try postgresMicroseconds())) }
}

extension Identifier: Bindable {
    /// The id's text.
    public func parameter() throws(Fault) -> Parameter { try .text(rawValue) }
}

extension JSONValue: Bindable {
    /// The JSON text, keys sorted.
    public func parameter() throws(Fault) -> Parameter { try JSON(self).parameter() }
}

extension Bindable where Self: RawRepresentable, RawValue: Bindable {
    /// The raw value's parameter.
    public func parameter() throws(Fault) -> Parameter { try rawValue.parameter() }
}

/// JSON that was written already, as jsonb: its bytes go as they are. The server refuses what is no JSON.
public struct JSONText: Bindable {
    let bytes: [UInt8]

    /// UTF-8 that is one JSON value.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The text itself.
    public func parameter() throws(Fault) -> Parameter { try .text(String(decoding: bytes, as: UTF8.self)) }
}

/// Any `Encodable` value as jsonb, written with the product's one JSON encoder.
public struct JSON: Bindable {
    private let value: any Encodable & Sendable

    /// Encodes when the statement is sent.
    public init(_ value: some Encodable & Sendable) { self.value = value }

    /// The JSON text.
    func bytes() throws(Fault) -> [UInt8] {
        do {
            return [UInt8](try WireCoder.encoder.encode(value))
        } catch {
            throw Fault(.validation, "The value cannot be written as JSON; look for a number that is not finite.")
        }
    }

    /// The JSON text.
    public func parameter() throws(Fault) -> Parameter { try .text(String(decoding: try bytes(), as: UTF8.self)) }
}
