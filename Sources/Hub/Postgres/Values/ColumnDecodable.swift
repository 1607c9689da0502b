public import Foundation
public import Protocol

/// A Swift value made from one column of a row. `Optional` reads NULL as `nil`.
public protocol ColumnDecodable: Sendable {
    /// Reads the column's binary form; fails with `EXECUTION_ERROR` if its type is another one.
    init(_ cell: Cell) throws(Fault)
    /// Reads an array of such values; bytes are read from bytea.
    static func array(from cell: Cell) throws(Fault) -> [Self]
}

extension ColumnDecodable {
    /// Reads a one-dimensional array.
    public static func array(from cell: Cell) throws(Fault) -> [Self] {
        var values: [Self] = []
        for element in try cell.elements() { values.append(try Self(element)) }
        return values
    }
}

extension Optional: ColumnDecodable where Wrapped: ColumnDecodable {
    public init(_ cell: Cell) throws(Fault) { self = cell.bytes == nil ? nil : try Wrapped(cell) }
}

extension Optional: RowDecodable where Wrapped: ColumnDecodable {}

extension Array: ColumnDecodable where Element: ColumnDecodable {
    public init(_ cell: Cell) throws(Fault) { self = try Element.array(from: cell) }
}

extension Array: RowDecodable where Element: ColumnDecodable {}

extension UInt8: ColumnDecodable {
    public init(_ cell: Cell) throws(Fault) { throw cell.mismatch("a byte") }
    /// The bytes of a bytea.
    public static func array(from cell: Cell) throws(Fault) -> [UInt8] { [UInt8](try cell.binary(TypeOID.bytea)) }
}

extension Data: ColumnDecodable, RowDecodable {
    public init(_ cell: Cell) throws(Fault) { self.init(try cell.binary(TypeOID.bytea)) }
}

extension String: ColumnDecodable, RowDecodable {
    /// Text of every textual type, enums, json and uuid.
    public init(_ cell: Cell) throws(Fault) { self = try cell.text() }
}

extension Identifier: ColumnDecodable, RowDecodable {
    public init(_ cell: Cell) throws(Fault) { self.init(try cell.text()) }
}

extension UUID: ColumnDecodable, RowDecodable {
    /// From uuid, or from text that is one.
    public init(_ cell: Cell) throws(Fault) {
        guard let uuid = UUID(uuidString: try cell.text()) else { throw cell.mismatch("a UUID") }
        self = uuid
    }
}

extension Int64: ColumnDecodable, RowDecodable {
    public init(_ cell: Cell) throws(Fault) { self = try cell.integer() }
}

extension Int: ColumnDecodable, RowDecodable {
    public init(_ cell: Cell) throws(Fault) { self = Int(try cell.integer()) }
}

extension Int32: ColumnDecodable, RowDecodable {
    /// From int2 and int4; from int8 where the value fits.
    public init(_ cell: Cell) throws(Fault) {
        guard let value = Int32(exactly: try cell.integer()) else { throw cell.mismatch("a number of 32 bits") }
        self = value
    }
}

extension Int16: ColumnDecodable, RowDecodable {
    /// From int2; from wider ones where the value fits.
    public init(_ cell: Cell) throws(Fault) {
        guard let value = Int16(exactly: try cell.integer()) else { throw cell.mismatch("a number of 16 bits") }
        self = value
    }
}

extension Double: ColumnDecodable, RowDecodable {
    /// From float4, float8 and the integers. Numeric has no form here: write `column::float8` or `::text`.
    public init(_ cell: Cell) throws(Fault) {
        switch cell.type {
        case TypeOID.float8: self.init(bitPattern: try cell.binary(TypeOID.float8, count: 8).bigEndian(UInt64.self))
        case TypeOID.float4:
            self.init(Float(bitPattern: try cell.binary(TypeOID.float4, count: 4).bigEndian(UInt32.self)))
        default: self.init(try cell.integer())
        }
    }
}

extension Bool: ColumnDecodable, RowDecodable {
    public init(_ cell: Cell) throws(Fault) { self = try cell.binary(TypeOID.bool, count: 1)[0] != 0 }
}

extension Date: ColumnDecodable, RowDecodable {
    /// From timestamptz; timestamp and date are read as UTC. Infinity is `distantFuture`, -infinity `distantPast`.
    public init(_ cell: Cell) throws(Fault) {
        switch cell.type {
        case TypeOID.timestamp, TypeOID.timestamptz:
            self.init(postgresMicroseconds: try cell.binary(cell.type, count: 8).bigEndian(Int64.self))
        case TypeOID.date:
            let days = try cell.binary(TypeOID.date, count: 4).bigEndian(Int32.self)
            switch days {
            case .max: self = .distantFuture
            case .min: self = .distantPast
            default: self.init(postgresMicroseconds: Int64(days) * 86_400_000_000)
            }
        default: throw cell.mismatch("a time")
        }
    }
}

extension JSONValue: ColumnDecodable, RowDecodable {
    /// From json and jsonb.
    public init(_ cell: Cell) throws(Fault) { self = try WireCoder.value(from: cell.jsonBytes()) }
}

extension ColumnDecodable where Self: RawRepresentable, RawValue: ColumnDecodable {
    /// From the raw value; a text that is none of the cases is a mistake between schema and program.
    public init(_ cell: Cell) throws(Fault) {
        guard let value = Self(rawValue: try RawValue(cell)) else { throw cell.mismatch("one of \(Self.self)") }
        self = value
    }
}
