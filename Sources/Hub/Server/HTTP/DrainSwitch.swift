import Protocol
import Synchronization

/// Whether this hub takes on new work. Thrown once, on the way down.
public final class DrainSwitch: Sendable {
    private let draining = Atomic<Bool>(false)

    public init() {}

    /// Whether the hub is on its way down.
    public var isDraining: Bool { draining.load(ordering: .acquiring) }

    /// From here on nothing new is taken in; what is under way may end.
    public func drain() { draining.store(true, ordering: .releasing) }

    /// - Fails with `unavailable` while the hub drains.
    func check() throws(Fault) {
        guard isDraining else { return }
        throw Fault(.unavailable, "This hub is shutting down; ask again in a moment.").retry(after: .seconds(2))
    }
}
