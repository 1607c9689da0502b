import HubDomains
import Logging
import Protocol
import Synchronization

/// Keeps this hub's lease, and takes the spokes off hubs that let theirs run out.
final class PresenceRunner: Sendable {
    private let hubs: HubStore
    private let spokes: SpokeStore
    private let publish: @Sendable () async throws(Fault) -> Void
    private let identity: HubIdentity
    private let url: @Sendable (Int) -> String
    private let port = Mutex<Int?>(nil)
    private let logger: Logger

    /// - Parameter publish: Makes this hub's operations known; done whenever the hub is entered among the hubs.
    init(
        hubs: HubStore,
        spokes: SpokeStore,
        publish: @escaping @Sendable () async throws(Fault) -> Void,
        identity: HubIdentity,
        url: @escaping @Sendable (Int) -> String,
        logger: Logger
    ) {
        self.hubs = hubs
        self.spokes = spokes
        self.publish = publish
        self.identity = identity
        self.url = url
        self.logger = logger
    }

    /// Enters this hub among the hubs. What fails is made up for by the next turn.
    func listening(on port: Int) async {
        self.port.withLock { $0 = port }
        do throws(Fault) {
            try await register(port)
        } catch {
            logger.warning("This hub could not be entered among the hubs yet.", metadata: ["error": "\(error)"])
        }
    }

    /// One turn: the lease, then the others'.
    func turn() async throws(Fault) {
        guard let port = port.withLock({ $0 }) else { return }
        if try await !hubs.renew(identity.id) {
            logger.notice("This hub's lease had run out; it is entered again.")
            try await register(port)
        }
        let released = try await hubs.expire()
        if released > 0 {
            logger.notice("Another hub is gone; its spokes are disconnected.", metadata: ["spokes": "\(released)"])
        }
    }

    /// A spoke's link to this hub ended.
    func parted(_ spoke: SpokeID, _ entry: PartingBook.Entry) async throws(Fault) {
        try await spokes.disconnected(
            spoke,
            incarnation: entry.incarnation,
            hub: identity.id,
            reason: entry.reason
        )
    }

    /// This hub goes in order.
    func retire() async throws(Fault) { try await hubs.retire(identity.id) }

    private func register(_ port: Int) async throws(Fault) {
        try await hubs.register(identity.id, url: url(port), version: identity.version)
        try await publish()
    }
}
