import Foundation
import HubCore
import Postgres
public import Protocol
import Synchronization

/// What the hub remembers about calls.
public struct CallStore: Sendable {
    let database: Database
    private let crowd = Crowd()

    init(database: Database) { self.database = database }

    /// Rung with a node's id when a call was aborted in the graph, for the hub process that runs it.
    public static let channel = "nave_calls"

    /// The call of this request id or node id, with its payloads; `NOT_FOUND` if the caller may see none.
    func require(_ id: String, _ view: CallView) async throws(Fault) -> CallRecord {
        if let call = try await database.first(SQL.find, [id] + view.values) { return call }
        throw Self.unknown(id)
    }

    func list(_ request: ListCalls, _ view: CallView, _ cursor: CreationCursor) async throws(Fault) -> [CallRecord] {
        let asked: [(any Bindable)?] = [
            request.operation, request.status, request.accountId, request.sessionId, request.since, request.until,
        ]
        return try await database.query(SQL.list, cursor.values + view.values + asked)
    }

    /// A call and those below it, nearest first, at most `limit`; none if the caller may not see the call.
    func places(from id: String, _ view: CallView, limit: Int) async throws(Fault) -> [CallPlace] {
        try await database.query(SQL.below, [id] + view.values + [limit])
    }

    /// Calls without payloads, by id.
    func records(_ ids: [CallID]) async throws(Fault) -> [CallID: CallRecord] {
        guard !ids.isEmpty else { return [:] }
        let found = try await database.query(SQL.records, [ids])
        return Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The calls that led to a call, the first one first, the call itself last; of more than `limit` the last ones.
    func lineage(_ id: CallID, limit: Int) async throws(Fault) -> [CallID] {
        try await database.query(SQL.above, [id, limit]).map { CallID($0) }
    }

    func dependencies(of id: CallID, limit: Int) async throws(Fault) -> [CallID] {
        try await database.query(SQL.dependencies, [id, limit]).map { CallID($0) }
    }

    func latency(
        _ operation: String?,
        windowSeconds: Int,
        _ view: CallView,
        limit: Int
    ) async throws(Fault) -> [CallLatency] {
        try await database.query(SQL.latency, [operation, windowSeconds] + view.values + [limit])
    }

    /// Declares that a call depends on others. All came in before it: the caller made sure.
    func depend(_ call: CallID, on others: [CallID]) async throws(Fault) {
        try await database.execute(SQL.depend, [call, others])
    }

    /// Ends calls of which `hub` makes sure that none of its own goes on; answers those that were not over.
    /// The hubs that run the others are rung.
    func abort(_ ids: [CallID], policy: AbortPolicy, fault: Fault, hub: HubID) async throws(Fault) -> [AbortedCall] {
        guard !ids.isEmpty else { return [] }
        return try await database.query(
            SQL.abort,
            [ids, policy == .abortDependents, JSON(fault), hub, Self.channel]
        )
    }

    /// Writes into the nodes of aborted calls what became of them.
    func prove(_ proofs: [(CallID, Fault)]) async throws(Fault) {
        guard !proofs.isEmpty else { return }
        let faults = proofs.map { JSONText(JSONValue(encoding: $0.1).serialized()) }
        try await database.execute(SQL.prove, [proofs.map(\.0), faults])
    }

    /// What became of these, as far as it was written down.
    func stops(_ ids: [CallID]) async throws(Fault) -> [CallID: CallStop] {
        guard !ids.isEmpty else { return [:] }
        let found = try await database.query(SQL.stops, [ids])
        return Dictionary(found.map { ($0.id, $0.stop) }, uniquingKeysWith: { $1 })
    }

    /// Sessions among these that are over.
    func over(_ sessions: [SessionID]) async throws(Fault) -> [SessionID] {
        guard !sessions.isEmpty else { return [] }
        return try await database.query(SQL.over, [sessions]).map { SessionID($0) }
    }

    /// Ends calls that nobody runs any more: of hubs that are gone, and of this one unless named; of this one none if
    /// it cannot tell now (`nil`). Answers how many.
    func endOrphans(of hub: HubID, running: [CallID]?) async throws(Fault) -> Int {
        try await database.execute(SQL.endOrphans, [hub, running, Int(Limits.callOrphaned.milliseconds / 1_000)])
    }

    /// Forgets calls that came in so many days ago, a batch at a time for at most half a minute; answers how many.
    public func prune(olderThanDays days: Int) async throws(Fault) -> Int {
        let end = ContinuousClock.now + .seconds(30)
        var total = 0
        while ContinuousClock.now < end, !Task.isCancelled {
            let removed = try await database.execute(SQL.prune, [days, Self.pruneBatch])
            total += removed
            if removed < Self.pruneBatch { break }
        }
        return total
    }

    static let pruneBatch = 2_000

    static func unknown(_ id: String) -> Fault {
        Fault(
            .notFound,
            "There is no call “\(String(id.prefix(100)))” that the caller may see; list them with call.list."
        )
    }
}

// Writing.
extension CallStore {
    /// Writes a batch; doing so again changes nothing.
    func write(_ batch: CallBatch, by hub: HubID) async throws(Fault) {
        let (new, old) = (batch.entries, batch.changes)
        if new.count > 0 {
            try await enter(Self.values(of: new, hub))
        }
        if old.count > 0 {
            try await database.execute(
                SQL.change,
                [
                    old.ids, old.statuses, old.providerTypes, old.providers, old.starts, old.ends, old.outputs,
                    old.errors, old.metadata,
                ]
            )
        }
    }

