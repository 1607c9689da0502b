import NIOCore
import NIOPosix
import Protocol
import Synchronization

/// What was waited for did not come in time.
struct DeadlinePassed: Error {}

/// Runs `work` for at most `wait`; cancels it then, and throws ``DeadlinePassed`` when it has ended.
func withDeadline<Value: Sendable>(
    _ wait: Duration,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    // Not a child: a child could not be cancelled without all that is around it.
    let task = Task { try await work() }
    let hasPassed = Flag()
    let ticket = Deadlines.shared.add(in: wait) {
        hasPassed.raise()
        task.cancel()
    }
    defer { Deadlines.shared.remove(ticket) }
    let outcome = await withTaskCancellationHandler {
        await task.result
    } onCancel: {
        task.cancel()
    }
    // What ends because it was cancelled may end without a word: the time was up all the same.
    if hasPassed.isUp { throw DeadlinePassed() }
    return try outcome.get()
}

/// The same for work that fails with faults: `late` once the time was over, `ABORTED` with `left` when whoever waits
/// left before.
func withDeadline<Value: Sendable>(
    _ wait: Duration,
    late: String,
    left: String,
    _ work: @escaping @Sendable () async throws(Fault) -> Value
) async throws(Fault) -> Value {
    do {
        return try await withDeadline(wait) { try await work() }
    } catch let fault as Fault {
        throw fault
    } catch is DeadlinePassed {
        throw Fault(.timeout, late)
    } catch {
        throw Fault(.aborted, left)
    }
}

/// Says once that something has happened.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isUp: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

/// The deadlines of everything that is under way, on one timer.
///
/// A sleeping task per deadline would outlive what it waits for: cancelled or not, its timer stays with the system
/// until it fires, and a busy hub has thousands of calls a second that may take minutes.
final class Deadlines: Sendable {
    static let shared = Deadlines()

    private struct Entry {
        let at: NIODeadline
        let pass: @Sendable () -> Void
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var lastTicket = 0
        var timer: Scheduled<Void>?
        /// No later than the earliest deadline: firing too early costs one look.
        var armedFor: NIODeadline?
    }

    private let state = Mutex(State())
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.any()

    /// Does `pass` once, on any thread, unless it is removed before.
    func add(in wait: Duration, _ pass: @escaping @Sendable () -> Void) -> Int {
        let at = NIODeadline.now() + .nanoseconds(max(0, wait.nanoseconds))
        return state.withLock { state in
            state.lastTicket += 1
            state.entries[state.lastTicket] = Entry(at: at, pass: pass)
            arm(&state, for: at)
            return state.lastTicket
        }
    }

    func remove(_ ticket: Int) { state.withLock { _ = $0.entries.removeValue(forKey: ticket) } }

    private func arm(_ state: inout State, for deadline: NIODeadline) {
        if let armed = state.armedFor, armed <= deadline { return }
        state.timer?.cancel()
        state.armedFor = deadline
        state.timer = eventLoop.scheduleTask(deadline: deadline) { self.look() }
    }

    private func look() {
        let due = state.withLock { state in
            let now = NIODeadline.now()
            let due = state.entries.filter { $0.value.at <= now }
            for ticket in due.keys { state.entries[ticket] = nil }
            (state.timer, state.armedFor) = (nil, nil)
            if let next = state.entries.values.map(\.at).min() { arm(&state, for: next) }
            return due.values.map(\.pass)
        }
        for pass in due { pass() }
    }
}
