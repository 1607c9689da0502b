public import HubCore
import Protocol
import Synchronization

/// Where the word on a recalled call arrives: from the link over which it was asked, or from whoever ran it here.
public final class StopProof: Sendable {
    private struct State {
        var finding: StopFinding?
        var isTaken = false
        var waiters: [CheckedContinuation<StopFinding, Never>] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// A link will say what became of the call: its end here proves nothing yet.
    public func take() { state.withLock { $0.isTaken = true } }

    /// The word. The first one counts.
    public func settle(_ finding: StopFinding) {
        let waiters = state.withLock { state -> [CheckedContinuation<StopFinding, Never>] in
            guard state.finding == nil else { return [] }
            state.finding = finding
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: finding) }
    }

    /// The call is over here, which is the word if no link has to say one.
    func ended(_ finding: StopFinding) {
        guard !state.withLock({ $0.isTaken }) else { return }
        settle(finding)
    }

    /// What became of the call, as soon as that is known; `unreachable` once the time is over.
    func finding(within limit: Duration) async -> StopFinding {
        let timer = Task {
            // Cancelled when the word came.
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            self.settle(StopFinding(.unreachable))
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { waiter in
            let known = state.withLock { state -> StopFinding? in
                if state.finding == nil { state.waiters.append(waiter) }
                return state.finding
            }
            if let known { waiter.resume(returning: known) }
        }
    }
}
