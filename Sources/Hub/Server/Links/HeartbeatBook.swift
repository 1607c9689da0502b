import Foundation
import HubDomains
import Protocol
import Synchronization

/// The last heartbeat of each spoke, in memory until the next flush. However large the fleet, Postgres hears of it
/// in one statement per interval.
final class HeartbeatBook: Sendable {
    private let entries = Mutex<[SpokeID: SpokeBeat]>([:])

    func note(_ spoke: SpokeID, incarnation: String, _ heartbeat: LinkHeartbeat) {
        let beat = SpokeBeat(spokeId: spoke, incarnation: incarnation, at: Date(), load: heartbeat.load)
        entries.withLock { $0[spoke] = beat }
    }

    /// What has come since the last time.
    func takeAll() -> [SpokeBeat] {
        entries.withLock { entries in
            let taken = entries.values.sorted { $0.spokeId < $1.spokeId }
            entries.removeAll(keepingCapacity: true)
            return taken
        }
    }

    /// A flush failed: what has no later entry meanwhile waits for the next one.
    func putBack(_ taken: [SpokeBeat]) {
        entries.withLock { entries in
            for entry in taken where entries[entry.spokeId] == nil { entries[entry.spokeId] = entry }
        }
    }
}
