public import NIOCore
public import Protocol

/// The client's side of the upgrade.
public struct WebSocketDialer: Sendable {
    /// Whom a `wss` connection believes.
    public enum Trust: Sendable {
        /// The system's certificate authorities.
        case system
        /// Those in this PEM file.
        case file(String)
    }

    public init(group: any EventLoopGroup, trust: Trust = .system) {}

    /// Connects and upgrades `ws://` or `wss://`, with the credential as a bearer token.
    ///
    /// A refused upgrade is the hub's own fault from the answer's body if it holds one; a hub that cannot be
    /// reached is `UNAVAILABLE`.
    public func dial(
        _ url: String,
        bearer: String,
        listener: @escaping LinkConnection.Listener
    ) async throws(Fault) -> LinkConnection {
        throw Fault(.unavailable, "")
    }
}
