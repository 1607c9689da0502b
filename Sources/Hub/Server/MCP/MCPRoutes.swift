import HTTPTypes
import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol
import Transport

/// `POST`, `GET` and `DELETE /mcp`: the Model Context Protocol over streamable HTTP.
///
/// What concerns HTTP (no key, no such session, a body too large) is answered as everywhere; what concerns a message
/// is a JSON-RPC error; what an operation says is a tool's result.
struct MCPRoutes: Sendable {
    let desk: CallDesk
    let sessions: MCPSessions
    let events: EventStream

    func respond(
        to request: inout Request,
        _ facts: RequestFacts,
        by principal: Principal,
        on channel: any Channel
    ) async throws(Fault) -> Response {
        switch request.method {
        case .post: return try await post(&request, facts, principal, channel)
        case .get: return listen(request, try required(request, principal), channel)
        case .delete:
            sessions.close(try required(request, principal), of: principal)
            return Response(status: .noContent)
        default:
            throw Fault(.notFound, "/mcp answers to POST, GET and DELETE, not \(request.method.rawValue).")
        }
    }

    // MARK: Messages

    private func post(
        _ request: inout Request,
        _ facts: RequestFacts,
        _ principal: Principal,
        _ channel: any Channel
    ) async throws(Fault) -> Response {
        let body = try await RequestBytes.collect(&request)
        let session = try known(request, principal)
        do throws(RPCFailure) {
            try Self.checkVersion(request)
            var caller = CallRoutes.caller(principal, facts)
            switch try MCPIntake(parsing: Array(body.readableBytesView), version: session?.version) {
            case .one(let message):
                guard let session else { return try begin(with: message, principal) }
                // The request was counted; one message makes one call.
                caller.isMetered = true
                let exchange = MCPExchange(DeskProvider(desk: desk, caller: caller))
                return await answer(message, session, exchange, request, channel)
            case .batch(let messages):
                // Only a session has agreed to a revision that has lists.
                guard let session else { throw Self.noSession }
                // Each of its calls counts besides.
                let exchange = MCPExchange(DeskProvider(desk: desk, caller: caller))
                return await answer(messages, session, exchange)
            }
        } catch {
            return CallRoutes.json(error.answer.serialized(), status: .badRequest)
        }
    }

    /// A message without a session: the one that begins a session, or one that is told to.
    private func begin(with message: RPCMessage, _ principal: Principal) throws(RPCFailure) -> Response {
        guard case .request(let request) = message else { throw Self.noSession }
        var conversation = MCPConversation()
        guard request.method == "initialize" else {
            guard case .answer(let refusal) = conversation.take(message), request.method == "server/discover" else {
                throw Self.noSession.answering(request.id)
            }
            return CallRoutes.json(refusal.serialized(), status: .badRequest)
        }
        // Tried first, so that no session begins that does not agree.
        _ = conversation.take(message)
        let session = conversation.version == nil ? nil : sessions.open(for: principal)
        guard case .answer(let answer) = session?.take(message) ?? conversation.take(message) else {
            throw Self.noSession.answering(request.id)
        }
        var response = CallRoutes.json(answer.serialized())
        if let session { response.headers[.mcpSessionId] = session.id }
        return response
    }

    private func answer(
        _ message: RPCMessage,
        _ session: MCPSession,
        _ exchange: MCPExchange<DeskProvider>,
        _ request: Request,
        _ channel: any Channel
    ) async -> Response {
        switch session.take(message) {
        case .answer(let answer): return CallRoutes.json(answer.serialized())
        case .nothing, .abort: return Response(status: .accepted)
        case .work(let work):
            let isStreaming = request.headers[.accept]?.contains("text/event-stream") == true
            if work.tellsProgress, isStreaming { return stream(work, session, exchange, request, channel) }
            let answer = await session.run(work) { await exchange.run(work) { _ in } }
            return CallRoutes.json((answer ?? Self.calledOff(work)).serialized())
        }
    }

