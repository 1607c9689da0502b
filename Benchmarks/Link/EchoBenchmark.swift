import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Protocol
import Transport

/// Typed round trips over loopback: the server decodes a request and answers with an envelope of its own.
/// One event loop serves, another one asks.
enum EchoBenchmark {
    static func run(connections: Int, depth: Int) async throws {
        let serving = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let asking = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ServerBootstrap(group: serving)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try serve(channel) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let url = "ws://127.0.0.1:\(server.localAddress?.port ?? 0)"
        // All clients live on one loop, so the count needs no lock.
        let answers = NIOLoopBoundBox.makeBoxSendingValue(0, as: Int.self, eventLoop: asking.next())
        let dialer = WebSocketDialer(group: asking)
        var links: [LinkConnection] = []
        for _ in 0..<connections {
            links.append(
                try await dialer.dial(url, bearer: "x") { connection, news in
                    guard case .message = news else { return }
                    answers.value += 1
                    connection.send(.callRequested(CodecBenchmark.call))
                }
            )
        }
        for link in links { for _ in 0..<depth { link.send(.callRequested(CodecBenchmark.call)) } }
        try await Task.sleep(for: .seconds(1))
        let first = try await asking.next().submit { answers.value }.get()
        let (start, cpu) = (ContinuousClock.now, clock())
        try await Task.sleep(for: .seconds(4))
        let last = try await asking.next().submit { answers.value }.get()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let used = Double(clock() - cpu) / Double(CLOCKS_PER_SEC)
        let rate = Double(last - first) / seconds
        let perMessage = used / Double(max(last - first, 1)) * 1e6
        let line = String(format: "%8.0f messages/s, %.2f µs CPU per round trip (both ends)", rate, perMessage)
        print("echo, \(connections) connections × depth \(depth):", line)
        for link in links { link.close(.normal) }
        try await server.close()
        try await asking.shutdownGracefully()
        try await serving.shutdownGracefully()
    }

    private static func serve(_ channel: any Channel) throws {
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: Limits.frameBytes,
            automaticErrorHandling: false,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    _ = try WebSocketChannel.install(on: channel, role: .server) { connection, news in
                        guard case .message(.callRequested(let call)) = news else { return }
                        let answer = CallResponded(
                            requestId: call.requestId,
                            output: call.input,
                            timestamp: call.timestamp + 1
                        )
                        connection.send(.callResponded(answer))
                    }
                }
            }
        )
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
        )
    }
}
