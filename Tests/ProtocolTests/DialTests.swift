import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Protocol
import Testing
import Transport

/// Dialer and channel over a real socket on loopback.
@Suite struct DialTests {
    /// A hub that answers every hello with the sample welcome; a wrong token is refused as a hub would.
    private static func withHub(_ body: (Int) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try configure(channel) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(server.localAddress?.port ?? 0)
            try await server.close()
        } catch {
            try await server.close()
            throw error
        }
    }

    private static func configure(_ channel: any Channel) throws {
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: Limits.frameBytes,
            automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                let isKnown = head.headers.first(name: "authorization") == "Bearer secret" && head.uri == "/v1/link"
                return channel.eventLoop.makeSucceededFuture(
                    isKnown ? ["Sec-WebSocket-Protocol": WebSocketChannel.subprotocol] : nil
                )
            },
            upgradePipelineHandler: { channel, _ in
                channel.pipeline.removeHandler(name: "refuser").flatMapThrowing {
                    _ = try WebSocketChannel.install(on: channel, role: .server) { connection, news in
                        if case .message(.hello) = news { connection.send(.welcome(Samples.welcome)) }
                    }
                }
            }
        )
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
        )
        try channel.pipeline.syncOperations.addHandler(Refuser(), name: "refuser")
    }

    private final class Refuser: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = Self.unwrapInboundIn(data) else { return }
            let body = #"{"error":{"code":"UNAUTHENTICATED","message":"Join first."}}"#
            let headers: HTTPHeaders = ["Content-Length": "\(body.utf8.count)"]
            let head = HTTPResponseHead(version: .http1_1, status: .unauthorized, headers: headers)
            context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    private let dialer = WebSocketDialer(group: MultiThreadedEventLoopGroup.singleton)

    @Test(.timeLimit(.minutes(1))) func aSpokeDialsSaysHelloAndIsWelcomed() async throws {
        try await Self.withHub { port in
            let inbox = LinkInbox()
            let connection = try await dialer.dial(
                "ws://127.0.0.1:\(port)",
                bearer: "secret",
                listener: inbox.listener
            )
            connection.send(.hello(Samples.hello))
            for await news in inbox.news {
                switch news {
                case .message(let message):
                    #expect(message == .welcome(Samples.welcome))
                    connection.close(.normal)
                case .closed(let reason): #expect(reason == .normal)
                case .writable: break
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aRefusedUpgradeIsTheHubsOwnFault() async throws {
        try await Self.withHub { port in
            await #expect(throws: Fault(.unauthenticated, "Join first.")) {
                _ = try await dialer.dial("http://127.0.0.1:\(port)", bearer: "wrong") { _, _ in }
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aHubThatIsNotThereIsUnavailable() async throws {
        do {
            _ = try await dialer.dial("ws://127.0.0.1:1", bearer: "x") { _, _ in }
            Issue.record("Nothing listens there.")
        } catch {
            #expect(error.code == .unavailable)
        }
    }

    @Test func aURLThatIsNoneIsInvalid() async {
        for url in ["", "hub", "ftp://x", "ws://"] {
            await #expect(throws: Fault.self) { _ = try await dialer.dial(url, bearer: "x") { _, _ in } }
        }
    }
}
