import Dispatch
import Protocol
import Synchronization

/// Work that blocks on a disk, kept away from the threads on which everything else runs.
struct Offload: Sendable {
    /// Pieces of work at a time: a search through a large tree must not starve the reading of one file.
    private let permits: Permits

    init(width: Int) { permits = Permits(width) }

    /// Runs `work` on a thread of its own. It is told when nobody waits for it any more, and ends early.
    ///
    /// - Fails with `ABORTED` when the task is cancelled before its turn.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable (Abandonment) throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let abandonment = Abandonment()
        do {
            return try await permits.with {
                try await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        DispatchQueue.global().async {
                            continuation.resume(returning: Result { () throws(Fault) in try work(abandonment) })
                        }
                    }
                } onCancel: {
                    abandonment.happen()
                }.get()
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.aborted, "The call was aborted while it waited for its turn.")
        }
    }
}

/// Whether the caller has left.
final class Abandonment: Sendable {
    private let flag = Atomic(false)

    var hasHappened: Bool { flag.load(ordering: .relaxed) }

    func happen() { flag.store(true, ordering: .relaxed) }

    /// - Throws: `ABORTED` once it has.
    func check() throws(Fault) {
        if hasHappened { throw Fault(.aborted, "The caller left before the search was over.") }
    }
}
