import Foundation
import NIOCore
import NIOPosix
import Protocol
import Transport

/// A spoke that answers every call with its input, as soon as it hears it.
final class EchoSpoke: Sendable {
    private let connection: LinkConnection

    private init(_ connection: LinkConnection) { self.connection = connection }

    static func join(_ hub: HubUnderLoad, token: String, name: String) async throws -> EchoSpoke {
        let joined = try await hub.post("/v1/join", #"{"token":"\#(token)","name":"\#(name)"}"#, nil)
        let (id, credential) = (joined["spokeId"]?.stringValue ?? "", joined["credential"]?.stringValue ?? "")
        let (taken, tell) = AsyncStream<OperationsTaken>.makeStream()
        let dialer = WebSocketDialer(group: MultiThreadedEventLoopGroup.singleton)
        let connection = try await dialer.dial(hub.url, bearer: credential) { connection, news in
            switch news {
            case .message(.callRequested(let call)):
                let output: JSONValue = ["data": call.input, "meta": ["source": "local"]]
                let answer = CallResponded(requestId: call.requestId, output: output, timestamp: call.timestamp)
                connection.send(.callResponded(answer))
            case .message(.operationsTaken(let answer)): tell.yield(answer)
            case .closed: tell.finish()
            case .message, .writable: break
            }
        }
        var hello = LoadSpoke.hello(SpokeID(id), name)
        hello.operations = OperationsSummary(hash: "bench", specs: [JSONValue(encoding: Self.spec)])
        connection.send(.hello(hello))
        for await answer in taken where answer.registered == 1 {
            Task { try await LoadSpoke.beat(connection) }
            return EchoSpoke(connection)
        }
        throw Fault(.execution, "The hub did not take the operation.")
    }

    private static let spec = OperationSpec(
        namespace: "bench",
        name: "echo",
        type: .query,
        description: "Answers its input.",
        inputSchema: [
            "type": "object",
            "properties": [
                "path": ["type": "string"], "lines": ["type": "array", "items": ["type": "integer"]],
            ],
            "required": ["path"],
        ],
        outputSchema: ["type": "object"],
        accessControl: .scopes("bench:read")
    )

    func leave() { connection.close(.goingAway) }
}

/// HTTP with as little of its own as can be: one request at a time on each connection, its bytes made beforehand.
final class RawCaller: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: ByteBuffer
    private let end: ContinuousClock.Instant
    private let done: EventLoopPromise<[Int64]>
    private var began = ContinuousClock.now
    private var latencies: [Int64] = []
    private var received = ByteBuffer()

    private init(_ request: ByteBuffer, until end: ContinuousClock.Instant, done: EventLoopPromise<[Int64]>) {
        self.request = request
        self.end = end
        self.done = done
    }

    static func measure(
        _ hub: HubUnderLoad,
        _ path: String,
        _ body: String,
        connections: Int,
        seconds: Double
    ) async throws -> CallSample {
        let url = URL(string: hub.url)
        let (host, port) = (url?.host ?? "127.0.0.1", url?.port ?? 0)
        let text =
            "POST \(path) HTTP/1.1\r\nhost: \(host):\(port)\r\nauthorization: Bearer \(hub.key)\r\n"
            + "content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        let began = ContinuousClock.now
        let end = began + .milliseconds(Int64(seconds * 1_000))
        let latencies = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<connections {
                group.addTask { try await one(ByteBuffer(string: text), host, port, until: end) }
            }
            return try await group.reduce(into: [Int64]()) { $0 += $1 }
        }
        let lasted = Double((ContinuousClock.now - began).nanoseconds) / 1_000_000_000
        return CallSample(seconds: lasted, latencies: latencies)
    }

    private static func one(
        _ request: ByteBuffer,
        _ host: String,
        _ port: Int,
        until end: ContinuousClock.Instant
    ) async throws -> [Int64] {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: [Int64].self)
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(RawCaller(request, until: end, done: done))
            }
        }
        do {
            _ = try await bootstrap.connect(host: host, port: port).get()
        } catch {
            done.fail(error)
        }
        return try await done.futureResult.get()
    }

    func channelActive(context: ChannelHandlerContext) { ask(context) }

    private func ask(_ context: ChannelHandlerContext) {
        began = .now
        context.writeAndFlush(Self.wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        guard let status = Self.whole(received) else { return }
        received.clear()
        guard status == 200 else {
            done.fail(Fault(.execution, "A call was answered with \(status)."))
            return context.close(promise: nil)
        }
        latencies.append((ContinuousClock.now - began).nanoseconds)
        if began < end { return ask(context) }
        done.succeed(latencies)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(Fault(.execution, "The hub closed the connection."))
    }

    /// The status of a response that is there with its whole body; `nil` if some of it is missing.
    private static func whole(_ buffer: ByteBuffer) -> Int? {
        buffer.withUnsafeReadableBytes { bytes in
            var length: Int?
            var line = 0
            for place in bytes.indices where bytes[place] == UInt8(ascii: "\n") {
                if place - line < 2 {
                    guard line > 0, let length, bytes.count > place + length else { return nil }
                    return number(bytes[9...])
                }
                line = place + 1
                let name = bytes[line...].prefix(lengthName.count)
                if name.count == lengthName.count, zip(name, lengthName).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) {
                    length = number(bytes[(line + lengthName.count)...])
                }
            }
            return nil
        }
    }

    private static let lengthName = Array("content-length: ".utf8)

    private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
        bytes.prefix { (48...57).contains($0) }.reduce(0) { $0 * 10 + Int($1) - 48 }
    }
}
