import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Protocol
import SpokeCore
import Yams

/// A web service whose OpenAPI document makes it operations of this spoke (`openapi:` in `spoke.yaml`).
struct WebServiceClient: Sendable {
    let name: String
    let settings: WebServiceSettings
    let logger: Logger

    /// A service's description.
    static let documentBytes = 4 << 20
    /// One line of a stream of events.
    static let lineBytes = 512 << 10
    /// How long a description may take to come.
    static let patience = Duration.seconds(30)

    /// Finds out what there is, as often as it takes, and offers it. Returns when that is done, or when cancelled.
    func run(found: @Sendable ([SpokeOperations.Entry]) async -> Void) async {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            do throws(Fault) {
                return await found(try await entries())
            } catch {
                logger.warning("web service not offered yet", metadata: ["service": "\(name)", "error": "\(error)"])
            }
            do { try await Task.sleep(for: backoff.next(using: &generator)) } catch { return }
        }
    }

    /// The service's operations, ready to be called.
    func entries() async throws(Fault) -> [SpokeOperations.Entry] {
        let document = try OpenAPIDocument(try await description())
        for reason in document.leftOut {
            logger.notice("operation left out", metadata: ["service": "\(name)", "reason": "\(reason)"])
        }
        guard let server = settings.server ?? document.server, server.hasPrefix("http") else {
            throw Fault(
                .validation,
                "The document of \(name) does not say where the service is; set openapi.\(name).server."
            )
        }
        let base = server.hasSuffix("/") ? String(server.dropLast()) : server
        var headers: [String: String] = [:]
        for (header, file) in settings.headerFiles ?? [:] {
            let secret = String(decoding: try PrivateFile.readSecret(file), as: UTF8.self)
            headers[header] = secret.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        var entries: [SpokeOperations.Entry] = []
        for operation in document.operations {
            let call = WebCall(service: name, base: base, headers: headers, settings: settings, operation: operation)
            do throws(Fault) {
                entries.append(try call.entry())
            } catch {
                logger.notice("operation left out", metadata: ["service": "\(name)", "reason": "\(error.message)"])
            }
        }
        return entries
    }

    private func description() async throws(Fault) -> JSONValue {
        let bytes: [UInt8]
        if let file = settings.file {
            bytes = try PrivateFile.read(file)
        } else {
            let request = HTTPClientRequest(url: settings.url ?? "")
            let response = try await WebCall.execute(request, within: Self.patience)
            guard response.status.code == 200 else {
                throw Fault(.unavailable, "\(settings.url ?? "") answered with status \(response.status.code).")
            }
            bytes = try await WebCall.bytes(of: response, most: Self.documentBytes)
        }
        guard bytes.count <= Self.documentBytes else { throw Fault(.tooLarge, "The document of \(name) is too large.") }
        let first = bytes.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
        if first == UInt8(ascii: "{") { return try JSONValue(parsing: bytes) }
        let node: Node?
        do { node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) } catch {
            throw Fault(.validation, "The document of \(name) is neither JSON nor YAML: \(error)")
        }
        guard let node else { throw Fault(.validation, "The document of \(name) is empty.") }
        return try JSONValue(yaml: node)
    }
}

/// Calls of one operation of a web service.
struct WebCall: Sendable {
    let service: String
    let base: String
    /// With secrets: sent to the service and nowhere else.
    let headers: [String: String]
    let settings: WebServiceSettings
    let operation: WebOperation

    /// What the spoke's table holds of it.
    func entry() throws(Fault) -> SpokeOperations.Entry {
        let input = try SchemaContract(operation.inputSchema, "input of \(service).\(operation.name)")
        let scope = "\(service):\(operation.kind == .query ? "read" : "write")"
        let spec = OperationSpec(
            namespace: service,
            name: operation.name,
            type: operation.kind,
            description: operation.summary,
            tags: ["openapi"],
            inputSchema: operation.inputSchema,
            outputSchema: operation.outputSchema,
            accessControl: AccessControl(requiredScopes: settings.scopes ?? [scope])
        )
        var entry = SpokeOperations.Entry(spec: spec, violations: input.violations(in:))
        if operation.streams {
            entry.streaming = { (input, _, deliver) async throws(Fault) in try await follow(input, deliver) }
        } else {
            entry.answering = { (input, call) async throws(Fault) in try await answer(input, call) }
        }
        return entry
    }

    private func answer(_ input: JSONValue, _ call: SpokeCall) async throws(Fault) -> SpokeAnswer {
        let response = try await begin(input, call.traceparent)
        let bytes = try await Self.bytes(of: response, most: Limits.answerBytesMost)
        let type = response.headers.first(name: "content-type") ?? ""
        return SpokeAnswer(data: Self.value(bytes, type), meta: Self.meta(response, type))
    }

