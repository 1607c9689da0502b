import Protocol
import Synchronization

/// Lets as many values of a subscription through as its consumer has asked for, one sender at a time.
final class CreditGate: Sendable {
    private struct State {
        var credit: Int
        var isPaused = false
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?

        var isOpen: Bool { credit > 0 && !isPaused }

        mutating func take() -> Bool {
            guard isOpen else { return false }
            credit -= 1
            return true
        }
    }

    private let state: Mutex<State>

    init(_ credit: Int) { state = Mutex(State(credit: credit)) }

    /// The consumer takes this many more.
    func grant(_ values: Int) {
        change { $0.credit += min(max(0, values), Limits.callsInFlight * 64) }
    }

    /// The connection is full, or has room again.
    func pause(_ isPaused: Bool) { change { $0.isPaused = isPaused } }

    /// Takes one value's credit; suspends until there is one.
    ///
    /// - Fails with `aborted` when the task is cancelled: the consumer left.
    func pass() async throws(Fault) {
        while !Task.isCancelled {
            if state.withLock({ $0.take() }) { return }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOpen = state.withLock { state in
                        if state.isOpen || state.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isOpen { continuation.resume() }
                }
            } onCancel: {
                change { $0.isCancelled = true }
            }
        }
        throw Fault(.aborted, "The consumer left.")
    }

    private func change(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            change(&state)
            guard state.isOpen || state.isCancelled else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
