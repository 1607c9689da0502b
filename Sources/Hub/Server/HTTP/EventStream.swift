import HTTPTypes
import HubCore
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol

/// A response of server-sent events (WHATWG HTML, 9.2) that lasts as long as somebody makes them.
///
/// The consumer's slowness holds the source: nothing is read ahead of what the socket takes. Its leaving cancels the
/// source, also in the middle of a write. When the hub leaves, a consumer that does not take the last word within
/// ``Limits/eventFarewell`` loses its connection. Between events a comment now and then shows that the connection
/// lives.
struct EventStream: Sendable {
    let drain: DrainSwitch
    let keepalive: Duration

    /// How a source ended, and what is said last.
    enum Ending: Sendable {
        /// There was a last word, or there is none.
        case said
        case last(ByteBuffer)
        /// The consumer left.
        case gone
    }

    /// The response to `request` on the connection `channel`. `source` makes the events; `leaving` is said when the
    /// hub shuts down meanwhile.
    func response(
        to request: Request,
        on channel: any Channel,
        leaving: ByteBuffer,
        source: @escaping @Sendable (EventPipe) async -> Ending
    ) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream"
        // The stream's end is the connection's: nothing else shall be sent on it.
        headers[.connection] = "close"
        headers[.cacheControl] = "no-store"
        let body = request.body
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                let pipe = EventPipe()
                try await body.consumeWithCancellationOnInboundClose { _ in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        // Not on the connection's event loop: a value may take its time.
                        group.addTask(executorPreference: globalConcurrentExecutor) {
                            await run(into: pipe, leaving, source)
                            pipe.close()
                        }
                        group.addTask { await endFarewell(on: channel) }
                        // Whatever ends the writing ends the source: nobody writes what it is about to send.
                        defer {
                            pipe.close()
                            group.cancelAll()
                        }
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
        into pipe: EventPipe,
        _ leaving: ByteBuffer,
        _ source: @escaping @Sendable (EventPipe) async -> Ending
    ) async {
        await withTaskGroup(of: Ending.self) { group in
            group.addTask { await keepAlive(pipe) }
            group.addTask {
                await drain.drained()
                return Task.isCancelled ? .gone : .last(leaving)
            }
            group.addTask { await source(pipe) }
            let ending = await group.next() ?? .gone
            group.cancelAll()
            await group.waitForAll()
            // If the consumer is gone there is nobody left to tell.
            if case .last(let bytes) = ending { try? await pipe.send(bytes) }
        }
    }

    /// Cuts a consumer off that holds up the hub's end by not reading. A cut connection ends the write that waits for
    /// room in the socket.
    private func endFarewell(on channel: any Channel) async {
        await drain.drained()
        // A sleep that is cancelled: all was said.
        guard !Task.isCancelled, (try? await Task.sleep(for: Limits.eventFarewell)) != nil else { return }
        channel.close(promise: nil)
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
