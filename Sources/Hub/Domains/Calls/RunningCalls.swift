import Foundation
import HubCore
import Protocol
import Synchronization

/// The calls that this hub process has under way: what an abort can reach.
public final class RunningCalls: Sendable {
    private let calls = Mutex<[String: OpenCall]>([:])

    public init() {}

    /// How many there are.
    public var count: Int { calls.withLock { $0.count } }

    /// The call of this request id.
    public func call(_ requestId: String) -> OpenCall? { calls.withLock { $0[requestId] } }

    /// All of them, in no order.
    func all() -> [OpenCall] { calls.withLock { Array($0.values) } }

    /// Takes a call in. Its id is greater than its parent's, whatever the clock did; a request id that is taken gives
    /// way to the node's.
    func enter(
        _ subject: CallSubject,
        input: CallPayload?,
        caller: Caller,
        level: RecordingLevel,
        at now: Date
    ) -> OpenCall {
        // A parent that nobody can have drawn is none.
        let parentId = caller.parentRequestId.flatMap { $0 != caller.requestId && Self.isSound($0) ? $0 : nil }
        return calls.withLock { calls in
            let parent = parentId.flatMap { calls[$0] }
            let arrivedAt = parent.map { max(now, $0.arrivedAt.addingTimeInterval(0.000_001)) } ?? now
            let id = CallID(Ids.sortable(at: arrivedAt))
            let isFree = calls[caller.requestId] == nil && Self.isSound(caller.requestId)
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
            calls[call.requestId] = call
            return call
        }
    }

    /// Lets a call go; doing so again does nothing, also if its request id is another call's by then.
    func leave(_ call: OpenCall) {
        calls.withLock { calls in if calls[call.requestId] === call { calls[call.requestId] = nil } }
    }

    /// The calls of this process at and below one, as far as all between them are under way, too.
    func below(_ requestId: String) -> [OpenCall] {
        let all = calls.withLock { $0 }
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
