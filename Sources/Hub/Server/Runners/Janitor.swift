import HubDomains
import Protocol

/// Forgets what nobody asks for any more, in batches that disturb nobody.
struct Janitor: Sendable {
    let domains: Domains

    /// Batches of one kind in one round: what is left is for the next.
    private static let batchesMax = 100

    /// One round.
    func sweep() async throws(Fault) {
        _ = try await domains.joinTokens.prune()
        _ = try await domains.mutations.prune()
        try await domains.coordination.prune()
        let settings = try await domains.settings.values(of: RetentionSetting.allCases.map(\.key))
        func days(_ setting: RetentionSetting) -> Int { setting.days(settings[setting.key]) }
        try await repeated { () async throws(Fault) in
            try await domains.mutations.pruneAudit(olderThanDays: days(.audit))
        }
        try await repeated { () async throws(Fault) in
            try await domains.coordination.pruneOutput(olderThanDays: days(.output))
        }
        _ = try await domains.calls.prune(olderThanDays: days(.call))
    }

    private func repeated(_ batch: () async throws(Fault) -> Int) async throws(Fault) {
        for _ in 0..<Self.batchesMax where !Task.isCancelled {
            guard try await batch() > 0 else { return }
        }
    }
}
