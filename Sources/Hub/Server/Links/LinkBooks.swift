import Protocol
import Synchronization

/// Which commands each spoke has for ever, until the next flush. Losing an entry costs nothing: the spoke says how
/// far it is in its next hello.
final class AcknowledgementBook: Sendable {
    private let positions = Mutex<[SpokeID: StreamPosition]>([:])
    private let wake: @Sendable () -> Void

    /// - Parameter wake: Called when there is something to flush.
    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    func note(_ spoke: SpokeID, _ position: StreamPosition) {
        positions.withLock { $0[spoke] = position }
        wake()
    }

    /// What has come since the last time.
    func takeAll() -> [SpokeID: StreamPosition] { positions.withLock { exchange(&$0, with: [:]) } }

    /// A flush failed: what has no later entry meanwhile waits for the next one.
    func putBack(_ taken: [SpokeID: StreamPosition]) {
        positions.withLock { positions in positions.merge(taken) { later, _ in later } }
    }
}

/// Spokes whose links ended, until the database knows. Kept while it is away.
final class PartingBook: Sendable {
    /// A link that ended.
    struct Entry: Sendable {
        var incarnation: String
        var reason: String
    }

    private let entries = Mutex<[SpokeID: Entry]>([:])
    private let wake: @Sendable () -> Void

    /// - Parameter wake: Called when there is something to flush.
    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    func note(_ spoke: SpokeID, incarnation: String, reason: String) {
        entries.withLock { $0[spoke] = Entry(incarnation: incarnation, reason: reason) }
        wake()
    }

    /// The spoke is back before anyone wrote that it had gone.
    func forget(_ spoke: SpokeID) { entries.withLock { $0[spoke] = nil } }

    func takeAll() -> [SpokeID: Entry] { entries.withLock { exchange(&$0, with: [:]) } }

    /// A flush failed: what has no later entry meanwhile waits for the next one.
    func putBack(_ taken: [SpokeID: Entry]) {
        entries.withLock { entries in entries.merge(taken) { later, _ in later } }
    }
}

private func exchange<Value>(_ place: inout Value, with replacement: Value) -> Value {
    let former = place
    place = replacement
    return former
}
