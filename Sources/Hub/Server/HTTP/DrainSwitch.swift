import Protocol
import Synchronization

/// Whether this hub takes on new work. Thrown once, on the way down.
public final class DrainSwitch: Sendable {
    private struct State {
        var isDraining = false
        var waiters: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// Whether the hub is on its way down.
    public var isDraining: Bool { state.withLock { $0.isDraining } }

    /// From here on nothing new is taken in; what is under way may end.
    public func drain() {
        let waiters = state.withLock { state in
            state.isDraining = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.finish() }
    }

    /// Returns when the hub drains, or the task is cancelled.
    func drained() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let ticket = state.withLock { state -> Int? in
            guard !state.isDraining else { return nil }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = continuation
            return state.nextWaiter
        }
        guard let ticket else { return }
        for await _ in stream {}
        state.withLock { _ = $0.waiters.removeValue(forKey: ticket) }
    }

    /// - Fails with `unavailable` while the hub drains.
    func check() throws(Fault) {
        guard isDraining else { return }
        throw Self.leaving
    }

    /// What those are told who come too late.
    static let leaving = Fault(.unavailable, "This hub is shutting down; ask again in a moment.")
        .retry(after: .seconds(2))
}
