import Foundation
import NIOCore
import NIOPosix
import Protocol
import Transport

/// How many values a second reach a hundred subscribers that follow what one session prints, over each door of the hub.
///
/// A value is a record of 200 bytes: sent by the spoke, stored, read back for each subscriber, sent to it. The clock
/// runs from the first record's sending until the last subscriber has the last one. This process plays the spoke and the
/// subscribers.
struct FanOutBenchmark {
    private let settings: BenchSettings
    private static let subscribers = 100
    private static let bytes = 200
    private static let batches = 4

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        let wheel = try await Wheel(
            settings.scratch + "/fanout",
            spokes: [:],
            configuration: "limits:\n  callsPerSecond: 1000000\n  callsBurst: 1000000\n"
        )
        defer { wheel.stop() }
        let hub = wheel.hub
        _ = try await hub.call("project.create", #"{"name":"bench","repoUrl":"/srv/bench.git"}"#)
        let token = try await hub.call("token.create", #"{"uses":1}"#)["token"]?.stringValue ?? ""
        let spoke = try await LoadSpoke.start(hub, token: token, name: "printer", project: "bench")
        var (http, socket, plain): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<max(settings.rounds / 2, 1) {
            http.append(try await slice(spoke) { try await EventReader.subscribe(hub, $0, $1) })
            socket.append(try await slice(spoke) { try await SocketReader.subscribe(hub, $0, $1) })
            plain.append(try await relay())
        }
        return [("HTTP", http), ("WebSocket", socket)].map { door, rates in
            Figure(
                "session.output followed by \(Self.subscribers) subscribers over \(door)",
                String(format: "%.0f values/s", rates.median),
                against: String(format: "a plain relay of such events, nothing stored: %.0f", plain.median),
                ratio: rates.median / plain.median
            )
        }
    }

    /// Values per second of one slice.
    private func slice(
        _ spoke: LoadSpoke,
        _ subscribe: (String, Deliveries) async throws -> any Subscription
    ) async throws -> Double {
        let deliveries = Deliveries()
        let input = #"{"sessionId":"\#(spoke.session)","follow":true,"fromOffset":\#(spoke.printed)}"#
        var subscriptions: [any Subscription] = []
        defer { for one in subscriptions { one.leave() } }
        for _ in 0..<Self.subscribers { subscriptions.append(try await subscribe(input, deliveries)) }
        // When all of them have the first batch, all of them follow.
        await spoke.write(batches: 1, bytes: Self.bytes)
        try await deliveries.reach(Self.subscribers * LoadSpoke.batch)
        let began = ContinuousClock.now
        await spoke.write(batches: Self.batches, bytes: Self.bytes)
        try await deliveries.reach(Self.subscribers * LoadSpoke.batch * (1 + Self.batches))
        return Double(Self.subscribers * LoadSpoke.batch * Self.batches) / ((ContinuousClock.now - began) / .seconds(1))
    }

    /// Values per second that a server hands on which has them at hand and asks nobody anything.
    private func relay() async throws -> Double {
        let count = LoadSpoke.batch * Self.batches
        let piece = Data(repeating: UInt8(ascii: "x"), count: Self.bytes).base64EncodedString()
        let event =
            "event: data\nid: stdout:200000\ndata: {\"data\":{\"bytes\":\"\(piece)\",\"nextOffset\":200000,"
            + "\"offset\":199800,\"stream\":\"stdout\"},\"meta\":{\"operationId\":\"session.output\","
            + "\"source\":\"local\",\"timestamp\":1760000000000}}\n\n"
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PlainRelay(ByteBuffer(string: event), count))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let deliveries = Deliveries()
        let began = ContinuousClock.now
        var readers: [any Subscription] = []
        defer { for one in readers { one.leave() } }
        for _ in 0..<Self.subscribers {
            let port = server.localAddress?.port ?? 0
            readers.append(try await EventReader.connect("127.0.0.1", port, asking: nil, deliveries))
        }
        try await deliveries.reach(Self.subscribers * count)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        try await server.close()
        return Double(Self.subscribers * count) / seconds
    }
}

/// Sends one event so often, a write each, as fast as the other end takes them.
private final class PlainRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let event: ByteBuffer
    private var left: Int

    init(_ event: ByteBuffer, _ count: Int) {
        self.event = event
        left = count
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        while left > 0, context.channel.isWritable {
            left -= 1
            context.writeAndFlush(Self.wrapOutboundOut(event), promise: nil)
        }
    }
}
