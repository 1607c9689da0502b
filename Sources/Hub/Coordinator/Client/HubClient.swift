import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Protocol

/// The hub as seen from a shell: operations by name, over HTTP.
struct HubClient: Sendable {
    let configuration: ClientConfiguration
    private let http: HTTPClient

    /// - Throws: ``CommandFailure`` with exit code 78 if the file of authorities holds no certificates.
    init(_ configuration: ClientConfiguration) throws(CommandFailure) {
        self.configuration = configuration
        var settings = HTTPClient.Configuration()
        // A hub that does not answer is told at once; whoever wants to wait for it asks again.
        settings.connectionPool.retryConnectionEstablishment = false
        if let file = configuration.authorityFile {
            do {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
                settings.tlsConfiguration = tls
            } catch {
                throw .configuration("\(file) holds no PEM certificates.")
            }
        }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    /// Runs a command's deed and lets go of the connections, however it ends; the client is of no use afterwards.
    func closing(_ deed: (HubClient) async throws -> Void) async throws {
        do {
            try await deed(self)
        } catch {
            // There is nothing to be done about a connection that does not end well.
            try? await http.shutdown()
            throw error
        }
        try? await http.shutdown()  // The same.
    }

    /// Runs a query or mutation and answers with its `data`.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for the answer; long polls ask for more.
    ///   - deadline: how long the hub shall try, which then says `TIMEOUT` itself; it is waited for a little longer.
    func call(
        _ operation: String,
        _ input: JSONValue = .object([:]),
        timeout: Duration = .seconds(60),
        deadline: Duration? = nil,
        idempotencyKey: String? = nil,
        target: CallTarget? = nil
    ) async throws(CommandFailure) -> JSONValue {
        var request = request(.POST, "/v1/call/\(operation)", input, to: target, within: deadline)
        if let idempotencyKey { request.headers.add(name: "idempotency-key", value: idempotencyKey) }
        let (status, bytes) = try await send(request, timeout: deadline.map { $0 + Self.patience } ?? timeout)
        guard status == 200 else { throw failure(status, bytes) }
        do {
            let answer: JSONValue = try WireCoder.value(from: bytes)
            return answer["data"] ?? .null
        } catch {
            throw .answered(Fault(.unknown, "The hub's answer cannot be read; is \(configuration.url) a hub?"))
        }
    }

    /// How much later than its deadline a hub may say that it has passed.
    private static let patience = Duration.seconds(10)

    /// Every page of a list as one answer: `{key: [...]}`.
    func pages(
        _ operation: String,
        _ key: String,
        _ input: JSONValue = .object([:])
    ) async throws(CommandFailure) -> JSONValue {
        guard case .object(var input) = input else { return try await call(operation, input) }
        var rows: [JSONValue] = []
        while true {
            let page = try await call(operation, .object(input))
            rows += page[key]?.arrayValue ?? []
            guard let cursor = page["nextCursor"], cursor != .null else { return .object([key: .array(rows)]) }
            input["cursor"] = cursor
        }
    }

    /// Runs a subscription; `receive` gets each value's data and id, and ends it by answering `false`.
    ///
    /// A connection that breaks is taken up again behind the last value, as often as it takes; but not where values
    /// came without an id: asking again would begin anew, and run a program a second time.
    ///
    /// - Parameter deadline: how long it may go on; each connection begins it anew.
    func subscribe(
        _ operation: String,
        _ input: JSONValue,
        target: CallTarget? = nil,
        deadline: Duration? = nil,
        receive: (JSONValue) async throws -> Bool
    ) async throws {
        var lastEventId: String?
        var hasBegun = false
        var backoff = Backoff(first: .milliseconds(200), longest: .seconds(5))
        var generator = SystemRandomNumberGenerator()
        while true {
            do {
                let request = self.request(.POST, "/v1/subscribe/\(operation)", input, to: target, within: deadline)
                let ended = try await stream(request, lastEventId: &lastEventId) { value in
                    backoff.reset()
                    hasBegun = true
                    return try await receive(value)
                }
                if ended { return }
                guard lastEventId != nil || !hasBegun else {
                    throw CommandFailure.unreachable(
                        "The connection broke, and what was followed cannot be taken up again."
                    )
                }
            } catch let failure as CommandFailure where failure.exitCode == 69 && lastEventId != nil {
                // The hub was there a moment ago and will be again: go on where it stopped.
            }
            guard backoff.attempts < 60 else { throw CommandFailure.unreachable("The hub is gone; try again later.") }
            try await Task.sleep(for: backoff.next(using: &generator))
        }
    }

    /// One connection of a subscription; `true` when it came to its end, `false` when it broke off.
    private func stream(
        _ request: HTTPClientRequest,
        lastEventId: inout String?,
        receive: (JSONValue) async throws -> Bool
    ) async throws -> Bool {
        var request = request
        request.headers.add(name: "accept", value: "text/event-stream")
        if let lastEventId { request.headers.add(name: "last-event-id", value: lastEventId) }
        let response = try await execute(request, timeout: .hours(24 * 365))
        guard response.status == .ok else {
            let body = try? await response.body.collect(upTo: Limits.frameBytes)  // An unreadable body is told as such.
            throw failure(response.status.code, body.map { Array($0.readableBytesView) } ?? [])
        }
        var parser = ServerSentEventParser(longest: 8 * Limits.frameBytes)
        do {
            for try await buffer in response.body {
                for event in try parser.feed(buffer.readableBytesView) {
                    if let id = event.id { lastEventId = id }
                    switch event.name {
                    case "completed": return true
                    case "error": throw failure(500, Array(event.data.utf8))
                    default:
                        let value: JSONValue = try WireCoder.value(from: Array(event.data.utf8))
                        if try await receive(value["data"] ?? value) == false { return true }
                    }
                }
            }
            return false
        } catch let fault as Fault {
            throw CommandFailure.answered(fault)
        } catch is HTTPClientError {
            return false
        } catch is ChannelError {
            return false
        } catch is IOError {
            return false
        }
    }

    private func request(
        _ method: HTTPMethod,
        _ path: String,
        _ input: JSONValue,
        to target: CallTarget? = nil,
        within deadline: Duration? = nil
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: configuration.url + path)
        request.method = method
        request.headers.add(name: "authorization", value: "Bearer \(configuration.key)")
        request.headers.add(name: "content-type", value: "application/json")
        if let target, !target.isOpen {
            let text = String(decoding: JSONValue(encoding: target).serialized(), as: UTF8.self)
            request.headers.add(name: "x-target", value: text)
        }
        if let deadline { request.headers.add(name: "x-deadline", value: "\(deadline.milliseconds)ms") }
        request.body = .bytes(ByteBuffer(bytes: WireCoder.bytes(of: input)))
        return request
    }

