import Foundation

/// What is added to a request by whoever vouches for the service, and must not come back.
public struct WebAddition: Sendable {
    /// Win over what the caller says: nobody speaks with another's credential.
    public var headers: [String: String]
    /// Put behind the caller's part of the query.
    public var query: [String: String]
    /// Hides what of this is secret.
    public var veil: SecretVeil

    public init(headers: [String: String] = [:], query: [String: String] = [:], veil: SecretVeil = SecretVeil([])) {
        self.headers = headers
        self.query = query
        self.veil = veil
    }

    /// The path and query with what is added to the query.
    public func target(of request: WebRequestPlan.Request) -> String {
        let added = query.sorted { $0.key < $1.key }
            .map { "\(WebRequestPlan.encoded($0.key))=\(WebRequestPlan.encoded($0.value))" }
        guard !added.isEmpty else { return request.target }
        return request.target + (request.target.contains("?") ? "&" : "?") + added.joined(separator: "&")
    }
}

/// Takes secrets out of what is told to others: plain, in base64, and percent-encoded.
///
/// A service that transforms a secret otherwise and sends it back is not seen through.
public struct SecretVeil: Sendable {
    /// Stands where a secret was.
    public static let mark = "[hidden]"

    /// The longest first, so that no part of one is left behind by another.
    private let words: [String]

    /// - Parameter secrets: what must not be seen; empty texts are nothing.
    public init(_ secrets: [String]) {
        let forms = secrets.filter { !$0.isEmpty }.flatMap { secret in
            [secret, Data(secret.utf8).base64EncodedString(), WebRequestPlan.encoded(secret)]
        }
        words = Set(forms).sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    /// The text without secrets.
    public func hiding(_ text: String) -> String {
        words.reduce(text) { $0.contains($1) ? $0.replacing($1, with: Self.mark) : $0 }
    }

    /// The value without secrets, also in the names of its fields.
    public func hiding(_ value: JSONValue) -> JSONValue {
        if words.isEmpty { return value }
        switch value {
        case .string(let text): return .string(hiding(text))
        case .array(let elements): return .array(elements.map(hiding))
        case .object(let members):
            let hidden = members.map { (hiding($0.key), hiding($0.value)) }
            return .object(Dictionary(hidden, uniquingKeysWith: { first, _ in first }))
        case .null, .bool, .integer, .number: return value
        }
    }

    /// Bytes that are no text without secrets.
    public func hiding(_ bytes: [UInt8]) -> [UInt8] {
        var data = Data(bytes)
        for word in words {
            while let place = data.range(of: Data(word.utf8)) {
                data.replaceSubrange(place, with: Data(repeating: UInt8(ascii: "*"), count: place.count))
                if word.utf8.allSatisfy({ $0 == UInt8(ascii: "*") }) { break }
            }
        }
        return Array(data)
    }

    /// The fault without secrets.
    public func hiding(_ fault: Fault) -> Fault {
        words.isEmpty ? fault : Fault(fault.code, hiding(fault.message), details: fault.details.map(hiding))
    }
}
