import NIOCore
import NIOHTTP1

/// Remembers the head of a connection's first request if it asks for an upgrade.
///
/// NIO's typed upgrade handler drops the head of a request whose upgrade it refuses (2.101.2), so that the router
/// would see a request without a beginning. ``UpgradeHeadReplay`` puts it back.
final class UpgradeHeadKeeper: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private(set) var head: HTTPRequestHead?
    private var isFirstPart = true

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isFirstPart {
            isFirstPart = false
            if case .head(let head) = Self.unwrapInboundIn(data), head.headers.contains(name: "upgrade") {
                self.head = head
            }
        }
        context.fireChannelRead(data)
    }
}

/// Puts a remembered head back in front of the parts that follow it, then leaves the pipeline.
final class UpgradeHeadReplay: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let head: HTTPRequestHead

    init(_ head: HTTPRequestHead) { self.head = head }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        context.fireChannelRead(data)
        // The decision took its time: the read that brought these parts is long complete, and nobody says so again.
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
