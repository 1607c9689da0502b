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
    ///
    /// Foundation cuts the fraction off instead of rounding it, and half of all milliseconds lie just below themselves
    /// as a `Double`: a quarter of a millisecond more brings each back to itself.
    public var wireText: String {
        Date(timeIntervalSince1970: (Double(milliseconds) + 0.25) / 1_000).formatted(Self.withFraction)
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
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
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