    /// Several messages, in the revision that has lists: one after the other, answered together.
    private func answer(
        _ messages: [RPCMessage],
        _ session: MCPSession,
        _ exchange: MCPExchange<DeskProvider>
    ) async -> Response {
        var answers: [JSONValue] = []
        for message in messages {
            switch session.take(message) {
            case .answer(let answer): answers.append(answer)
            case .nothing, .abort: continue
            case .work(let work):
                let answer = await session.run(work) { await exchange.run(work) { _ in } }
                answers.append(answer ?? Self.calledOff(work))
            }
        }
        guard !answers.isEmpty else { return Response(status: .accepted) }
        return CallRoutes.json(JSONValue.array(answers).serialized())
    }

    /// A request whose progress the client wants to hear of: notifications, then the answer.
    private func stream(
        _ work: MCPWork,
        _ session: MCPSession,
        _ exchange: MCPExchange<DeskProvider>,
        _ request: Request,
        _ channel: any Channel
    ) -> Response {
        let leaving = RPCFailure(RPCFailure.internalError, DrainSwitch.leaving.message, id: work.id)
        return events.response(to: request, on: channel, leaving: Self.event(leaving.answer)) { pipe in
            let answer = await session.run(work) {
                await exchange.run(work) { notification in
                    // A consumer that has left is noticed by whoever writes.
                    try? await pipe.send(Self.event(notification))
                }
            }
            return .last(Self.event(answer ?? Self.calledOff(work)))
        }
    }

    /// The stream for what a server says unasked. There is nothing of that kind; it shows that the session lives, and
    /// ends with it.
    private func listen(_ request: Request, _ session: MCPSession, _ channel: any Channel) -> Response {
        // A second stream takes over from the first.
        session.activities.abort(.standing)
        return events.response(to: request, on: channel, leaving: EventText.comment("leaving")) { pipe in
            await session.activities.run(.standing) {
                do throws(Fault) {
                    try await pipe.send(EventText.comment("open"))
                } catch {
                    return EventStream.Ending.gone
                }
                // Until the session ends or the client leaves: both cancel, and the sleep then ends early.
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
                return .said
            } ?? .said
        }
    }

    // MARK: Sessions

    private func known(_ request: Request, _ principal: Principal) throws(Fault) -> MCPSession? {
        guard let id = request.headers[.mcpSessionId] else { return nil }
        return try sessions.session(id, of: principal)
    }

    private func required(_ request: Request, _ principal: Principal) throws(Fault) -> MCPSession {
        guard let session = try known(request, principal) else {
            throw Fault.invalid(HTTPField.Name.mcpSessionId.rawName, "is required; initialize answers with one.")
        }
        return session
    }

    private static let noSession = RPCFailure(
        RPCFailure.invalidRequest,
        "Begin with initialize, and send the Mcp-Session-Id that it answers with."
    )

    private static func checkVersion(_ request: Request) throws(RPCFailure) {
        guard let named = request.headers[.mcpProtocolVersion], MCPVersion(rawValue: named) == nil else { return }
        // A client of a later revision probes before it begins; the answer tells it how to.
        guard request.headers[.mcpSessionId] != nil else { return }
        throw RPCFailure(
            RPCFailure.unsupportedVersion,
            "This version is not spoken here; send the one that initialize answered with.",
            data: ["supported": MCPVersion.listing, "requested": .string(String(named.prefix(40)))]
        )
    }

    private static func calledOff(_ work: MCPWork) -> JSONValue {
        RPCFailure(RPCFailure.invalidRequest, "The request was cancelled.", id: work.id).answer
    }

    private static func event(_ message: JSONValue) -> ByteBuffer {
        EventText.event("message", id: nil, message.serialized())
    }
}

extension HTTPField.Name {
    static let mcpSessionId = known("Mcp-Session-Id")
    static let mcpProtocolVersion = known("MCP-Protocol-Version")
}
