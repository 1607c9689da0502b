public import NIOCore

/// The frames of one WebSocket as whole messages.
public enum WebSocketChannel {
    /// Which end of the upgrade this is; clients mask what they send.
    public enum Role: Sendable { case server, client }

    /// The WebSocket subprotocol of links.
    public static let subprotocol = "nave.v1"

    /// Puts a link on a channel whose upgrade is done. Call it on the channel's event loop, in the upgrade's
    /// completion, so that no byte passes by. Make the upgrader with `maxFrameSize: Limits.frameBytes` and
    /// `automaticErrorHandling: false` (typed upgraders: `enableAutomaticErrorHandling`), so that the close
    /// code is this protocol's.
    ///
    /// The listener hears everything on the loop. Costs one handler per connection, no task.
    public static func install(
        on channel: any Channel,
        role: Role,
        listener: @escaping LinkConnection.Listener
    ) throws -> LinkConnection {
        let connection = LinkConnection(channel: channel)
        let exchange = FrameExchange(role: role, connection: connection, listener: listener)
        try channel.pipeline.syncOperations.addHandler(exchange)
        return connection
    }
}
