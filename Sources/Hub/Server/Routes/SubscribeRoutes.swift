import HTTPTypes
import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol

/// `POST /v1/subscribe/{operation}`: a subscription as server-sent events (WHATWG HTML, 9.2).
///
/// Each value is `event: data` with its `id:`; the end is `event: completed` or `event: error`. Between values a
/// comment now and then shows that the connection lives. The consumer's slowness holds the source: nothing is read
/// ahead of what the socket takes. Its leaving cancels the source.
struct SubscribeRoutes: Sendable {
    let desk: CallDesk
    let keepalive: Duration

    func subscribe(
        _ operation: String,
        _ request: inout Request,
        _ facts: RequestFacts,
        by principal: Principal
    ) async throws(Fault) -> Response {
        let input = try await CallRoutes.input(of: &request)
        let caller = CallRoutes.caller(principal, facts)
        // What can be said with a status is said with a status.
        try await desk.checkSubscription(operation, input, by: caller)
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream"
        // The stream's end is the connection's: nothing else shall be sent on it.
        headers[.connection] = "close"
        headers[.cacheControl] = "no-store"
        let (body, lastEventId) = (request.body, facts.lastEventId)
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                let pipe = EventPipe()
                try await body.consumeWithCancellationOnInboundClose { _ in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            await run(operation, input, caller, lastEventId, into: pipe)
                            pipe.close()
                        }
                        // Whatever ends the writing ends the source.
                        defer { group.cancelAll() }
                        while let bytes = await pipe.next() {
                            try await writer.write(bytes)
                            pipe.wasTaken()
                        }
                    }
                }
                try await writer.finish(nil)
            }
        )
    }

    private func run(
        _ operation: String,
        _ input: JSONValue,
        _ caller: Caller,
        _ lastEventId: String?,
        into pipe: EventPipe
    ) async {
        await withTaskGroup(of: Ending.self) { group in
            group.addTask { await keepAlive(pipe) }
            group.addTask {
                await desk.drain.drained()
                return Task.isCancelled ? .gone : .failed(DrainSwitch.leaving)
            }
            group.addTask { await values(operation, input, caller, lastEventId, into: pipe) }
            let ending = await group.next() ?? .gone
            group.cancelAll()
            await group.waitForAll()
            // If the consumer is gone there is nobody left to tell.
            switch ending {
            case .gone: break
            case .completed: try? await pipe.send(EventText.event("completed", id: nil, Array("{}".utf8)))
            case .failed(let fault):
                try? await pipe.send(EventText.event("error", id: nil, FaultResponse.body(of: fault)))
            }
        }
    }

    /// A comment whenever nothing was written for a while; ends when the consumer is gone.
    private func keepAlive(_ pipe: EventPipe) async -> Ending {
        // A sleep that is cancelled: the stream ended.
        while (try? await Task.sleep(for: keepalive)) != nil {
            guard pipe.isIdle(for: keepalive) else { continue }
            do throws(Fault) { try await pipe.send(EventText.comment("alive")) } catch { return .gone }
        }
        return .gone
    }

    /// How a subscription ended.
    private enum Ending: Sendable {
        case completed
        case failed(Fault)
        /// The consumer left.
        case gone
    }

    private func values(
        _ operation: String,
        _ input: JSONValue,
        _ caller: Caller,
        _ lastEventId: String?,
        into pipe: EventPipe
    ) async -> Ending {
        do throws(Fault) {
            // The stream begins at once, so that a consumer knows it was taken in before the first value.
            try await pipe.send(EventText.comment("open"))
            try await desk.subscribe(operation, input, by: caller, lastEventId: lastEventId) {
                (value) async throws(Fault) in
                try await pipe.send(EventText.event("data", id: value.id, value.answer.envelope))
            }
            return .completed
        } catch {
            return .failed(error)
        }
    }
}

/// The text form of server-sent events.
enum EventText {
    static func comment(_ text: String) -> ByteBuffer { ByteBuffer(string: ": \(text)\n\n") }

    /// One event. `data` is JSON and so has no line break of its own.
    static func event(_ name: String, id: String?, _ data: [UInt8]) -> ByteBuffer {
        var text = ByteBuffer()
        text.reserveCapacity(data.count + 64)
        text.writeString("event: \(name)\n")
        if let id { text.writeString("id: \(id.filter { !$0.isNewline && $0 != "\0" })\n") }
        text.writeString("data: ")
        text.writeBytes(data)
        text.writeString("\n\n")
        return text
    }
}
