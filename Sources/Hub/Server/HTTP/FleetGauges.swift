import Protocol
import Synchronization

/// What the heartbeats of the spokes that are connected here say, summed up: a fleet of any size is a few numbers.
final class FleetGauges: Sendable {
    private struct Entry {
        var lag: Int64
        var sessions: Int
    }

    private let entries = Mutex<[SpokeID: Entry]>([:])

    /// A spoke was heard. `applied` is how far its journal is committed here, as far as its link knows.
    func heard(_ spoke: SpokeID, _ heartbeat: LinkHeartbeat, applied: Int64) {
        let entry = Entry(lag: max(0, heartbeat.journalNext - 1 - applied), sessions: heartbeat.sessions)
        entries.withLock { $0[spoke] = entry }
    }

    /// A spoke is connected here no more.
    func parted(_ spoke: SpokeID) { entries.withLock { _ = $0.removeValue(forKey: spoke) } }

    /// Records that spokes have and the hub has not: of all spokes, and of the one that is furthest behind.
    var lag: (sum: Int64, most: Int64) {
        entries.withLock { entries in
            (entries.values.reduce(0) { $0 + $1.lag }, entries.values.map(\.lag).max() ?? 0)
        }
    }

    /// Sessions that run on them.
    var sessions: Int { entries.withLock { $0.values.reduce(0) { $0 + $1.sessions } } }
}
