import NIOConcurrencyHelpers
public import NIOCore
public import Protocol

/// What a connection tells its owner: on its event loop, in order, ``closed`` once and last.
public enum LinkNews: Sendable {
    case message(LinkMessage)
    /// Whether the peer keeps up: `false` when what waits to be sent should not grow, `true` when it may again.
    case writable(Bool)
    case closed(CloseReason)
}

/// One WebSocket that carries a link's messages, for either end. Any thread may send and close.
public final class LinkConnection: Sendable {
    /// Called on the connection's event loop for everything that happens.
    public typealias Listener = @Sendable (LinkConnection, LinkNews) -> Void

    private enum Order: Sendable {
        case send(Frame)
        case close(CloseReason)
    }

    /// The channel below, for its addresses and its end.
    public let channel: any Channel
    private let exchange: NIOLoopBoundBox<FrameExchange?>
    /// What other threads ordered and the loop has not carried out yet: one wake-up serves many.
    private let orders = NIOLockedValueBox<[Order]>([])

    /// On the channel's loop.
    init(channel: any Channel) {
        self.channel = channel
        exchange = .makeEmptyBox(eventLoop: channel.eventLoop)
    }

    /// The loop on which all news arrives.
    public var eventLoop: any EventLoop { channel.eventLoop }

    /// Sends behind what was sent before. Never blocks: when too much waits, the connection closes as too slow.
    public func send(_ message: LinkMessage) { order(.send(FrameCodec.encode(message))) }

    /// Says why, waits a moment for the peer's answer, and ends the connection. Harmless when it is over already.
    public func close(_ reason: CloseReason) { order(.close(reason)) }

    private func order(_ order: Order) {
        if eventLoop.inEventLoop {
            // What other threads ordered before comes first.
            carryOut()
            return carryOut(order)
        }
        let mustWake = orders.withLockedValue {
            $0.append(order)
            return $0.count == 1
        }
        if mustWake { eventLoop.execute { self.carryOut() } }
    }

    private func carryOut() {
        let all = orders.withLockedValue { orders -> [Order] in
            guard !orders.isEmpty else { return [] }
            defer { orders = [] }
            return orders
        }
        for order in all { carryOut(order) }
    }

    private func carryOut(_ order: Order) {
        switch order {
        case .send(let frame): exchange.value?.send(frame)
        case .close(let reason): exchange.value?.close(reason)
        }
    }

    func attach(_ exchange: FrameExchange) { self.exchange.value = exchange }

    /// The channel is gone: whatever is still ordered goes nowhere.
    func detach() { exchange.value = nil }
}

/// A connection's news as a sequence, for a reader that is a task of its own. Bounded: a reader that does not
/// keep up loses the connection, not the memory.
public struct LinkInbox: Sendable {
    /// Iterate once.
    public let news: AsyncStream<LinkNews>
    /// Give this to the dialer or the channel.
    public let listener: LinkConnection.Listener

    public init(waitingMax: Int = Limits.newsWaiting) {
        let (news, continuation) = AsyncStream.makeStream(
            of: LinkNews.self,
            bufferingPolicy: .bufferingOldest(waitingMax)
        )
        self.news = news
        listener = { connection, item in
            if case .dropped = continuation.yield(item) { connection.close(.tooSlow) }
            if case .closed = item { continuation.finish() }
        }
    }
}
