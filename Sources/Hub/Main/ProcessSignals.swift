@preconcurrency import Dispatch
import Foundation
import Synchronization

/// Waits for the signals that end the process: the first drains, the second ends at once.
final class SignalWatch: Sendable {
    private let sources: [any DispatchSourceSignal]

    /// - Parameters:
    ///   - drain: Called once, at the first SIGTERM or SIGINT.
    ///   - leave: Called at the second, just before the process ends; it must not wait for anything.
    init(drain: @escaping @Sendable () -> Void, leave: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "hub.signals")
        let count = SignalCount()
        signal(SIGPIPE, SIG_IGN)
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // Two that came before the first was seen are two.
                if count.add(Int(source.data)) > 1 {
                    leave()
                    _exit(128 + number)
                }
                drain()
            }
            source.resume()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}

/// Counts signals.
private final class SignalCount: Sendable {
    private let count = Mutex(0)

    /// How many there were so far, with these.
    func add(_ more: Int) -> Int {
        count.withLock { count in
            count += max(1, more)
            return count
        }
    }
}

/// The wish that the process ends, from wherever it comes to whatever is under way when it comes.
final class StopSwitch: Sendable {
    private struct State {
        var isPulled = false
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var isPulled: Bool { state.withLock { $0.isPulled } }

    /// Does this when the switch is pulled, in place of what was to be done before; at once if it was pulled already.
    func whenPulled(_ action: @escaping @Sendable () -> Void) {
        let isPulled = state.withLock { state in
            state.action = action
            return state.isPulled
        }
        if isPulled { action() }
    }

    func pull() {
        let action = state.withLock { state in
            state.isPulled = true
            return state.action
        }
        action?()
    }
}
