public import Protocol

/// Forgets what nobody asks for any more, in batches that disturb nobody.
public struct Janitor: Sendable {
    private let domains: Domains

    public init(domains: Domains) { self.domains = domains }

    /// How long one kind is seen to in one round: what is left then is for the next.
    private static let patience = Duration.seconds(30)

    /// One round. Of each kind goes what may go, as far as there is time for it.
    public func sweep() async throws(Fault) {
        try await repeated(domains.joinTokens.prune)
        try await repeated(domains.mutations.prune)
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
        let end = ContinuousClock.now + Self.patience
        while ContinuousClock.now < end, !Task.isCancelled {
            guard try await batch() > 0 else { return }
        }
    }
}
