import Foundation
import Protocol
import Synchronization

/// The last heartbeat of each spoke, in memory until the next flush. However large the fleet, Postgres hears of it
/// in one statement per interval.
final class HeartbeatBook: Sendable {
    /// One spoke's last sign of life.
    struct Entry: Sendable {
        var spoke: SpokeID
        var load: HostLoad?
        var at: Date
    }

    private let entries = Mutex<[SpokeID: Entry]>([:])

    func note(_ spoke: SpokeID, _ heartbeat: LinkHeartbeat) {
        entries.withLock { $0[spoke] = Entry(spoke: spoke, load: heartbeat.load, at: Date()) }
    }

    /// What has come since the last time.
    func takeAll() -> [Entry] {
        entries.withLock { entries in
            let taken = entries.values.sorted { $0.spoke < $1.spoke }
            entries.removeAll(keepingCapacity: true)
            return taken
        }
    }

    /// A flush failed: what has no later entry meanwhile waits for the next one.
    func putBack(_ taken: [Entry]) {
        entries.withLock { entries in
            for entry in taken where entries[entry.spoke] == nil { entries[entry.spoke] = entry }
        }
    }
}
