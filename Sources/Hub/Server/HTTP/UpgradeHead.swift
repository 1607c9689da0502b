import NIOCore
import NIOHTTP1

/// Remembers a connection's first request if it asks for an upgrade.
///
/// NIO's typed upgrade handler drops the head of a request whose upgrade it refuses (2.101.2), and its end as well
/// if that came while the decision was still being made. ``UpgradeHeadReplay`` puts back what was dropped.
final class UpgradeHeadKeeper: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// The head, if it asks for an upgrade.
    private(set) var head: HTTPRequestHead?
    /// The request's end has passed by.
    private(set) var hasEnded = false
    private var isFirstPart = true

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head) where isFirstPart && head.headers.contains(name: "upgrade"): self.head = head
        case .head, .body: break
        case .end: hasEnded = true
        }
        isFirstPart = false
        context.fireChannelRead(data)
    }
}

/// Puts a remembered request back in front of the parts that follow it, then leaves the pipeline.
final class UpgradeHeadReplay: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let head: HTTPRequestHead
    /// The end was dropped too: nothing else of this request will come by.
    private let hasEnded: Bool

    init(_ head: HTTPRequestHead, hasEnded: Bool) {
        self.head = head
        self.hasEnded = hasEnded
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard hasEnded else { return }
        // In a moment, when the handlers behind this one are there to hear it.
        context.eventLoop.assumeIsolated().execute { self.replay(context, .end(nil)) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return context.fireChannelRead(data) }
        replay(context, Self.unwrapInboundIn(data))
    }

    private func replay(_ context: ChannelHandlerContext, _ next: HTTPServerRequestPart) {
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        context.fireChannelRead(Self.wrapInboundOut(next))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
