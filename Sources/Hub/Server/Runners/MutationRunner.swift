import Protocol
import Synchronization

/// Runs what must be finished and recorded once it began, whether or not its caller still waits.
enum MutationRunner {
    /// Answers as `work` does. If the caller is cancelled first, it stops waiting and `work` goes on to its end.
    ///
    /// - Parameter left: What is said of a caller that left.
    static func finish<Value: Sendable>(
        left: String = "The caller left; what it asked for goes on to its end.",
        _ work: @escaping @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let race = Race<Value>()
        let outcome: Result<Value, Fault> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                race.wait(continuation)
                // Not a child: it outlives whoever asked. It ends by itself, since every statement has a deadline.
                Task {
                    do throws(Fault) { race.settle(.success(try await work())) } catch { race.settle(.failure(error)) }
                }
            }
        } onCancel: {
            race.settle(.failure(Fault(.aborted, left)))
        }
        return try outcome.get()
    }

    /// The first of several outcomes.
    private final class Race<Value: Sendable>: Sendable {
        private struct State {
            var waiter: CheckedContinuation<Result<Value, Fault>, Never>?
            var outcome: Result<Value, Fault>?
        }

        private let state = Mutex(State())

        func wait(_ waiter: CheckedContinuation<Result<Value, Fault>, Never>) {
            let outcome = state.withLock { state in
                if state.outcome == nil { state.waiter = waiter }
                return state.outcome
            }
            if let outcome { waiter.resume(returning: outcome) }
        }

        func settle(_ outcome: Result<Value, Fault>) {
            let waiter = state.withLock { state -> CheckedContinuation<Result<Value, Fault>, Never>? in
                guard state.outcome == nil else { return nil }
                state.outcome = outcome
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: outcome)
        }
    }
}
