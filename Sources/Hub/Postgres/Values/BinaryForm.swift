import Foundation
import Protocol

/// The built-in types this client knows in binary. Source: src/include/catalog/pg_type.dat; the numbers never change.
enum TypeOID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let oid: UInt32 = 26
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let date: UInt32 = 1_082
    static let timestamp: UInt32 = 1_114
    static let timestamptz: UInt32 = 1_184
    static let numeric: UInt32 = 1_700
    static let uuid: UInt32 = 2_950
    static let jsonb: UInt32 = 3_802
    /// name, bpchar, varchar, "char" and unknown: their binary form is their text.
    static let textual: Set<UInt32> = [18, 19, 25, 705, 1_042, 1_043]
    /// Types of extensions and enums start here (`FirstNormalObjectId`); enums and citext are text in binary.
    static let firstOfUser: UInt32 = 16_384
}

extension [UInt8] {
    static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: number)
        return bytes
    }

    mutating func append(bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }

    mutating func replace(at index: Int, bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { source in
            for (offset, byte) in source.enumerated() { self[index + offset] = byte }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The number at an offset, which the caller has checked to be inside.
    func bigEndian<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int = 0) -> Number {
        Number(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension Date {
    /// 2000-01-01, where Postgres counts from, lies this many microseconds before 2001-01-01, where Foundation does.
    private static let epochsApart: Int64 = 366 * 86_400 * 1_000_000
    /// What Postgres can hold: 4714-11-24 BC to 294276-12-31 AD (`MIN_TIMESTAMP`, `END_TIMESTAMP` in timestamp.h).
    private static let postgresRange: Range<Int64> = -211_813_488_000_000_000..<9_223_371_331_200_000_000

    /// Microseconds since 2000-01-01 00:00 UTC; `distantFuture` and `distantPast` are infinity and -infinity.
    func postgresMicroseconds() throws(Fault) -> Int64 {
        if self == .distantFuture { return .max }
        if self == .distantPast { return .min }
        let counted = (timeIntervalSinceReferenceDate * 1_000_000).rounded()
        guard let sinceReference = Int64(exactly: counted) else { throw Self.beyond }
        let (microseconds, overflow) = sinceReference.addingReportingOverflow(Self.epochsApart)
        guard !overflow, Self.postgresRange.contains(microseconds) else { throw Self.beyond }
        return microseconds
    }

    init(postgresMicroseconds microseconds: Int64) {
        switch microseconds {
        case .max: self = .distantFuture
        case .min: self = .distantPast
        default: self.init(timeIntervalSinceReferenceDate: Double(microseconds - Self.epochsApart) / 1_000_000)
        }
    }

    private static var beyond: Fault {
        .invalid("", "A time must lie between 4714 BC and 294276 AD.")
    }
}
