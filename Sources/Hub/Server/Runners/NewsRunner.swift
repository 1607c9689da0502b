import HubDomains
import Logging
import Postgres
import Protocol
import ServiceLifecycle

/// Listens to what other hubs, and this one, committed: commands for spokes that are linked here, revoked keys,
/// sessions that wait for a place, calls that were aborted.
struct NewsRunner: Service {
    let database: Database
    let domains: Domains
    let registry: LinkRegistry
    let placement: WakeBell
    let logger: Logger

    /// Rung by the store of keys when one is revoked or rotated; the payload is the key's id.
    private static let keys = "nave_keys"

    func run() async throws {
        let news = database.listen([
            CommandStore.channel, CallStore.channel, CoordinationDomain.placementChannel, Self.keys,
        ])
        for await one in news.cancelOnGracefulShutdown() {
            switch one {
            case .reconnected: await everythingMayHaveChanged()
            case .notified(CommandStore.channel, let spoke): await commandsStored(for: SpokeID(spoke))
            case .notified(CallStore.channel, let call): domains.calls.recorder.aborted(CallID(call))
            case .notified(Self.keys, let key): domains.authenticator.forget(KeyID(key))
            case .notified(CoordinationDomain.placementChannel, _): placement.ring()
            case .notified: break
            }
        }
    }

    private func everythingMayHaveChanged() async {
        domains.authenticator.forgetAll()
        placement.ring()
        for spoke in registry.spokes { await commandsStored(for: spoke) }
    }

    private func commandsStored(for spoke: SpokeID) async {
        guard let link = registry.link(to: spoke) else { return }
        do throws(Fault) {
            guard let head = try await domains.coordination.commands.head(spoke) else { return }
            link.commandsStored(next: head.next)
        } catch {
            // The database is away; when it is back the listener says so, and every spoke is asked about again.
            logger.debug("Commands could not be looked up.", metadata: ["spoke": "\(spoke)", "error": "\(error)"])
        }
    }
}
