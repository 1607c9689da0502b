import HubDomains
import Logging
import Postgres
import Protocol
import ServiceLifecycle

/// Listens to what other hubs, and this one, committed: commands for spokes that are linked here, keys that are not
/// accepted any more, settings, clients, sessions that wait for a place, calls that were aborted.
struct NewsRunner: Service {
    let database: Database
    let domains: Domains
    let registry: LinkRegistry
    let placement: WakeBell
    let sessionEnds: WakeBell
    let credentials: LinkCredentials
    let rates: RateSettings
    /// Rings when clients' web services are to be looked at.
    let services: WakeBell
    let logger: Logger

    func run() async throws {
        let news = database.listen([
            CommandStore.channel, CallStore.channel, CoordinationDomain.placementChannel, RegistrationStore.channel,
            KeyHolders.channel,
            SettingStore.channel, ClientServices.channel,
        ])
        for await one in news.cancelOnGracefulShutdown() {
            switch one {
            case .reconnected: await everythingMayHaveChanged()
            case .notified(CommandStore.channel, let spoke): await commandsStored(for: SpokeID(spoke))
            case .notified(CallStore.channel, let call):
                // The proof takes a while; other news does not wait for it.
                Task { await domains.calls.aborted(CallID(call)) }
            case .notified(RegistrationStore.channel, let spoke): await offersChanged([SpokeID(spoke)])
            case .notified(ClientServices.channel, let client): await clientsChanged([ClientID(client)])
            case .notified(KeyHolders.channel, let text):
                let holders = KeyHolders(text)
                domains.authenticator.forget(holders)
                await credentials.check(holders)
                Task { await endCalls(of: holders) }
            case .notified(SettingStore.channel, _): await rates.read()
            case .notified(CoordinationDomain.placementChannel, _):
                placement.ring()
                sessionEnds.ring()
            case .notified: break
            }
        }
    }

    private func everythingMayHaveChanged() async {
        domains.authenticator.forgetAll()
        placement.ring()
        await offersChanged(nil)
        await clientsChanged(nil)
        await credentials.check(nil)
        await rates.read()
        for spoke in registry.spokes { await commandsStored(for: spoke) }
    }

    private func endCalls(of holders: KeyHolders) async {
        do throws(Fault) { try await domains.calls.endOfKeys(holders) } catch {
            // The database is away; a runner asks again every second.
            logger.debug("Keys of calls could not be looked up.", metadata: ["error": "\(error)"])
        }
    }

    private func offersChanged(_ spokes: [SpokeID]?) async {
        do throws(Fault) {
            try await domains.providers.refresh(spokes)
        } catch {
            // The same: when the database is back, all of them are read anew.
            logger.debug("Offers could not be looked up.", metadata: ["error": "\(error)"])
        }
    }

    private func clientsChanged(_ clients: [ClientID]?) async {
        do throws(Fault) { try await domains.services.refresh(clients) } catch {
            // The same.
            logger.debug("Web services could not be looked up.", metadata: ["error": "\(error)"])
        }
        services.ring()
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
