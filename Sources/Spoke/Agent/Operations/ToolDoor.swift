import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol
import SpokeCore
import WebTransport

/// A conversation that a server of tools began with us (MCP, “Session Management”).
struct ToolSession: Hashable, Sendable {
    /// The server's name for it; `nil` for a server that keeps none.
    let id: String?
    let version: MCPVersion
    /// Counts the conversations with one server.
    let number: Int
}

/// Carries single messages to a server of tools over streamable HTTP, and what it answers back (MCP, “Transports”).
struct ToolDoor: Sendable {
    let name: String
    let server: ToolServer
    let address: WebAddress
    let policy: PolicyFile

    /// What came of a request.
    enum Reply: Sendable {
        /// The whole message that answers it, and the session that the server began with it.
        case answer(JSONValue, sessionId: String?)
        /// The server does not know the session any more, and did nothing.
        case sessionGone
    }

    /// How listening to a server ended.
    enum Listened: Sendable {
        /// It has nothing to say by itself.
        case notOffered
        /// The stream is over; it may be taken up again after a while.
        case over(after: Duration)
        case sessionGone
    }

    /// Takes what a server says besides the answer.
    typealias Hearing = @Sendable (JSONValue) async -> Void

    /// How often an answer's stream that broke is taken up again.
    static let resumptionsMost = 8
    /// How long a word that nobody answers may take.
    static let patience = Duration.seconds(5)
    private static let sessionIdBytes = 1_024
    /// Longer than any call lasts: what bounds the time is around this.
    private static let ever = Duration.seconds(2 * 86_400)

    /// Asks and waits for the answer, which comes alone or in a stream. A cancelled task hangs up.
    ///
    /// - Throws: `EXECUTION_ERROR` for a refusal, `UNAVAILABLE` for a server that is not there or breaks off,
    ///   `TOO_LARGE`, `ACCESS_DENIED` by the policy, `ABORTED`.
    func exchange(
        _ message: JSONValue,
        id: Int64,
        in session: ToolSession?,
        trace: String? = nil,
        hear: Hearing
    ) async throws(Fault) -> Reply {
        var response = try await send(message, in: session, trace: trace, within: Self.ever)
        var parser = ServerSentEventParser(longest: ToolTalk.messageBytes)
        var resumptions = 0
        while true {
            if try await isGone(response, session) { return .sessionGone }
            let sessionId = try Self.sessionId(of: response)
            if let answer = try await answer(to: id, in: response, &parser, hear) {
                return .answer(answer, sessionId: sessionId)
            }
            // Cut off: a server that numbers its events has kept the rest.
            guard let session, let last = parser.lastEventId, resumptions < Self.resumptionsMost else {
                throw Fault(.unavailable, "The tool server \(name) hung up before it had answered.")
            }
            resumptions += 1
            try await Self.pause(Self.wait(of: parser))
            response = try await Web.execute(try await get(in: session, after: last), within: Self.ever)
        }
    }

    /// Says something that is not answered.
    func tell(_ message: JSONValue, in session: ToolSession) async throws(Fault) {
        let response = try await send(message, in: session, trace: nil, within: Self.patience)
        _ = try await isGone(response, session)
        _ = try await Web.bytes(of: response, most: Web.refusalBytes)
    }

    /// Listens to what the server says by itself, until the stream ends.
    ///
    /// - Parameter lastEventId: where an earlier stream ended; where this one ended afterwards.
    func listen(
        in session: ToolSession,
        after lastEventId: inout String?,
        hear: Hearing
    ) async throws(Fault) -> Listened {
        let request = try await get(in: session, after: lastEventId)
        let response = try await Web.execute(request, within: ToolTalk.patience)
        if response.status.code == 405 { return .notOffered }
        if try await isGone(response, session) { return .sessionGone }
        guard Web.isStream(response) else { return .notOffered }
        var parser = ServerSentEventParser(longest: ToolTalk.messageBytes)
        _ = try await read(response, &parser) { message in
            await hear(message)
            return false
        }
        lastEventId = parser.lastEventId ?? lastEventId
        return .over(after: Self.wait(of: parser))
    }

    /// Has the server forget the session. It may not want to; then it forgets by itself.
    func leave(_ session: ToolSession) async {
        guard session.id != nil else { return }
        // Only politeness.
        guard let request = try? await request(.DELETE, in: session) else { return }
        _ = try? await Web.execute(request, within: .seconds(2))
    }
}

// MARK: - What is sent

extension ToolDoor {
    private func send(
        _ message: JSONValue,
        in session: ToolSession?,
        trace: String?,
        within limit: Duration
    ) async throws(Fault) -> HTTPClientResponse {
        var request = try await request(.POST, in: session)
        request.headers.replaceOrAdd(name: "accept", value: "application/json, text/event-stream")
        request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        if let trace { request.headers.replaceOrAdd(name: "traceparent", value: trace) }
        request.body = .bytes(ByteBuffer(bytes: message.serialized()))
        return try await Web.execute(request, within: limit)
    }

