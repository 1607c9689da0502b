import HubDomains
import Protocol

/// Turns a credential into a principal, for every door.
struct DoorKeeper: Sendable {
    let authenticator: Authenticator
    let limiter: RateLimiter

    /// - Fails with `unauthenticated` for a missing, unknown, expired or revoked credential, with `rateLimited` for
    ///   an address that tries too many, with `unavailable` while it cannot be looked up.
    func admit(_ credential: String?, from address: String) async throws(Fault) -> Principal {
        guard let credential else {
            throw Fault(.unauthenticated, "Send a key in the Authorization header: Bearer nave_….")
        }
        return try await admit(ShownKey(credential), from: address)
    }

    /// The same for a route that is no call: the request counts like one against its key's rate.
    ///
    /// - Fails with `rateLimited`, too, for a key that asks too often.
    func admitMetered(_ credential: String?, from address: String) async throws(Fault) -> Principal {
        let principal = try await admit(credential, from: address)
        try limiter.count(callOf: principal)
        return principal
    }

    /// The same for a key that was read before.
    func admit(_ key: ShownKey, from address: String) async throws(Fault) -> Principal {
        do throws(Fault) {
            return try await authenticator.principal(of: key)
        } catch {
            if error.code == .unauthenticated { try limiter.count(refusalOf: address) }
            throw error
        }
    }
}
