public import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
public import Protocol
import Yams

/// What a web service answered, or one event of its stream.
public struct WebAnswer: Sendable {
    public let data: JSONValue
    /// What belongs into the envelope's `meta` (calls.md): `source` `http`, status, type, some headers.
    public let meta: [String: JSONValue]
}

/// Calls of one operation of a web service.
public struct WebExchange: Sendable {
    /// Sends a request within a time and answers with the head of its response.
    public typealias Sending =
        @Sendable (HTTPClientRequest, Duration) async throws(Fault) -> HTTPClientResponse

    /// One event of a stream.
    public static let eventBytes = 512 << 10

    private let service: String
    private let base: String
    private let plan: WebRequestPlan
    private let limit: Duration
    private let answerBytes: Int
    private let send: Sending

    /// - Parameters:
    ///   - service: How faults call it.
    ///   - base: Where it is, without a query.
    ///   - limit: How long an answer, or the beginning of a stream, may take.
    ///   - answerBytes: What is read of one answer.
    public init(
        _ service: String,
        at base: String,
        _ plan: WebRequestPlan,
        within limit: Duration,
        answerBytes: Int,
        sending send: @escaping Sending = { (request, limit) async throws(Fault) in
            try await Web.execute(request, within: limit)
        }
    ) {
        self.service = service
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.plan = plan
        self.limit = limit
        self.answerBytes = answerBytes
        self.send = send
    }

    /// One request and its answer.
    ///
    /// - Throws: `TIMEOUT`, `ABORTED` when the task is cancelled, `UNAVAILABLE` for a service that cannot be reached,
    ///   `TOO_LARGE`, `EXECUTION_ERROR` for a status that is no success, with what the service said in `details`.
    public func answer(_ input: JSONValue, with addition: WebAddition, trace: String?) async throws(Fault) -> WebAnswer
    {
        let late = Fault(.timeout, "\(service) did not answer within \(limit.spoken).")
        do throws(Fault) {
            return try await Listening(for: limit).bound(otherwise: late) { () async throws(Fault) in
                let response = try await begin(input, addition, trace)
                let bytes = try await Web.bytes(of: response, most: answerBytes)
                let type = response.headers.first(name: "content-type") ?? ""
                return WebAnswer(
                    data: Self.value(bytes, type, addition.veil),
                    meta: Self.meta(response, type, addition.veil)
                )
            }
        } catch {
            throw addition.veil.hiding(error)
        }
    }

    /// Follows a stream of events to its end; `deliver` holds it back.
    ///
    /// - Throws: as ``answer(_:with:trace:)``; `EXECUTION_ERROR` for a stream that breaks; what `deliver`
    ///   throws.
    public func follow(
        _ input: JSONValue,
        with addition: WebAddition,
        trace: String?,
        deliver: (WebAnswer, _ eventId: String?) async throws(Fault) -> Void
    ) async throws(Fault) {
        do throws(Fault) {
            let response = try await begin(input, addition, trace)
            let meta = Self.meta(response, "text/event-stream", addition.veil)
            try await read(response) { (event) async throws(Fault) in
                let data = Self.value(Array(event.data.utf8), "application/json", addition.veil)
                try await deliver(WebAnswer(data: data, meta: meta), event.id)
            }
        } catch {
            throw addition.veil.hiding(error)
        }
    }

