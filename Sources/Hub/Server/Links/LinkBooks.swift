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
///
/// The word that a spoke is gone must not overtake, or be overtaken by, its next hello: a hello waits for a parting of
/// its spoke that is being written, and takes back one that is not.
final class PartingBook: Sendable {
    /// A link that ended.
    struct Entry: Sendable {
        var incarnation: String
        var reason: String
    }

    private struct State {
        var entries: [SpokeID: Entry] = [:]
        var written: (spoke: SpokeID, waiters: [CheckedContinuation<Void, Never>])?
    }

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// - Parameter wake: Called when there is something to write.
    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    func note(_ spoke: SpokeID, incarnation: String, reason: String) {
        state.withLock { $0.entries[spoke] = Entry(incarnation: incarnation, reason: reason) }
        wake()
    }

    /// The spoke is about to say hello again: nothing of its former link will be written after this returns.
    func takeBack(_ spoke: SpokeID) async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                state.entries[spoke] = nil
                guard state.written?.spoke == spoke else { return true }
                state.written?.waiters.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// Spokes with a parting to write.
    var spokes: [SpokeID] { state.withLock { $0.entries.keys.sorted() } }

    /// Writes one parting, if it still stands. One at a time. What fails stands again.
    func write(
        _ spoke: SpokeID,
        _ write: (Entry) async throws(Fault) -> Void
    ) async throws(Fault) {
        let entry = state.withLock { state -> Entry? in
            precondition(state.written == nil, "Partings are written one at a time.")
            guard let entry = state.entries.removeValue(forKey: spoke) else { return nil }
            state.written = (spoke, [])
            return entry
        }
        guard let entry else { return }
        do throws(Fault) {
            try await write(entry)
            end(standing: nil)
        } catch {
            end(standing: entry)
            throw error
        }
    }

    private func end(standing entry: Entry?) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard let written = state.written else { return [] }
            // Whoever waited says hello next, and the failed word is out of date.
            if let entry, written.waiters.isEmpty, state.entries[written.spoke] == nil {
                state.entries[written.spoke] = entry
            }
            state.written = nil
            return written.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

private func exchange<Value>(_ place: inout Value, with replacement: Value) -> Value {
    let former = place
    place = replacement
    return former
}
