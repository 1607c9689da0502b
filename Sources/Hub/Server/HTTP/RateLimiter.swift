import HubCore
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

    /// Counts one call of a key.
    ///
    /// - Fails with `rateLimited` and when to come back.
    func count(call key: String) throws(Fault) {
        let now = timekeeper.now()
        guard let wait = calls.withLock({ $0.take(for: key, at: now) }) else { return }
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
