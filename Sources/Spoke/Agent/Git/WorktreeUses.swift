import Protocol
import Synchronization

/// How many calls work in each worktree just now: none is removed under a call.
final class WorktreeUses: Sendable {
    private struct State {
        var counts: [WorkspaceID: Int] = [:]
        var closed: Set<WorkspaceID> = []
    }

    private let state = Mutex(State())

    /// How long a removal waits for the calls that are under way.
    static let patience = Duration.seconds(10)

    /// Takes a place in the worktree; false while it is being removed.
    func begin(_ id: WorkspaceID) -> Bool {
        state.withLock { state in
            guard !state.closed.contains(id) else { return false }
            state.counts[id, default: 0] += 1
            return true
        }
    }

    /// Gives it back.
    func end(_ id: WorkspaceID) {
        state.withLock { state in
            let left = (state.counts[id] ?? 1) - 1
            state.counts[id] = left > 0 ? left : nil
        }
    }

    /// Calls that work there.
    func count(_ id: WorkspaceID) -> Int { state.withLock { $0.counts[id] ?? 0 } }

    /// Lets nobody in any more, and waits until those inside have left.
    ///
    /// - Returns: how many are still inside after the wait.
    func close(_ id: WorkspaceID, patience: Duration = WorktreeUses.patience) async -> Int {
        state.withLock { _ = $0.closed.insert(id) }
        let deadline = ContinuousClock.now + patience
        while count(id) > 0, ContinuousClock.now < deadline {
            // Cancelled means that whoever removes has no time either.
            do { try await Task.sleep(for: .milliseconds(10)) } catch { break }
        }
        return count(id)
    }

    /// The worktree stays after all, or is gone: the store says which.
    func open(_ id: WorkspaceID) { state.withLock { _ = $0.closed.remove(id) } }
}
