import HTTPTypes
import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol
import Synchronization

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
        try desk.operations.checkSubscription(operation, input: input, by: caller)
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        let (body, lastEventId) = (request.body, facts.lastEventId)
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                let events = EventWriter(writer)
                try await body.consumeWithCancellationOnInboundClose { _ in
                    await run(operation, input, caller, lastEventId, into: events)
                }
                try await events.finish()
            }
        )
    }

    private func run(
        _ operation: String,
        _ input: JSONValue,
        _ caller: Caller,
        _ lastEventId: String?,
        into events: EventWriter
    ) async {
        await withTaskGroup(of: Ending.self) { group in
            group.addTask {
                await events.keepAlive(every: keepalive)
                return .gone
            }
            group.addTask {
                await desk.drain.drained()
                return Task.isCancelled ? .gone : .failed(DrainSwitch.leaving)
            }
            group.addTask { await values(operation, input, caller, lastEventId, into: events) }
            let ending = await group.next() ?? .gone
            group.cancelAll()
            await group.waitForAll()
            // If the consumer is gone there is nobody left to tell.
            switch ending {
            case .gone: break
            case .completed: try? await events.write(EventText.event("completed", id: nil, Array("{}".utf8)))
            case .failed(let fault): try? await events.write(EventText.event("error", id: nil, FaultResponse.body(of: fault)))
            }
        }
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
        into events: EventWriter
    ) async -> Ending {
        do throws(Fault) {
            // The stream begins at once, so that a consumer knows it was taken in before the first value.
            try await events.write(EventText.comment("open"))
            try await desk.subscribe(operation, input, by: caller, lastEventId: lastEventId) {
                (value) async throws(Fault) in
                try await events.write(EventText.event("data", id: value.id, value.answer.envelope))
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

/// The one writer of a response that values and signs of life share.
actor EventWriter {
    private var writer: (any ResponseBodyWriter)?
    private var isWriting = false
    private var wroteAt = ContinuousClock.now

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    /// Writes and waits until the socket took it.
    ///
    /// - Fails with `aborted` when the consumer has left.
    func write(_ bytes: ByteBuffer) async throws(Fault) {
        guard var writer else { throw Self.gone }
        isWriting = true
        defer { isWriting = false }
        wroteAt = .now
        do {
            try await writer.write(bytes)
        } catch {
            self.writer = nil
            throw Self.gone
        }
    }

    /// Writes a comment whenever nothing else was written for `interval`; returns when the consumer is gone or the
    /// task is cancelled.
    func keepAlive(every interval: Duration) async {
        while !Task.isCancelled {
            // Cancelled sleep: the stream ended.
            guard (try? await Task.sleep(for: interval)) != nil else { return }
            guard !isWriting, ContinuousClock.now - wroteAt >= interval else { continue }
            // A consumer that is gone is noticed by the next value too.
            guard (try? await write(EventText.comment("alive"))) != nil else { return }
        }
    }

    /// Ends the response in order.
    func finish() async throws {
        guard let writer else { return }
        self.writer = nil
        try await writer.finish(nil)
    }

    private static let gone = Fault(.aborted, "The consumer left.")
}
