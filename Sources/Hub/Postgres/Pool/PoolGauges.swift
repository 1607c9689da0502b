public import Synchronization

/// How a pool of connections stands at the moment, for whoever watches it. Written by the pool's thread.
public final class PoolGauges: Sendable {
    /// Connections that are open.
    public let open = Atomic<Int>(0)
    /// Of these, the ones with a statement or transaction on them.
    public let busy = Atomic<Int>(0)
    /// Statements and transactions that wait for a connection.
    public let waiting = Atomic<Int>(0)

    func show(_ pool: PoolMachine) {
        open.store(pool.slots.count(where: \.isOpen), ordering: .relaxed)
        busy.store(pool.slots.count { $0.isOpen && ($0.load > 0 || $0.isLeased) }, ordering: .relaxed)
        waiting.store(pool.statements.count + pool.leases.count, ordering: .relaxed)
    }
}
