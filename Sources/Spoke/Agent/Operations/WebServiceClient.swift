import AsyncHTTPClient
import Foundation
import Logging
import Protocol
import SpokeCore
import WebTransport

/// A web service whose OpenAPI document makes it operations of this spoke (`openapi:` in `spoke.yaml`).
struct WebServiceClient: Sendable {
    let name: String
    let settings: WebServiceSettings
    let policy: PolicyFile
    let logger: Logger

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
        let document = try WebDocument(try WebDocument.value(parsing: try await description(), of: name))
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

    /// Where the service is; a document does not decide who gets the owner's secrets.
    func base(of document: WebDocument) throws(Fault) -> WebAddress {
        try document.base(
            server: settings.server,
            home: try settings.url.map { (url) throws(Fault) in try WebAddress(url, field: "openapi.\(name).url") },
            carriesSecrets: settings.headerFiles != nil,
            field: "openapi.\(name).server"
        )
    }

    private func description() async throws(Fault) -> [UInt8] {
        if let file = settings.file { return try PrivateFile.read(file) }
        let address = try WebAddress(settings.url ?? "", field: "openapi.\(name).url")
        if let objection = try await policy.current().objection(toReach: address) { throw objection }
        return try await WebDocument.text(from: address)
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
        let answer = try await exchange.answer(input, with: try await addition(), trace: call.traceparent)
        return SpokeAnswer(data: answer.data, meta: answer.meta)
    }

    private func follow(
        _ input: JSONValue,
        _ deliver: @escaping @Sendable (SpokeAnswer) async throws(Fault) -> Void
    ) async throws(Fault) {
        try await exchange.follow(input, with: try await addition(), trace: nil) { (answer, _) async throws(Fault) in
            try await deliver(SpokeAnswer(data: answer.data, meta: answer.meta))
        }
    }

    /// The owner's headers, if the owner's policy lets the call out. What they hold is hidden by the spoke's redactor.
    private func addition() async throws(Fault) -> WebAddition {
        if let objection = try await policy.current().objection(toReach: base) { throw objection }
        return WebAddition(headers: try OwnHeaders.read(nil, settings.headerFiles))
    }

    private var exchange: WebExchange {
        WebExchange(
            service,
            at: base.text,
            operation.plan,
            within: .seconds(settings.timeoutSeconds ?? 60),
            answerBytes: Limits.answerBytesMost
        )
    }
}
