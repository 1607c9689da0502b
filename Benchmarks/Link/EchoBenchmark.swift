import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Protocol
import Transport

/// Typed round trips over loopback: the server decodes a request and answers with an envelope of its own.
///
/// One event loop serves, another one asks. What one core of a server does is 1 / (processor time of the serving loop
/// per message): on a machine with two cores the asking side would otherwise be half of the figure.
enum EchoBenchmark {
    static func figures(seconds: Double) async throws -> [Figure] {
        var figures: [Figure] = []
        for depth in [1, 8] {
            let run = try await run(connections: 100, depth: depth, seconds: seconds)
            let (rate, core) = (run.messages / run.wall, run.messages / run.serving)
            figures.append(
                Figure(
                    "typed round trips, 100 links × \(depth) under way, one core",
                    String(format: "%.0f /s, so %.0f messages/s (%.1f µs)", core, core * 2, 1e6 / core),
                    against: String(format: "80,000 round trips/s; %.0f /s with the asking side", rate),
                    ratio: core / 80_000,
                    .atLeast(1)
                )
            )
        }
        return figures
    }

    private struct Run {
        var messages: Double
        var wall: Double
        /// Seconds of processor that the serving loop used.
        var serving: Double
    }

    private static func run(connections: Int, depth: Int, seconds: Double) async throws -> Run {
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
        try await Task.sleep(for: .milliseconds(500))
        let cpu = try await serving.next().submit { ThreadClock.now() }.get()
        let first = try await asking.next().submit { answers.value }.get()
        let start = ContinuousClock.now
        try await Task.sleep(for: .seconds(seconds))
        let used = try await serving.next().submit { ThreadClock.now() }.get() - cpu
        let last = try await asking.next().submit { answers.value }.get()
        let wall = (ContinuousClock.now - start) / .seconds(1)
        for link in links { link.close(.normal) }
        try await server.close()
        try await asking.shutdownGracefully()
        try await serving.shutdownGracefully()
        return Run(messages: Double(last - first), wall: wall, serving: used)
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
