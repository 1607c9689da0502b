import Foundation
import HubCore
import Protocol
import Synchronization

/// The calls that this hub process has under way: what an abort can reach.
public final class RunningCalls: Sendable {
    private struct State {
        var calls: [String: OpenCall] = [:]
        var givenUp = GivenUpIds()
        var used = UsedIds()
    }

    private let state = Mutex(State())

    public init() {}

    /// How many there are.
    public var count: Int { state.withLock { $0.calls.count } }

    /// The call of this request id.
    public func call(_ requestId: String) -> OpenCall? { state.withLock { $0.calls[requestId] } }

    /// All of them, in no order.
    func all() -> [OpenCall] { state.withLock { Array($0.calls.values) } }

    /// Takes a call in. Its id is greater than its parent's, whatever the clock did; a request id that is taken gives
    /// way to the node's. So does one that was used lately: its node would be found in the place of the new one. One
    /// that was given up counts as taken for longer: what its provider still says of it would be believed of the new
    /// call. And one that a spoke drew for a call that a spoke answers never stays: it may be the same one, and an id
    /// under way in both directions of a link does not tell which of the two is aborted.
    func enter(
        _ subject: CallSubject,
        input: CallPayload?,
        caller: Caller,
        level: RecordingLevel,
        at now: Date
    ) -> OpenCall {
        // A parent that nobody can have drawn is none.
        let parentId = caller.parentRequestId.flatMap { $0 != caller.requestId && Self.isSound($0) ? $0 : nil }
        return state.withLock { state in
            let parent = parentId.flatMap { state.calls[$0] }
            let arrivedAt = parent.map { max(now, $0.arrivedAt.addingTimeInterval(0.000_001)) } ?? now
            let id = CallID(Ids.sortable(at: arrivedAt))
            let isFree =
                state.calls[caller.requestId] == nil && !state.givenUp.holds(caller.requestId)
                && !(subject.isSpokes && caller.spokeId != nil) && Self.isSound(caller.requestId)
                && state.used.add(caller.requestId)
            var caller = caller
            caller.parentRequestId = parentId
            let call = OpenCall(
                id: id,
                requestId: isFree ? caller.requestId : id.rawValue,
                parent: parent,
                subject: subject,
                caller: caller,
                input: input,
                level: level,
                arrivedAt: arrivedAt
            )
            state.calls[call.requestId] = call
            return call
        }
    }

    /// Lets a call go; doing so again does nothing, also if its request id is another call's by then.
    func leave(_ call: OpenCall) {
        state.withLock { state in
            if state.calls[call.requestId] === call { state.calls[call.requestId] = nil }
            if call.isGivenUp { state.givenUp.add(call.requestId, at: .now) }
        }
    }

    /// The calls of this process at and below one, as far as all between them are under way, too.
    func below(_ requestId: String) -> [OpenCall] {
        let all = state.withLock(\.calls)
        return all.values.filter { call in
            var next: OpenCall? = call
            while let one = next {
                if one.requestId == requestId || one.id.rawValue == requestId { return true }
                next = one.parent.flatMap { all[$0.requestId] === $0 ? $0 : nil }
            }
            return false
        }
    }

    /// What Postgres can hold and a person can read.
    static func isSound(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= Limits.requestIdBytes && !Wording.hasControl(id)
    }
}

/// Ids of calls that were given up before their provider had said its last word: not to be used again until it surely
/// has. Two generations, so that forgetting costs nothing.
struct GivenUpIds {
    private var young: Set<String> = []
    private var old: Set<String> = []
    private var youngSince = ContinuousClock.now

    func holds(_ id: String) -> Bool {
        !young.isEmpty && young.contains(id) || !old.isEmpty && old.contains(id)
    }

    mutating func add(_ id: String, at now: ContinuousClock.Instant) {
        if young.count >= Limits.callsGivenUp || now - youngSince > Limits.callDeadlineLongest {
            (old, young, youngSince) = (young, [], now)
        }
        young.insert(id)
    }
}

/// Request ids that calls had lately, as far as hashes tell: two generations, so that forgetting costs nothing. An id
/// that is wrongly taken for one of them only means that a call goes by its node's.
struct UsedIds {
    private var young: Set<Int> = []
    private var old: Set<Int> = []

    /// Notes an id; whether it is not among those that are remembered.
    mutating func add(_ id: String) -> Bool {
        let hash = id.hashValue
        guard !old.contains(hash), young.insert(hash).inserted else { return false }
        if young.count >= Limits.callIdsRemembered { (old, young) = (young, []) }
        return true
    }
}
