import HubDomains
import Protocol
import WebTransport

/// What bounds a subscription in time.
extension CallDesk {
    typealias Delivery = @Sendable (StreamedValue) async throws(Fault) -> Void

    /// Ends a subscription with `timeout` when its consumer's deadline has come.
    func within(
        _ deadline: Duration?,
        _ name: String,
        _ work: @escaping @Sendable () async throws(Fault) -> Void
    ) async throws(Fault) {
        guard let deadline else { return try await work() }
        do {
            try await withDeadline(deadline) { try await work() }
        } catch let fault as Fault {
            throw fault
        } catch is DeadlinePassed {
            throw Fault(.timeout, "\(name) was still going on at its deadline, after \(deadline.milliseconds) ms.")
        } catch {
            throw Fault(.aborted, "The consumer of \(name) left.")
        }
    }

    /// Ends one of the hub's own subscriptions with `timeout` when it said nothing for its consumer's idle time. The
    /// time stands still while the consumer takes a value.
    func listening(
        for idle: Duration?,
        _ name: String,
        _ deliver: @escaping Delivery,
        _ work: @escaping @Sendable (@escaping Delivery) async throws(Fault) -> Void
    ) async throws(Fault) {
        guard let idle else { return try await work(deliver) }
        let listening = Listening(for: idle)
        let silent = Fault(.timeout, "\(name) said nothing for \(idle.milliseconds) ms and was given up.")
        try await listening.bound(otherwise: silent) { () async throws(Fault) in
            try await work { (value) async throws(Fault) in
                listening.busy()
                defer { listening.heard() }
                try await deliver(value)
            }
        }
    }
}
