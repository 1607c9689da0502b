import Protocol
import Synchronization

/// How many values of a subscription its consumer will still take. One sender waits for it at a time.
final class ValueCredit: Sendable {
    private struct State {
        var left: Int
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    /// What a consumer gives without being asked.
    static let first = Limits.subscriptionCredit
    /// No consumer is believed to take more at a time.
    static let most = 65_536

    init(_ left: Int = ValueCredit.first) { state = Mutex(State(left: left)) }

    /// The consumer takes this many more.
    func grant(_ values: Int) {
        wake { $0.left = min($0.left + max(0, values), Self.most) }
    }

    /// Takes one value's credit; suspends until there is one.
    ///
    /// - Throws: `ABORTED` when the task is cancelled: the consumer left.
    func spend() async throws(Fault) {
        while !Task.isCancelled {
            let spent = state.withLock { state in
                guard state.left > 0 else { return false }
                state.left -= 1
                return true
            }
            if spent { return }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let goesOn = state.withLock { state in
                        if state.left > 0 || state.isOver { return true }
                        state.waiter = continuation
                        return false
                    }
                    if goesOn { continuation.resume() }
                }
            } onCancel: {
                wake { $0.isOver = true }
            }
        }
        throw Fault(.aborted, "The consumer left.")
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            change(&state)
            guard state.left > 0 || state.isOver else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
