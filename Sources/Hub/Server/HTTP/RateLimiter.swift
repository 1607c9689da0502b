import HubCore
import HubDomains
import Protocol
import Synchronization
import Transport

/// Meters callers by key and strangers by address.
final class RateLimiter: Sendable {
    private let timekeeper: any Timekeeper
    private let calls: Mutex<RateTable>
    private let refusals: Mutex<RateTable>

    init(calls: TokenBucket.Rate, refusals: TokenBucket.Rate, timekeeper: any Timekeeper) {
        self.timekeeper = timekeeper
        self.calls = Mutex(RateTable(calls))
        self.refusals = Mutex(RateTable(refusals))
    }

    /// Keys without a rate of their own are metered by this one from here on.
    func meter(by rate: TokenBucket.Rate) { calls.withLock { $0.rate = rate } }

    /// Counts one call of a key.
    ///
    /// - Fails with `rateLimited` and when to come back.
    func count(callOf principal: Principal) throws(Fault) {
        let now = timekeeper.now()
        let own = principal.callRate.map { TokenBucket.Rate(perSecond: $0.perSecond, burst: $0.burst) }
        guard let wait = calls.withLock({ $0.take(for: principal.rateKey, own: own, at: now) }) else { return }
        throw Fault(.rateLimited, "This key asks too often; wait as long as Retry-After says.").retry(after: wait)
    }

    /// Counts one attempt with a credential that is not known.
    ///
    /// - Fails with `rateLimited` for an address that tries too many.
    func count(refusalOf address: String) throws(Fault) {
        let now = timekeeper.now()
        guard let wait = refusals.withLock({ $0.take(for: address, at: now) }) else { return }
        throw Fault(.rateLimited, "Too many unknown credentials came from your address; wait and use a valid one.")
            .retry(after: wait)
    }
}
