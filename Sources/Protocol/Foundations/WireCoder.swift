public import Foundation

/// The one JSON encoder and decoder: camelCase as written in the types, times as ISO-8601 UTC with milliseconds.
public enum WireCoder {
    public static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.wireText)
        }
        return encoder
    }()

    public static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let date = Date(wireText: text) else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: "must be a time such as 2026-01-31T12:00:00.000Z"
                )
            }
            return date
        }
        return decoder
    }()

    /// The value as JSON. Only for values whose encoding cannot fail; the product's own types are such.
    public static func bytes(of value: some Encodable) -> [UInt8] {
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            preconditionFailure("A wire type must always encode: \(error)")
        }
    }

    /// The JSON as a value; a fault that names the field otherwise.
    public static func value<Value: Decodable>(
        _ type: Value.Type = Value.self,
        from bytes: some Sequence<UInt8>
    ) throws(Fault) -> Value {
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw Fault.invalid([error.violation])
        } catch {
            throw Fault(.validation, "The input is not JSON that can be read.")
        }
    }
}

extension Date {
    private static let withFraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private static let withoutFraction = Date.ISO8601FormatStyle()

    /// ISO-8601 UTC with milliseconds, as in `2026-01-31T12:00:00.000Z`.
    public var wireText: String {
        let milliseconds = milliseconds
        guard Self.fourDigitYears.contains(milliseconds) else {
            // Foundation cuts the fraction off instead of rounding it: a quarter of a millisecond more brings each
            // time back to itself.
            return Date(timeIntervalSince1970: (Double(milliseconds) + 0.25) / 1_000).formatted(Self.withFraction)
        }
        return Self.text(of: milliseconds)
    }

    /// From the year 1600 to the end of 9999, in milliseconds since 1970. Before 1582 Foundation's calendar, by which
    /// times are read, is another one.
    private static let fourDigitYears: ClosedRange<Int64> = -11_676_096_000_000...253_402_300_799_999

    /// Days to year, month and day by counting years from March, so that the leap day is a year's last
    /// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func text(of milliseconds: Int64) -> String {
        let dayLength: Int64 = 86_400_000
        let shifted = milliseconds + 719_468 * dayLength
        let (days, rest) = (shifted / dayLength, shifted % dayLength)
        let (era, dayOfEra) = (days / 146_097, days % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        return String(unsafeUninitializedCapacity: 24) { bytes in
            func put(_ number: Int64, _ digits: Int, at place: Int, then mark: Unicode.Scalar) {
                var rest = number
                for digit in (place..<place + digits).reversed() {
                    bytes[digit] = 48 + UInt8(rest % 10)
                    rest /= 10
                }
                bytes[place + digits] = UInt8(ascii: mark)
            }
            put(year, 4, at: 0, then: "-")
            put(month, 2, at: 5, then: "-")
            put(day, 2, at: 8, then: "T")
            put(rest / 3_600_000, 2, at: 11, then: ":")
            put(rest / 60_000 % 60, 2, at: 14, then: ":")
            put(rest / 1_000 % 60, 2, at: 17, then: ".")
            put(rest % 1_000, 3, at: 20, then: "Z")
            return 24
        }
    }

    /// Reads ISO-8601 with or without a fraction of a second; `nil` for anything else.
    public init?(wireText: String) {
        // Either form may be meant; `nil` stands for neither.
        guard let date = (try? Self.withFraction.parse(wireText)) ?? (try? Self.withoutFraction.parse(wireText)) else {
            return nil
        }
        self.init(milliseconds: date.milliseconds)
    }

    /// A time as stored in records: milliseconds since 1970, UTC.
    public init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1_000) }

    /// Milliseconds since 1970, UTC.
    public var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1_000).rounded()) }
}

extension DecodingError {
    /// The field and what is wrong with it, in a caller's words.
    public var violation: Fault.Violation {
        switch self {
        case .keyNotFound(let key, let context):
            .init(path: Self.path(context.codingPath + [key]), message: "is required.")
        case .typeMismatch(let type, let context):
            .init(path: Self.path(context.codingPath), message: "must be \(Self.name(of: type)).")
        case .valueNotFound(let type, let context):
            .init(path: Self.path(context.codingPath), message: "must be \(Self.name(of: type)), not null.")
        case .dataCorrupted(let context):
            .init(path: Self.path(context.codingPath), message: context.debugDescription)
        @unknown default:
            .init(path: "", message: "cannot be read.")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path = path.dotted(key.stringValue)
            }
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch "\(type)" {
        case "String": "a string"
        case "Int", "Int64", "Int32": "a whole number"
        case "Double": "a number"
        case "Bool": "true or false"
        case let name where name.hasPrefix("Array"): "a list"
        case let name where name.hasPrefix("Dictionary"): "an object"
        default: "an object"
        }
    }
}
