/// One operation of a web service, as its OpenAPI document describes it: what it takes, and the request that it is.
public struct WebOperation: Hashable, Sendable {
    /// The second part of the operation's name.
    public let name: String
    public let summary: String
    public private(set) var inputSchema: JSONValue
    public let outputSchema: JSONValue
    /// How an input becomes a request.
    public private(set) var plan: WebRequestPlan

    init(name: String, summary: String, inputSchema: JSONValue, outputSchema: JSONValue, plan: WebRequestPlan) {
        self.name = name
        self.summary = summary
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.plan = plan
    }

    /// Whether it answers with server-sent events.
    public var streams: Bool { plan.streams }

    /// GET asks, everything else changes, and a stream of events is followed.
    public var kind: OperationKind { streams ? .subscription : plan.method == "GET" ? .query : .mutation }

    /// The request for an input that fits the schema.
    ///
    /// - Throws: as ``WebRequestPlan/request(for:)``.
    public func request(for input: JSONValue) throws(Fault) -> WebRequestPlan.Request { try plan.request(for: input) }

    /// The same operation without a field that is somebody else's to fill: the place of a credential.
    public func withholding(_ field: String, in place: WebRequestPlan.Place) -> WebOperation {
        let named = plan.parameters.filter {
            $0.place == place
                && (place == .header ? $0.name.lowercased() == field.lowercased() : $0.name == field)
        }.map(\.name)
        guard !named.isEmpty, case .object(var schema) = inputSchema else { return self }
        if case .object(let properties)? = schema["properties"] {
            schema["properties"] = .object(properties.filter { !named.contains($0.key) })
        }
        schema["required"] = .array(
            (schema["required"]?.arrayValue ?? []).filter { !named.contains($0.stringValue ?? "") }
        )
        var other = self
        other.inputSchema = .object(schema)
        other.plan.parameters.removeAll { named.contains($0.name) }
        return other
    }
}

/// How the input of an operation becomes a request to a web service.
public struct WebRequestPlan: Codable, Hashable, Sendable {
    /// Where a field of the input goes.
    public enum Place: String, Codable, Hashable, Sendable { case path, query, header }

    struct Parameter: Codable, Hashable, Sendable {
        var name: String
        var place: Place
        var isRequired: Bool
    }

    /// A request without its server.
    public struct Request: Hashable, Sendable {
        public var method: String
        /// Path and query, percent-encoded, beginning with `/`.
        public var target: String
        public var headers: [String: String]
        public var body: [UInt8]?
    }

    public let method: String
    let template: String
    var parameters: [Parameter]
    let takesBody: Bool
    /// The body's media type where it is not `application/json`.
    var bodyType: String?
    /// Whether it is answered with server-sent events.
    public let streams: Bool

    /// The field of the input that holds the request's body.
    public static let body = "body"

    /// The request for an input that fits the schema.
    ///
    /// - Throws: `VALIDATION_ERROR` for a value that cannot stand where it must.
    public func request(for input: JSONValue) throws(Fault) -> Request {
        var path = template
        var query: [String] = []
        var headers: [String: String] = [:]
        for parameter in parameters {
            guard let value = input[parameter.name], value != .null else {
                guard !parameter.isRequired else { throw Fault.invalid(parameter.name, "is required.") }
                continue
            }
            switch parameter.place {
            case .path:
                let text = try Self.text(value, parameter.name)
                guard !text.isEmpty, text != ".", text != ".." else {
                    throw Fault.invalid(parameter.name, "must be a name in a path, not “\(text)”.")
                }
                path = path.replacing("{\(parameter.name)}", with: Self.encoded(text))
            case .query:
                for element in value.arrayValue ?? [value] {
                    query.append(
                        "\(Self.encoded(parameter.name))=\(Self.encoded(try Self.text(element, parameter.name)))"
                    )
                }
            case .header:
                let text = try Self.text(value, parameter.name)
                guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value > 0x7E }) else {
                    throw Fault.invalid(parameter.name, "must be printable ASCII to be a header.")
                }
                headers[parameter.name] = text
            }
        }
        var bytes: [UInt8]?
        if takesBody, let value = input[Self.body] {
            bytes = value.serialized()
            headers["content-type"] = bodyType ?? "application/json"
        }
        let target = query.isEmpty ? path : path + "?" + query.joined(separator: "&")
        return Request(method: method, target: target, headers: headers, body: bytes)
    }

    private static func text(_ value: JSONValue, _ field: String) throws(Fault) -> String {
        switch value {
        case .string(let text): return text
        case .integer(let number): return "\(number)"
        case .number(let number): return "\(number)"
        case .bool(let flag): return flag ? "true" : "false"
        case .array, .object, .null: throw Fault.invalid(field, "must be a text, a number, true or false.")
        }
    }

    /// Everything but what RFC 3986 calls unreserved as `%XX`: no value leaves its place.
    static func encoded(_ text: String) -> String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        return text.utf8.map { byte in
            if plain.contains(byte) { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" + digits : digits)
        }.joined()
    }
}
