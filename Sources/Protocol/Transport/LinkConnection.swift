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

    /// The loop on which all news arrives.
    public let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Sends behind what was sent before. Never blocks: when too much waits, the connection closes as too slow.
    public func send(_ message: LinkMessage) {}

    /// Says why, waits a moment for the peer's answer, and ends the connection. Harmless when it is over already.
    public func close(_ reason: CloseReason) {}
}
