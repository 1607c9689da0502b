import HubDomains
import Protocol
import Synchronization

/// Who is connected to this process: at most one open link per spoke.
final class LinkRegistry: Sendable {
    private struct State {
        var open: [SpokeID: LinkSession] = [:]
        /// Every connection, also those that have not said hello.
        var all: [ObjectIdentifier: LinkSession] = [:]
        var coordinators: [ObjectIdentifier: CoordinatorSession] = [:]
    }

    private let state = Mutex(State())

    /// Links that are open.
    var openCount: Int { state.withLock { $0.open.count } }

    /// Spokes whose links are open here.
    var spokes: [SpokeID] { state.withLock { Array($0.open.keys) } }

    /// The spoke's open link.
    func link(to spoke: SpokeID) -> LinkSession? { state.withLock { $0.open[spoke] } }

    /// A connection came.
    func arrived(_ session: LinkSession) {
        state.withLock { $0.all[ObjectIdentifier(session)] = session }
    }

    /// A coordinator's connection came.
    func arrived(_ session: CoordinatorSession) {
        state.withLock { $0.coordinators[ObjectIdentifier(session)] = session }
    }

    /// A coordinator's connection ended.
    func ended(_ session: CoordinatorSession) {
        state.withLock { $0.coordinators[ObjectIdentifier(session)] = nil }
    }

    /// A link opened; answers the one that it takes over from.
    func opened(_ session: LinkSession) -> LinkSession? {
        state.withLock { state in
            let former = state.open.updateValue(session, forKey: session.spoke)
            return former === session ? nil : former
        }
    }

    /// A connection ended; answers whether the spoke has no link here any more because of it.
    func ended(_ session: LinkSession) -> Bool {
        state.withLock { state in
            state.all[ObjectIdentifier(session)] = nil
            guard state.open[session.spoke] === session else { return false }
            state.open[session.spoke] = nil
            return true
        }
    }

    /// Connections of these principals, also those that have not said hello.
    func sessions(of isMeant: (Principal) -> Bool) -> [LinkSession] {
        state.withLock { Array($0.all.values) }.filter { isMeant($0.principal) }
    }

    /// Coordinators' connections of these principals.
    func coordinators(of isMeant: (Principal) -> Bool) -> [CoordinatorSession] {
        state.withLock { Array($0.coordinators.values) }.filter { isMeant($0.principal) }
    }

    /// Tells every connection to leave in order.
    func leave(_ goodbye: LinkGoodbye) {
        // Outside the lock: leaving may end a link at once, and that comes back here.
        for session in state.withLock({ Array($0.all.values) }) { session.leave(goodbye) }
        for session in state.withLock({ Array($0.coordinators.values) }) { session.leave(goodbye) }
    }
}