    private func follow(
        _ input: JSONValue,
        _ deliver: @escaping @Sendable (SpokeAnswer) async throws(Fault) -> Void
    ) async throws(Fault) {
        let response = try await begin(input, nil)
        let meta = Self.meta(response, "text/event-stream")
        var lines = LineBuffer(longest: WebServiceClient.lineBytes)
        var event: [String] = []
        do {
            for try await piece in response.body {
                for line in try lines.append(Array(piece.readableBytesView)) {
                    var text = String(decoding: line, as: UTF8.self)
                    if text.hasSuffix("\r") { text.removeLast() }
                    if text.hasPrefix("data:") {
                        event.append(String(text.dropFirst(text.hasPrefix("data: ") ? 6 : 5)))
                    } else if text.isEmpty, !event.isEmpty {
                        let data = Array(event.joined(separator: "\n").utf8)
                        event = []
                        try await deliver(SpokeAnswer(data: Self.value(data, "application/json"), meta: meta))
                    }
                }
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Task.isCancelled
                ? Fault(.aborted, "The consumer left.")
                : Fault(.execution, "The stream of \(service) broke: \(error)")
        }
    }

    /// Sends the request; a bad status is an error with what the service said.
    private func begin(_ input: JSONValue, _ trace: String?) async throws(Fault) -> HTTPClientResponse {
        let wanted = try operation.request(for: input)
        var request = HTTPClientRequest(url: base + wanted.target)
        request.method = HTTPMethod(rawValue: wanted.method)
        request.headers.add(
            name: "accept",
            value: operation.streams ? "text/event-stream" : "application/json, */*;q=0.5"
        )
        for (name, value) in wanted.headers { request.headers.replaceOrAdd(name: name, value: value) }
        // The owner's headers win: no caller speaks with another's credential.
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let trace { request.headers.replaceOrAdd(name: "traceparent", value: trace) }
        if let body = wanted.body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await Self.execute(request, within: .seconds(settings.timeoutSeconds ?? 60))
        guard (200..<300).contains(response.status.code) else {
            // What it says of the error is shown as far as it can be had.
            let said = (try? await Self.bytes(of: response, most: 64 << 10)) ?? []
            throw Fault(
                .execution,
                "\(service) answered with status \(response.status.code).",
                details: [
                    "statusCode": .integer(Int64(response.status.code)),
                    "body": Self.value(said, response.headers.first(name: "content-type") ?? ""),
                ]
            )
        }
        return response
    }

    // MARK: Deeds

    /// No redirect is followed: it would carry a credential to somebody else.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    static func execute(_ request: HTTPClientRequest, within limit: Duration) async throws(Fault) -> HTTPClientResponse
    {
        do {
            return try await client.execute(request, timeout: .milliseconds(limit.milliseconds))
        } catch {
            if Task.isCancelled { throw Fault(.aborted, "The call was aborted.") }
            if let error = error as? HTTPClientError, error == .deadlineExceeded {
                throw Fault(.timeout, "The service did not answer within \(limit.milliseconds / 1_000) s.")
            }
            throw Fault(.unavailable, "The service cannot be reached: \(error)")
        }
    }

    static func bytes(of response: HTTPClientResponse, most: Int) async throws(Fault) -> [UInt8] {
        do {
            return Array(try await response.body.collect(upTo: most).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Fault(.tooLarge, "The service answered with more than \(most) bytes.")
        } catch {
            throw Fault(.unavailable, "The answer of the service broke off: \(error)")
        }
    }

    /// JSON where it is said to be, text otherwise; what is not UTF-8 as base64.
    private static func value(_ bytes: [UInt8], _ type: String) -> JSONValue {
        if bytes.isEmpty { return .null }
        // What is no JSON after all is given as it is.
        if type.contains("json"), let value = try? JSONValue(parsing: bytes) { return value }
        if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
        return ["base64": .string(Data(bytes).base64EncodedString())]
    }

    private static func meta(_ response: HTTPClientResponse, _ type: String) -> [String: JSONValue] {
        let shown = ["etag", "last-modified", "location", "retry-after", "link"].compactMap { name in
            response.headers.first(name: name).map { (name, JSONValue.string($0)) }
        }
        return [
            "source": "http", "statusCode": .integer(Int64(response.status.code)), "contentType": .string(type),
            "headers": .object(Dictionary(shown, uniquingKeysWith: { $1 })),
        ]
    }
}
