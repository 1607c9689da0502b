import Protocol
import Synchronization

/// The agents that the owner wants just now, by name; they change when `spoke.yaml` does. A session keeps the profile
/// that it began with.
final class AgentProfiles: Sendable {
    private let profiles: Mutex<[String: AgentProfile]>

    init(_ profiles: [String: AgentProfile]) { self.profiles = Mutex(profiles) }

    subscript(name: String) -> AgentProfile? { profiles.withLock { $0[name] } }

    var names: [String] { profiles.withLock { $0.keys.sorted() } }

    /// Runs these from here on.
    ///
    /// - Returns: whether that changed anything.
    func replace(_ wanted: [String: AgentProfile]) -> Bool {
        profiles.withLock { profiles in
            guard profiles != wanted else { return false }
            profiles = wanted
            return true
        }
    }

    /// What the hub is told of them, by name.
    var offers: [AgentOffer] {
        profiles.withLock { $0 }.sorted { $0.key < $1.key }.map { name, profile in profile.offer(as: name) }
    }
}
