import HTTPTypes
import HubCore
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket
import Protocol
import Transport

/// What becomes of a request that asks for a WebSocket.
enum UpgradeDecision: Sendable {
    /// It becomes one; `install` puts the session's handlers on the upgraded channel, on its event loop.
    case accept(headers: HTTPHeaders, install: @Sendable (any Channel) throws -> Void)
    /// The router answers it, and says why not.
    case router
}

/// One port for HTTP/1.1 and WebSocket: every connection begins as HTTP; its first request may turn it into a link.
struct WebSocketUpgrade: ServerChildChannel, HTTPChannelHandler {
    struct Value: ServerChildChannelValue {
        fileprivate let outcome: EventLoopFuture<Outcome>
        let channel: any Channel
    }

    fileprivate enum Outcome: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        case webSocket
    }

    let responder: HTTPChannelHandler.Responder
    /// Whether the bytes below are TLS, so that requests know their scheme.
    let isSecure: Bool
    let requestHeadMax: Duration
    let departures: Departures
    /// Decides on one upgrade. Runs apart from the event loop; the connection waits for it.
    let decide: @Sendable (HTTPRequestHead, any Channel) async -> UpgradeDecision

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let pace = RequestPace()
            let headDeadline = RequestHeadDeadline(requestHeadMax, pace)
            let bodyDeadline = RequestBodyDeadline(Limits.requestBody, pace)
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(Self.decoder())
            let faults = ParserFaultAnswer(pace)
            let keeper = UpgradeHeadKeeper()
            let upgrade = NIOTypedHTTPServerUpgradeHandler<Outcome>(
                httpEncoder: encoder,
                extraHTTPHandlers: [decoder, faults, bodyDeadline, keeper],
                upgradeConfiguration: configuration(for: channel, keeper: keeper, logger: logger)
            )
            try pipeline.addHandlers([headDeadline, encoder, decoder, faults, bodyDeadline, keeper, upgrade])
            let outcome = upgrade.upgradeResultFuture
            let deadline = NIOLoopBound(headDeadline, eventLoop: channel.eventLoop)
            outcome.whenComplete { result in
                // The head has come. Only on a connection that goes on with HTTP there are others.
                if case .success(.http) = result { return deadline.value.firstIsSettled() }
                channel.pipeline.syncOperations.removeHandler(deadline.value, promise: nil)
            }
            return Value(outcome: outcome, channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.outcome.get() {
            case .http(let http):
                // What is brief is done where the connection lives; what may take its time is taken elsewhere.
                await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
                    await handleHTTP(asyncChannel: http, logger: logger)
                }
            case .webSocket: break  // Its handlers own it; the server's shutdown waits until it is closed.
            }
        } catch {
            logger.debug("A connection ended before its first request.", metadata: ["error": "\(error)"])
        }
    }

    private static func decoder() -> HTTPRequestDecoder {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Limits.headerFieldBytes
        limits.maxHeaderListSize = Limits.headerListBytes
        limits.maxHeaderFieldCount = Limits.headerFields
        return HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
    }

    private func configuration(
        for channel: any Channel,
        keeper: UpgradeHeadKeeper,
        logger: Logger
    ) -> NIOTypedHTTPServerUpgradeConfiguration<Outcome> {
        // What was decided is needed again once the 101 is written: both on this loop.
        let decision = NIOLoopBoundBox<(@Sendable (any Channel) throws -> Void)?>(nil, eventLoop: channel.eventLoop)
        let kept = NIOLoopBound(keeper, eventLoop: channel.eventLoop)
        let upgrader = NIOTypedWebSocketServerUpgrader<Outcome>(
            maxFrameSize: Limits.frameBytes,
            enableAutomaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeFutureWithTask { await decide(head, channel) }.map { outcome in
                    guard case .accept(let headers, let install) = outcome else { return nil }
                    decision.value = install
                    return headers
                }
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try decision.value?(channel)
                    return .webSocket
                }
            }
        )
        return NIOTypedHTTPServerUpgradeConfiguration(
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Outcome.http(plain(channel, replaying: kept.value, logger: logger))
                }
            }
        )
    }

    private func plain(
        _ channel: any Channel,
        replaying kept: UpgradeHeadKeeper,
        logger: Logger
    ) throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        let pipeline = channel.pipeline.syncOperations
        if let head = kept.head {
            try pipeline.addHandler(UpgradeHeadReplay(head, hasEnded: kept.hasEnded))
        }
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: Limits.connectionIdle, logger: logger))
        try departures.watch(channel)
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
    }
}
