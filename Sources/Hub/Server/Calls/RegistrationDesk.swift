import HubCore
import HubDomains
import Logging
import Protocol

/// Takes in what spokes offer: checks it, stores it, and has this process know it before the spoke is answered.
struct RegistrationDesk: Sendable {
    let check: RegistrationCheck
    let store: RegistrationStore
    let spokes: SpokeStore
    let board: ProviderBoard
    let logger: Logger

    /// A spoke said hello, or that its offer has changed. `nil` if its offer is known by its hash only and the hub
    /// does not know it: then the welcome asked for it.
    ///
    /// - Fails with `conflict` if another start of the spoke took over; with `unavailable` while the database is away.
    func take(
        _ offer: OperationsSummary,
        of spoke: SpokeID,
        incarnation: String
    ) async throws(Fault) -> OperationsTaken? {
        if let agents = offer.agents { try await spokes.keep(agents, of: spoke, incarnation: incarnation) }
        let taken: OperationsTaken?
        if let specs = offer.specs {
            taken = try await store.register(check.read(specs), hash: offer.hash, of: spoke, incarnation: incarnation)
        } else if offer.hash.isEmpty {
            // A spoke that offers nothing, or of the time before spokes offered anything.
            guard board.isOffering(spoke) else { return nil }
            let nothing = RegistrationCheck.Outcome(specs: [], refusals: [])
            _ = try await store.register(nothing, hash: "", of: spoke, incarnation: incarnation)
            taken = nil
        } else {
            _ = try await store.resume(spoke, incarnation: incarnation, hash: offer.hash)
            taken = nil
        }
        try await board.refresh([spoke])
        if let taken {
            logger.info(
                "A spoke's operations are registered.",
                metadata: ["spoke": "\(spoke)", "count": "\(taken.registered)", "refused": "\(taken.refusals.count)"]
            )
        }
        return taken
    }
}
