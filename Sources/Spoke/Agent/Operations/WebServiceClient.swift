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
    let policy: PolicyFile
    let logger: Logger

    /// A service's description.
    static let documentBytes = 4 << 20
    /// One event of a stream.
    static let eventBytes = 512 << 10
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
        let base = try base(of: document)
        var entries: [SpokeOperations.Entry] = []
        for operation in document.operations {
            let call = WebCall(service: name, base: base, settings: settings, operation: operation, policy: policy)
            do throws(Fault) {
                entries.append(try call.entry())
            } catch {
                logger.notice("operation left out", metadata: ["service": "\(name)", "reason": "\(error.message)"])
            }
        }
        return entries
    }

    /// Where the service is: what the owner says, else what its document says, which may leave the host out.
    ///
    /// - Throws: `VALIDATION_ERROR` also for a document that would have the owner's secrets sent to another host than
    ///   the one it came from.
    func base(of document: OpenAPIDocument) throws(Fault) -> WebAddress {
        let field = "openapi.\(name).server"
        let home = try settings.url.map { (url) throws(Fault) in try WebAddress(url, field: "openapi.\(name).url") }
        if let server = settings.server { return try WebAddress(server, field: field) }
        guard let named = document.server else {
            guard let home else { throw Fault.invalid(field, "is not said by the document; set it.") }
            return try WebAddress(home.origin, field: field)
        }
        if named.isEmpty || named.hasPrefix("/"), let home { return try WebAddress(home.origin + named, field: field) }
        let server = try WebAddress(named, field: field)
        guard settings.headerFiles == nil || home == nil || home?.host == server.host else {
            throw Fault.invalid(field, "is another host than the document's; set it if the secrets are to go there.")
        }
        return server
    }

    private func description() async throws(Fault) -> JSONValue {
        let bytes: [UInt8]
        if let file = settings.file {
            bytes = try PrivateFile.read(file)
        } else {
            let address = try WebAddress(settings.url ?? "", field: "openapi.\(name).url")
            if let objection = try await policy.current().objection(toReach: address) { throw objection }
            let late = Fault(.timeout, "\(address.origin) did not answer within \(Self.patience).")
            bytes = try await Listening(for: Self.patience).bound(otherwise: late) { () async throws(Fault) in
                let response = try await Web.execute(HTTPClientRequest(url: address.text), within: Self.patience)
                guard response.status.code == 200 else {
                    throw Fault(.unavailable, "\(address.origin) answered with status \(response.status.code).")
                }
                return try await Web.bytes(of: response, most: Self.documentBytes)
            }
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
    let base: WebAddress
    let settings: WebServiceSettings
    let operation: WebOperation
    let policy: PolicyFile

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
        let limit = limit
        let late = Fault(.timeout, "\(service) did not answer within \(limit.milliseconds / 1_000) s.")
        return try await Listening(for: limit).bound(otherwise: late) { () async throws(Fault) in
            let response = try await begin(input, call.traceparent)
            let bytes = try await Web.bytes(of: response, most: Limits.answerBytesMost)
            let type = response.headers.first(name: "content-type") ?? ""
            return SpokeAnswer(data: Self.value(bytes, type), meta: Self.meta(response, type))
        }
    }

    private func follow(
        _ input: JSONValue,
        _ deliver: @escaping @Sendable (SpokeAnswer) async throws(Fault) -> Void
    ) async throws(Fault) {
        let response = try await begin(input, nil)
        let meta = Self.meta(response, "text/event-stream")
        var events = ServerSentEventParser(longest: WebServiceClient.eventBytes)
        do {
            for try await piece in response.body {
                for event in try events.feed(piece.readableBytesView) where !event.data.isEmpty {
                    let data = Self.value(Array(event.data.utf8), "application/json")
                    try await deliver(SpokeAnswer(data: data, meta: meta))
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
        if let objection = try await policy.current().objection(toReach: base) { throw objection }
        let wanted = try operation.request(for: input)
        let root = base.text.hasSuffix("/") ? String(base.text.dropLast()) : base.text
        var request = HTTPClientRequest(url: root + wanted.target)
        request.method = HTTPMethod(rawValue: wanted.method)
        request.headers.add(
            name: "accept",
            value: operation.streams ? "text/event-stream" : "application/json, */*;q=0.5"
        )
        for (name, value) in wanted.headers { request.headers.replaceOrAdd(name: name, value: value) }
        // The owner's headers win: no caller speaks with another's credential.
        for (name, value) in try OwnHeaders.read(nil, settings.headerFiles) {
            request.headers.replaceOrAdd(name: name, value: value)
        }
        if let trace { request.headers.replaceOrAdd(name: "traceparent", value: trace) }
        if let body = wanted.body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await Web.execute(request, within: limit)
        guard (200..<300).contains(response.status.code) else {
            // What it says of the error is shown as far as it can be had.
            let said = (try? await Web.bytes(of: response, most: Web.refusalBytes)) ?? []
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

    private var limit: Duration { .seconds(settings.timeoutSeconds ?? 60) }

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
