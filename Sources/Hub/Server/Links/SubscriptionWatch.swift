import HubDomains
import Protocol
import Synchronization

/// Ends a subscription when the key that it was asked for with is not accepted any more. A call is over before that
/// matters; a subscription may run for days.
struct SubscriptionWatch: Sendable {
    let keys: KeyStore

    /// The same delivery, with a look at the key before a value whenever the last look is longer ago than
    /// ``Limits/credentialCache``.
    ///
    /// - Fails with `unauthenticated` once the key is not accepted. While the database is away, what was accepted is.
    func guarding(
        _ principal: Principal,
        _ deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) -> @Sendable (StreamedValue) async throws(Fault) -> Void {
        guard let key = principal.keyId else { return deliver }
        let due = Due()
        return { (value) async throws(Fault) in
            if due.isDue(), await isRefused(key) {
                throw Fault(.unauthenticated, "The key is not accepted any more; ask again with another.")
            }
            try await deliver(value)
        }
    }

    private func isRefused(_ key: KeyID) async -> Bool {
        do throws(Fault) {
            return try await !keys.accepted(among: [key]).contains(key)
        } catch {
            return false
        }
    }

    /// When the next look is due.
    private final class Due: Sendable {
        private let next = Mutex(ContinuousClock.now + Limits.credentialCache)

        func isDue() -> Bool {
            let now = ContinuousClock.now
            return next.withLock { next in
                guard now >= next else { return false }
                next = now + Limits.credentialCache
                return true
            }
        }
    }
}
