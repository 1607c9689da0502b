import HTTPTypes
import HubCore
import NIOCore
import NIOHTTP1
import Protocol

/// Where a connection stands between the requests that come and the answers that go. On its event loop only.
final class RequestPace {
    /// Heads that came.
    fileprivate(set) var heads = 0
    /// A head has come and its body has not ended.
    fileprivate(set) var isInRequest = false
    /// Requests whose answer is not all written.
    fileprivate(set) var answersOwed = 0
}

/// Ends a connection on which a request's head does not arrive in time. A socket that never sent a byte is closed
/// without a word, because its owner would take an answer for that of the next request; one that trickles gets one.
/// So does a later request's head; what came of it together with the end of the request before is not noticed alone.
final class RequestHeadDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let wait: TimeAmount
    private let pace: RequestPace
    private var timer: Scheduled<Void>?
    private var hasHeard = false
    private var isFirst = true

    init(_ wait: Duration, _ pace: RequestPace) {
        self.wait = .nanoseconds(wait.nanoseconds)
        self.pace = pace
    }

    func handlerAdded(context: ChannelHandlerContext) { arm(context) }

    func handlerRemoved(context: ChannelHandlerContext) { disarm() }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        context.fireChannelInactive()
    }

    /// What the connection is for is known: its first request is under way.
    func firstIsSettled() {
        isFirst = false
        disarm()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isFirst else {
            hasHeard = true
            return context.fireChannelRead(data)
        }
        let (heads, wasInRequest) = (pace.heads, pace.isInRequest)
        // Empty lines before a request mean nothing (RFC 9112, 2.2).
        let saysSomething =
            !wasInRequest && Self.unwrapInboundIn(data).readableBytesView.contains { $0 != 13 && $0 != 10 }
        context.fireChannelRead(data)
        guard pace.heads == heads else { return disarm() }
        guard saysSomething, timer == nil else { return }
        hasHeard = true
        arm(context)
    }

    private func arm(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: wait) { self.expire(context) }
    }

    private func disarm() {
        timer?.cancel()
        timer = nil
    }

    private func expire(_ context: ChannelHandlerContext) {
        guard hasHeard else { return context.close(promise: nil) }
        // An answer in between would be taken for the one that is owed.
        guard isFirst || pace.answersOwed == 0 else { return arm(context) }
        let fault = Fault(.timeout, "The request's head took too long; send it at once.")
        let answer = FaultResponse.text(of: fault)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil)
        context.close(promise: nil)
    }
}

/// A request's body did not end in time.
struct RequestBodyLate: Error {}

/// Ends a connection on which a request's body does not end in time, whether or not anybody reads it: whoever does
/// finds ``RequestBodyLate`` in its place and answers, and the connection closes.
final class RequestBodyDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let wait: TimeAmount
    private let pace: RequestPace
    private var timer: Scheduled<Void>?

    init(_ wait: Duration, _ pace: RequestPace) {
        self.wait = .nanoseconds(wait.nanoseconds)
        self.pace = pace
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head:
            pace.heads += 1
            pace.answersOwed += 1
            pace.isInRequest = true
        case .body: break
        case .end:
            pace.isInRequest = false
            disarm()
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Most bodies come with their heads and need no timer.
        if pace.isInRequest, timer == nil { arm(context) }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) { pace.answersOwed -= 1 }
        context.write(data, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) { disarm() }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        context.fireChannelInactive()
    }

    private func arm(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: wait) { self.expire(context) }
    }

    private func disarm() {
        timer?.cancel()
        timer = nil
    }

    private func expire(_ context: ChannelHandlerContext) {
        // Behind a request that is not answered yet nobody reads on: the client is not to blame.
        guard pace.answersOwed <= 1 else { return arm(context) }
        context.fireErrorCaught(RequestBodyLate())
        ConnectionEnd.linger(context)
    }
}

/// Closing a connection on which the client may still send.
enum ConnectionEnd {
    /// What the client still sends is let in and thrown away for a moment, so that no reset overtakes the answer.
    static func linger(_ context: ChannelHandlerContext) {
        let linger = TimeAmount.nanoseconds(Limits.connectionLinger.nanoseconds)
        context.eventLoop.assumeIsolated().scheduleTask(in: linger) { context.close(promise: nil) }
    }
}

/// Answers what is not HTTP, or is over a header limit, with an error of the contract instead of a closed socket.
final class ParserFaultAnswer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pace: RequestPace

    init(_ pace: RequestPace) { self.pace = pace }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Within a request the router answers; it sees the error at the end of the body.
        guard let error = error as? HTTPParserError, pace.answersOwed == 0 else {
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
        ConnectionEnd.linger(context)
    }
}