    private func read(
        _ response: HTTPClientResponse,
        _ take: (ServerSentEvent) async throws(Fault) -> Void
    ) async throws(Fault) {
        var events = ServerSentEventParser(longest: Self.eventBytes)
        do {
            for try await piece in response.body {
                for event in try events.feed(piece.readableBytesView) where !event.data.isEmpty {
                    try await take(event)
                }
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Task.isCancelled
                ? Fault(.aborted, "The consumer left.")
                : Fault(.execution, "The stream of \(service) broke: \(WebTrouble.reason(error)).")
        }
    }

    /// Sends the request; a bad status is an error with what the service said.
    private func begin(
        _ input: JSONValue,
        _ addition: WebAddition,
        _ trace: String?
    ) async throws(Fault) -> HTTPClientResponse {
        let wanted = try plan.request(for: input)
        var request = HTTPClientRequest(url: base + addition.target(of: wanted))
        request.method = HTTPMethod(rawValue: wanted.method)
        request.headers.add(
            name: "accept",
            value: plan.streams ? "text/event-stream" : "application/json, */*;q=0.5"
        )
        for (name, value) in wanted.headers { request.headers.replaceOrAdd(name: name, value: value) }
        for (name, value) in addition.headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let trace { request.headers.replaceOrAdd(name: "traceparent", value: trace) }
        if let body = wanted.body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await send(request, limit)
        guard (200..<300).contains(response.status.code) else {
            // What it says of the error is shown as far as it can be had.
            let said = (try? await Web.bytes(of: response, most: Web.refusalBytes)) ?? []
            throw Fault(
                .execution,
                "\(service) answered with status \(response.status.code).",
                details: [
                    "statusCode": .integer(Int64(response.status.code)),
                    "body": Self.value(said, response.headers.first(name: "content-type") ?? "", addition.veil),
                ]
            )
        }
        return response
    }

    /// JSON where it is said to be, text otherwise; what is not UTF-8 as base64.
    private static func value(_ bytes: [UInt8], _ type: String, _ veil: SecretVeil) -> JSONValue {
        if bytes.isEmpty { return .null }
        // What is no JSON after all is given as it is.
        if type.contains("json"), let value = try? JSONValue(parsing: bytes) { return veil.hiding(value) }
        if let text = String(validating: bytes, as: UTF8.self) { return .string(veil.hiding(text)) }
        return ["base64": .string(Data(veil.hiding(bytes)).base64EncodedString())]
    }

    private static func meta(
        _ response: HTTPClientResponse,
        _ type: String,
        _ veil: SecretVeil
    ) -> [String: JSONValue] {
        let shown = ["etag", "last-modified", "location", "retry-after", "link"].compactMap { name in
            response.headers.first(name: name).map { (name, JSONValue.string(veil.hiding($0))) }
        }
        return [
            "source": "http", "statusCode": .integer(Int64(response.status.code)), "contentType": .string(type),
            "headers": .object(Dictionary(shown, uniquingKeysWith: { $1 })),
        ]
    }
}

extension WebDocument {
    /// A service's description: what is read of it at most.
    public static let bytesMost = 4 << 20
    /// The same for YAML, whose values take much more memory than their text.
    public static let yamlBytesMost = 1 << 20
    /// How long a description may take to come.
    public static let patience = Duration.seconds(30)

    /// The text of a description, from where it is.
    ///
    /// - Throws: `UNAVAILABLE` for a service that is away or answers with something else than 200, `TIMEOUT`,
    ///   `TOO_LARGE`.
    public static func text(
        from address: WebAddress,
        sending send: @escaping WebExchange.Sending = { (request, limit) async throws(Fault) in
            try await Web.execute(request, within: limit)
        }
    ) async throws(Fault) -> [UInt8] {
        let late = Fault(.timeout, "\(address.origin) did not answer within \(patience.spoken).")
        return try await Listening(for: patience).bound(otherwise: late) { () async throws(Fault) in
            let response = try await send(HTTPClientRequest(url: address.text), patience)
            guard response.status.code == 200 else {
                throw Fault(.unavailable, "\(address.origin) answered with status \(response.status.code).")
            }
            return try await Web.bytes(of: response, most: bytesMost)
        }
    }

    /// Reads a description that is JSON or YAML.
    ///
    /// - Throws: `TOO_LARGE`; `VALIDATION_ERROR` for what is neither.
    public static func value(parsing bytes: [UInt8], of service: String) throws(Fault) -> JSONValue {
        guard bytes.count <= bytesMost else { throw Fault(.tooLarge, "The document of \(service) is too large.") }
        let first = bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
        if first == UInt8(ascii: "{") { return try JSONValue(parsing: bytes) }
        guard bytes.count <= yamlBytesMost else {
            throw Fault(.tooLarge, "The document of \(service) is too large for YAML; give it as JSON.")
        }
        let node: Node?
        do { node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) } catch {
            throw Fault(.validation, "The document of \(service) is neither JSON nor YAML: \(error)")
        }
        guard let node else { throw Fault(.validation, "The document of \(service) is empty.") }
        return try JSONValue(yaml: node)
    }
}
