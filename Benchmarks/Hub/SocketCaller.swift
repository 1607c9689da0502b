import Foundation
import NIOCore
import NIOPosix
import Protocol

/// Calls over one WebSocket with as little of its own as can be: a new one is asked whenever one is answered, its bytes
/// made beforehand but for the number in its request id.
final class SocketCaller: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let upgrade: ByteBuffer
    /// A call as a frame, and where it has its request id.
    private let call: [UInt8]
    private let ids: [Range<Int>]
    private let depth: Int
    private let end: ContinuousClock.Instant
    private let done: EventLoopPromise<[Int64]>
    private var isOpen = false
    private var began: [ContinuousClock.Instant] = []
    private var latencies: [Int64] = []
    private var received = ByteBuffer()
    private var asked = ByteBuffer()

    private init(
        upgrade: String,
        call message: CallRequested,
        depth: Int,
        until end: ContinuousClock.Instant,
        done: EventLoopPromise<[Int64]>
    ) {
        self.upgrade = ByteBuffer(string: upgrade)
        self.depth = depth
        self.end = end
        self.done = done
        guard case .text(let payload) = FrameCodec.encode(.callRequested(message)) else {
            preconditionFailure("Calls are text.")
        }
        // A whole text frame of fewer than 65,536 bytes (RFC 6455, 5.2), masked with zeros.
        let head: [UInt8] = [0x81, 0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), 0, 0, 0, 0]
        call = head + payload
        ids = call.ranges(of: Array(message.requestId.utf8))
    }

    private static let width = 7

    static func measure(
        _ hub: HubUnderLoad,
        _ operation: String,
        _ input: String,
        depth: Int,
        seconds: Double
    ) async throws -> CallSample {
        let url = URL(string: hub.url)
        let (host, port) = (url?.host ?? "127.0.0.1", url?.port ?? 0)
        let upgrade =
            "GET /v1/link HTTP/1.1\r\nhost: \(host):\(port)\r\nauthorization: Bearer \(hub.key)\r\n"
            + "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
            + "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: nave.v1\r\n\r\n"
        let message = CallRequested(
            // No call of another slice has the same.
            requestId: "\(UUID().uuidString.prefix(8))-0000000",
            operationId: operation,
            input: try JSONValue(parsing: Array(input.utf8)),
            timestamp: 0
        )
        let began = ContinuousClock.now
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: [Int64].self)
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let caller = SocketCaller(
                    upgrade: upgrade,
                    call: message,
                    depth: depth,
                    until: began + .milliseconds(Int64(seconds * 1_000)),
                    done: done
                )
                try channel.pipeline.syncOperations.addHandler(caller)
            }
        }
        do {
            _ = try await bootstrap.connect(host: host, port: port).get()
        } catch {
            done.fail(error)
        }
        let latencies = try await done.futureResult.get()
        let lasted = Double((ContinuousClock.now - began).nanoseconds) / 1_000_000_000
        return CallSample(seconds: lasted, latencies: latencies)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(Self.wrapOutboundOut(upgrade), promise: nil)
    }

    private func ask() {
        let start = asked.writerIndex
        asked.writeBytes(call)
        for id in ids {
            var number = began.count
            for place in id.suffix(Self.width).reversed() {
                asked.setInteger(UInt8(48 + number % 10), at: start + place)
                number /= 10
            }
        }
        began.append(.now)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        guard isOpen || opens() else { return }
        while let payload = nextFrame() {
            guard let number = Self.answered(payload) else {
                return fail(context, "A call was not answered: \(String(buffer: payload))")
            }
            latencies.append((ContinuousClock.now - began[number]).nanoseconds)
            if began[number] < end, ContinuousClock.now < end { ask() }
        }
        received.discardReadBytes()
        if asked.readableBytes > 0 {
            context.writeAndFlush(Self.wrapOutboundOut(asked), promise: nil)
            asked = ByteBuffer()
        }
        guard latencies.count == began.count else { return }
        done.succeed(latencies)
        context.close(promise: nil)
    }

    /// The upgrade's answer is there: the first calls are asked.
    private func opens() -> Bool {
        let view = received.readableBytesView
        guard let head = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        received.moveReaderIndex(to: head.upperBound)
        isOpen = true
        for _ in 0..<depth { ask() }
        return true
    }

    /// The payload of the next whole frame: a server does not mask them, and this one does not cut them up.
    private func nextFrame() -> ByteBuffer? {
        var rest = received
        guard rest.readInteger(as: UInt8.self) != nil, let length = rest.readInteger(as: UInt8.self) else { return nil }
        var size = Int(length)
        if length == 126 {
            guard let long = rest.readInteger(as: UInt16.self) else { return nil }
            size = Int(long)
        }
        guard let payload = rest.readSlice(length: size) else { return nil }
        received = rest
        return payload
    }

    /// The number of the call that a message answers; `nil` for any other message.
    private static func answered(_ message: ByteBuffer) -> Int? {
        message.withUnsafeReadableBytes { bytes in
            // Eight characters of the slice, a dash, the number.
            let start = beginning.count + 9
            guard bytes.starts(with: beginning), start + width <= bytes.count else { return nil }
            return bytes[start..<(start + width)].reduce(0) { $0 * 10 + Int($1) - 48 }
        }
    }

    private static let beginning = Array(#"{"type":"call.responded","id":""#.utf8)

    private func fail(_ context: ChannelHandlerContext, _ message: String) {
        done.fail(Fault(.execution, message))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(Fault(.execution, "The hub closed the connection."))
    }
}