    private func enter(_ values: [(any Bindable)?]) async throws(Fault) {
        if crowd.isThin {
            do throws(Fault) {
                try await database.execute(SQL.enter, values)
                return
            } catch  where error.code == .conflict {
                crowd.gather()
            }
        }
        for _ in 0..<Self.attempts {
            if try await database.first(SQL.enterAmongOthers, values) == 0 { return }
        }
        throw Fault(.conflict, "Others keep taking the request ids of these calls.")
    }

    private static let attempts = 5

    private static func values(of new: CallBatch.Columns, _ hub: HubID) -> [(any Bindable)?] {
        [
            new.ids, new.requestIds, new.operations, new.parents, new.identities, new.accounts, new.sessions,
            new.keys, new.deadlines, new.arrivals, new.inputs, new.providerTypes, new.providers, new.statuses,
            new.starts, new.ends, new.outputs, new.errors, new.metadata, hub,
        ]
    }
}

/// Whether request ids are likely to be taken: a caller that counts its calls from 1, and began anew, has a thousand
/// that are. Looking first is then cheaper than failing first.
private final class Crowd: Sendable {
    private let batches = Atomic<Int>(0)

    /// Whether the next batch may well be written without looking.
    var isThin: Bool {
        guard batches.load(ordering: .relaxed) > 0 else { return true }
        batches.subtract(1, ordering: .relaxed)
        return false
    }

    /// An id was taken.
    func gather() { batches.store(1_000, ordering: .relaxed) }
}

/// Whose calls a caller sees: everyone's with `call:admin`, a session its own, anyone else those of the account.
struct CallView: Sendable {
    let account: AccountID?
    let session: SessionID?

    /// Everyone's: for the hub's own work.
    static let all = CallView(account: nil, session: nil)

    private init(account: AccountID?, session: SessionID?) { (self.account, self.session) = (account, session) }

    init(_ caller: Caller) {
        let seesAll = caller.identity.holds("call:admin")
        account = seesAll ? nil : caller.accountId
        session = seesAll ? nil : caller.sessionId
    }

    /// As `$n` and `$n+1`: NULL for no bounds.
    var values: [(any Bindable)?] { [account, session] }

    func shows(_ call: OpenCall) -> Bool {
        (account == nil || call.caller.accountId == account) && (session == nil || call.caller.sessionId == session)
    }
}
