import HTTPTypes
import HubCore
import NIOCore
import NIOHTTP1
import Protocol

/// Ends a connection whose first request's head does not arrive in time. A socket that never sent a byte is closed
/// without a word, because its owner would take an answer for that of the next request; one that trickles gets one.
final class RequestHeadDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let wait: TimeAmount
    private var timer: Scheduled<Void>?
    private var hasHeard = false

    init(_ wait: Duration) { self.wait = .nanoseconds(wait.nanoseconds) }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: wait) { self.expire(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasHeard = true
        context.fireChannelRead(data)
    }

    private func expire(_ context: ChannelHandlerContext) {
        guard hasHeard else { return context.close(promise: nil) }
        let fault = Fault(.timeout, "The request's head took too long; send it at once.")
        let answer = FaultResponse.text(of: fault)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil)
        context.close(promise: nil)
    }
}

/// Answers what is not HTTP, or is over a header limit, with an error of the contract instead of a closed socket.
final class ParserFaultAnswer: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var answersOwed = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = Self.unwrapInboundIn(data) { answersOwed += 1 }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) { answersOwed -= 1 }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Within a request the router answers; it sees the error at the end of the body.
        guard let error = error as? HTTPParserError, answersOwed == 0 else {
            return context.fireErrorCaught(error)
        }
        let fault =
            switch error {
            case .headerOverflow:
                Fault(
                    .tooLarge,
                    "The request's headers are too large: at most \(Limits.headerFields) fields of "
                        + "\(Limits.headerFieldBytes) bytes, \(Limits.headerListBytes) bytes together."
                )
            default: Fault(.validation, "This is not an HTTP/1.1 request that can be read.")
            }
        let body = ByteBuffer(bytes: FaultResponse.body(of: fault))
        var head = HTTPResponseHead(
            version: .http1_1,
            status: .init(statusCode: FaultResponse.status(of: fault).code)
        )
        head.headers.add(name: "content-type", value: "application/json")
        head.headers.add(name: "content-length", value: "\(body.readableBytes)")
        head.headers.add(name: "connection", value: "close")
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        // What the client still sends is let in and thrown away for a moment, so that no reset overtakes the answer.
        let linger = TimeAmount.nanoseconds(Limits.connectionLinger.nanoseconds)
        context.eventLoop.assumeIsolated().scheduleTask(in: linger) { context.close(promise: nil) }
    }
}
