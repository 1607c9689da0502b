import HubDomains
import Protocol

/// Forgets what nobody asks for any more, in batches that disturb nobody.
struct Janitor: Sendable {
    let domains: Domains

    /// One round.
    func sweep() async throws(Fault) {
        _ = try await domains.joinTokens.prune()
        _ = try await domains.mutations.prune()
        try await domains.coordination.prune()
        try await domains.calls.prune()
    }
}
