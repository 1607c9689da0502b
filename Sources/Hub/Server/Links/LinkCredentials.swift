import HubCore
import HubDomains
import Logging
import Protocol

/// Sees to it that a link ends when its credential does: revoked, expired, switched off, of a locked account or a spoke
/// that was removed.
struct LinkCredentials: Sendable {
    let registry: LinkRegistry
    let keys: KeyStore
    let logger: Logger

    /// Closes links whose key would not be let in now.
    ///
    /// - Parameter holders: Only looks at the links of these; at all of them if `nil`.
    func check(_ holders: KeyHolders?) async {
        let links = registry.sessions { holders?.include($0) ?? true }
        let coordinators = registry.coordinators { holders?.include($0) ?? true }
        let shown = Set((links.map(\.principal) + coordinators.map(\.principal)).compactMap(\.keyId))
        guard !shown.isEmpty else { return }
        do throws(Fault) {
            let accepted = try await keys.accepted(among: Array(shown))
            for coordinator in coordinators {
                guard let key = coordinator.principal.keyId, !accepted.contains(key) else { continue }
                logger.notice("A coordinator's connection ends with its credential.", metadata: ["key": "\(key)"])
                coordinator.leave(Self.goodbye)
            }
            for link in links {
                guard let key = link.principal.keyId, !accepted.contains(key) else { continue }
                logger.notice(
                    "A link ends with its credential.",
                    metadata: ["spoke": "\(link.spoke)", "key": "\(key)"]
                )
                link.leave(Self.goodbye)
            }
        } catch {
            // The database is away; the next round asks again.
            logger.debug("Credentials could not be looked up.", metadata: ["error": "\(error)"])
        }
    }

    /// Spokes treat a reason that they do not know like a restart: they dial again, and are told why they may not.
    private static let goodbye = LinkGoodbye(
        reason: .init(rawValue: "credential"),
        message: "The credential of this connection is not accepted any more."
    )
}

/// Keeps the hub's meters at the rates that its settings say.
struct RateSettings: Sendable {
    let settings: SettingStore
    let limiter: RateLimiter
    /// What the hub was started with.
    let usual: CallRate
    let logger: Logger

    /// Reads the settings anew.
    func read() async {
        do throws(Fault) {
            let rate = try await settings.callRate(otherwise: usual)
            limiter.meter(by: .init(perSecond: rate.perSecond, burst: rate.burst))
        } catch {
            // The database is away; when it is back the listener says so.
            logger.debug("Settings could not be read.", metadata: ["error": "\(error)"])
        }
    }
}
