import Synchronization

/// A number of permits, given in the order in which they were asked for. One permit makes a mutex.
///
/// Waiting ends early when the waiting task is cancelled; what was taken by ``with(isolation:_:)`` is given back.
final class Permits: Sendable {
    private struct Waiter {
        let ticket: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var nextTicket = 0
        var waiting: [Waiter] = []
        var idleWaiting: [Waiter] = []
        /// Tickets whose task was cancelled before it began to wait.
        var dismissed: Set<Int> = []
    }

    private let total: Int
    private let state: Mutex<State>

    init(_ total: Int) {
        self.total = max(1, total)
        state = Mutex(State(free: max(1, total)))
    }

    /// Runs `body` with a permit.
    ///
    /// - Fails with `CancellationError` if the task is cancelled before its turn.
    func with<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        try await wait(forIdle: false)
        defer { giveBack() }
        return try await body()
    }

    /// Returns when nobody holds or wants a permit: for work that must never be in the way.
    func whenIdle() async throws {
        try Task.checkCancellation()
        try await wait(forIdle: true)
    }

    private func wait(isolation: isolated (any Actor)? = #isolation, forIdle: Bool) async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let granted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = enter(Waiter(ticket: ticket, continuation: continuation), forIdle: forIdle)
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            leave(ticket)
        }
        state.withLock { _ = $0.dismissed.remove(ticket) }
        if !granted { throw CancellationError() }
    }

    /// Whether the wait is over before it began; `nil` if the waiter stands in line.
    private func enter(_ waiter: Waiter, forIdle: Bool) -> Bool? {
        state.withLock { state in
            if state.dismissed.contains(waiter.ticket) { return false }
            if forIdle {
                if state.free == total { return true }
                state.idleWaiting.append(waiter)
            } else {
                if state.free > 0, state.waiting.isEmpty {
                    state.free -= 1
                    return true
                }
                state.waiting.append(waiter)
            }
            return nil
        }
    }

    private func leave(_ ticket: Int) {
        let waiter = state.withLock { state -> Waiter? in
            if let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) {
                return state.waiting.remove(at: index)
            }
            if let index = state.idleWaiting.firstIndex(where: { $0.ticket == ticket }) {
                return state.idleWaiting.remove(at: index)
            }
            state.dismissed.insert(ticket)
            return nil
        }
        waiter?.continuation.resume(returning: false)
    }

    private func giveBack() {
        let next = state.withLock { state -> [Waiter] in
            // The permit goes from hand to hand, so that nobody who comes later is faster.
            if !state.waiting.isEmpty { return [state.waiting.removeFirst()] }
            state.free += 1
            guard state.free == total else { return [] }
            defer { state.idleWaiting = [] }
            return state.idleWaiting
        }
        for waiter in next { waiter.continuation.resume(returning: true) }
    }
}