    private func get(in session: ToolSession, after lastEventId: String?) async throws(Fault) -> HTTPClientRequest {
        var request = try await request(.GET, in: session)
        request.headers.replaceOrAdd(name: "accept", value: "text/event-stream")
        if let lastEventId, WebHeaders.flaw(ofValue: lastEventId) == nil {
            request.headers.replaceOrAdd(name: "last-event-id", value: lastEventId)
        }
        return request
    }

    /// Every request passes here: the owner's policy judges it, and the credentials are read for it.
    private func request(_ method: HTTPMethod, in session: ToolSession?) async throws(Fault) -> HTTPClientRequest {
        if let objection = try await policy.current().objection(toReach: address) { throw objection }
        var request = HTTPClientRequest(url: address.text)
        request.method = method
        for (name, value) in try OwnHeaders.read(server.headers, server.headerFiles) {
            request.headers.replaceOrAdd(name: name, value: value)
        }
        if let session {
            request.headers.replaceOrAdd(name: "mcp-protocol-version", value: session.version.rawValue)
            if let id = session.id { request.headers.replaceOrAdd(name: "mcp-session-id", value: id) }
        }
        return request
    }
}

// MARK: - What is heard

extension ToolDoor {
    /// What the response holds for the request of this id; `nil` for a stream that ended without.
    private func answer(
        to id: Int64,
        in response: HTTPClientResponse,
        _ parser: inout ServerSentEventParser,
        _ hear: Hearing
    ) async throws(Fault) -> JSONValue? {
        if Web.isStream(response) {
            return try await read(response, &parser) { message in
                if Self.isAnswer(message, to: id) { return true }
                await hear(message)
                return false
            }
        }
        let bytes = try await Web.bytes(of: response, most: ToolTalk.messageBytes)
        let whole: JSONValue
        do throws(Fault) { whole = try JSONValue(parsing: bytes) } catch {
            throw Fault(.execution, "The tool server \(name) answered with something else than JSON.")
        }
        for message in whole.arrayValue ?? [whole] {
            if Self.isAnswer(message, to: id) { return message }
            await hear(message)
        }
        throw Fault(.execution, "The tool server \(name) answered something else than it was asked.")
    }

    /// Reads a stream until a message is the one; answers that one, or `nil` when the stream ended or broke.
    private func read(
        _ response: HTTPClientResponse,
        _ parser: inout ServerSentEventParser,
        until isWanted: (JSONValue) async -> Bool
    ) async throws(Fault) -> JSONValue? {
        do {
            for try await piece in response.body {
                for event in try parser.feed(piece.readableBytesView) where event.name == "message" {
                    // What is no message at all is nobody's.
                    guard let message = try? JSONValue(parsing: Array(event.data.utf8)) else { continue }
                    for one in message.arrayValue ?? [message] where await isWanted(one) { return one }
                }
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            // Broken: whoever asked may take it up again.
        }
        if Task.isCancelled { throw Fault(.aborted, "The call was aborted.") }
        return nil
    }

    private static func isAnswer(_ message: JSONValue, to id: Int64) -> Bool {
        message["method"] == nil && message["id"]?.integerValue == id
    }

    /// Whether the server forgot the session; any other refusal is thrown.
    private func isGone(_ response: HTTPClientResponse, _ session: ToolSession?) async throws(Fault) -> Bool {
        let status = Int(response.status.code)
        if (200..<300).contains(status) { return false }
        if status == 404, session?.id != nil { return true }
        let details: JSONValue = ["statusCode": .integer(Int64(status))]
        switch status {
        case 401, 403:
            throw Fault(
                .execution,
                "The tool server \(name) does not accept this spoke (status \(status)); look at its headerFiles.",
                details: details
            )
        case 300..<400:
            throw Fault(
                .execution,
                "The tool server \(name) is elsewhere (status \(status)); name its own address, nothing is followed.",
                details: details
            )
        default:
            // What it says of the error is shown as far as it can be had.
            let said = (try? await Web.bytes(of: response, most: Web.refusalBytes)) ?? []
            let error = (try? JSONValue(parsing: said))?["error"]?["message"]?.stringValue
            let words = error.map { ": \($0.prefix(1_000))" } ?? "."
            throw Fault(
                [429, 502, 503, 504].contains(status) ? .unavailable : .execution,
                "The tool server \(name) answered with status \(status)\(words)",
                details: details
            )
        }
    }

    /// - Throws: `EXECUTION_ERROR` for an id that no header may carry back.
    private static func sessionId(of response: HTTPClientResponse) throws(Fault) -> String? {
        guard let id = response.headers.first(name: "mcp-session-id") else { return nil }
        guard !id.isEmpty, id.utf8.count <= sessionIdBytes, id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Fault(.execution, "The tool server gave its session an id that is none.")
        }
        return id
    }

    /// As the server wishes, within reason.
    private static func wait(of parser: ServerSentEventParser) -> Duration {
        .milliseconds(min(max(parser.retryMilliseconds ?? 1_000, 100), 30_000))
    }

    static func pause(_ duration: Duration) async throws(Fault) {
        do { try await Task.sleep(for: duration) } catch { throw Fault(.aborted, "The call was aborted.") }
    }
}
