import HubDomains
import Protocol

/// Saying no before the first value: for a door whose answer has a status.
extension CallDesk {
    /// Lets a subscription in that ``subscribe(_:_:by:lastEventId:deliver:)`` would begin, and counts it against its
    /// key's rate, before anything is looked up for it. What is refused is counted as a call and leaves its node; what
    /// is let in does so when it has ended.
    ///
    /// - Returns: the caller to subscribe by.
    /// - Fails with `rateLimited`, or with what the subscription would fail with before its first value.
    func admitSubscription(_ name: String, _ input: JSONValue, by caller: Caller) async throws(Fault) -> Caller {
        let (called, began) = (called(name, by: caller), ContinuousClock.now)
        var caller = caller
        do throws(Fault) {
            try meter(caller)
            caller.isMetered = true
            try await checkSubscription(name, input, by: caller)
            return caller
        } catch {
            let (refused, asking) = (error, caller)
            return try await counted(called, since: began) { () async throws(Fault) -> Caller in
                // Who asks too often is not written down either.
                guard asking.isMetered else { throw refused }
                return try await recorded(called, input, by: asking, outcome: { _ in .failed(refused) }) {
                    (_) async throws(Fault) -> Caller in throw refused
                }
            }
        }
    }

    /// Counts a call against its key's rate, unless that was done or the hub itself asks.
    ///
    /// - Fails with `rateLimited`.
    func meter(_ caller: Caller) throws(Fault) {
        guard !caller.isComposed, !caller.isMetered else { return }
        try limiter.count(callOf: caller.principal)
    }
}