    private func send(
        _ request: HTTPClientRequest,
        timeout: Duration
    ) async throws(CommandFailure) -> (status: UInt, body: [UInt8]) {
        let response = try await execute(request, timeout: .nanoseconds(timeout.nanoseconds))
        do {
            let body = try await response.body.collect(upTo: 64 << 20)
            return (response.status.code, Array(body.readableBytesView))
        } catch {
            throw .unreachable("The hub at \(configuration.url) hung up before it had answered.")
        }
    }

    private func execute(
        _ request: HTTPClientRequest,
        timeout: TimeAmount
    ) async throws(CommandFailure) -> HTTPClientResponse {
        do {
            return try await http.execute(request, timeout: timeout)
        } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
            throw .unreachable("The hub at \(configuration.url) did not answer in time.")
        } catch is NIOSSLError {
            throw .unreachable(
                "The certificate of \(configuration.url) is not trusted; pass the authority's with --ca-file."
            )
        } catch {
            throw .unreachable("No hub answers at \(configuration.url); check the address and that it runs.")
        }
    }

    private struct Refusal: Decodable { var error: Fault }

    private func failure(_ status: UInt, _ body: [UInt8]) -> CommandFailure {
        // Anything else than the hub's own error comes from something on the way, such as a proxy.
        guard let refusal = try? WireCoder.value(Refusal.self, from: body) else {
            return .answered(Fault(.unknown, "\(configuration.url) answered with status \(status); is that a hub?"))
        }
        return .answered(refusal.error)
    }
}
