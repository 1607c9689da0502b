import HubDomains
import Protocol
import WebTransport

/// The hub's own subscriptions, and what bounds any in time.
extension CallDesk {
    typealias Delivery = @Sendable (StreamedValue) async throws(Fault) -> Void

    /// Ends a subscription with `timeout` when its consumer's deadline has come.
    func within(
        _ deadline: Duration?,
        _ name: String,
        _ work: @escaping @Sendable () async throws(Fault) -> Void
    ) async throws(Fault) {
        guard let deadline else { return try await work() }
        try await withDeadline(
            deadline,
            late: "\(name) was still going on at its deadline, after \(deadline.milliseconds) ms.",
            left: "The consumer of \(name) left.",
            work
        )
    }

    /// One of the hub's own subscriptions, to its end: `timeout` when it said nothing for its consumer's idle time. The
    /// time stands still while the consumer takes a value.
    func told(
        _ name: String,
        _ input: JSONValue,
        by caller: Caller,
        lastEventId: String?,
        of call: OpenCall?,
        deliver: @escaping Delivery
    ) async throws(Fault) {
        @Sendable func tell(_ deliver: @escaping Delivery) async throws(Fault) {
            try await operations.subscribe(
                name,
                input: input,
                lastEventId: lastEventId,
                by: caller,
                begin: { () async throws(Fault) in
                    if let call { try await recorder.dispatch(call, to: provider) }
                },
                deliver: deliver
            )
        }
        guard let idle = caller.idleTimeout else { return try await tell(deliver) }
        let listening = Listening(for: idle)
        let silent = Fault(.timeout, "\(name) said nothing for \(idle.milliseconds) ms and was given up.")
        try await listening.bound(otherwise: silent) { () async throws(Fault) in
            try await tell { (value) async throws(Fault) in
                listening.busy()
                defer { listening.heard() }
                try await deliver(value)
            }
        }
    }
}
