import Foundation
import HubCore
public import Logging
public import Postgres
public import Protocol

/// The call graph: what writes it, what reads it, and its operations.
public struct CallDomain: Sendable {
    /// Writes it.
    public let recorder: CallRecorder
    let store: CallStore
    private let keys: KeyStore
    private let reach: Reach
    private let hub: HubID

    /// - Parameter hub: This process, under which its calls are found when it is gone.
    public init(database: Database, hub: HubID, logger: Logger) {
        self.hub = hub
        keys = KeyStore(database: database)
        reach = Reach(database: database)
        store = CallStore(database: database)
        recorder = CallRecorder(store: store, settings: SettingStore(database: database), hub: hub, logger: logger)
    }

    /// Forgets calls that are over and came in so many days ago, for at most half a minute; answers how many.
    public func prune(olderThanDays days: Int) async throws(Fault) -> Int {
        try await store.prune(olderThanDays: days)
    }

    /// Another hub, or this one, aborted this call in the graph: it is cancelled if it runs here, and what became of it
    /// is written down. Returns when that is known.
    public func aborted(_ id: CallID) async {
        guard let call = recorder.aborted(id) else { return }
        _ = await abort.prove([call], of: CallAbort.fault)
    }

    /// Ends what is being asked with a key that is not accepted any more: subscriptions, which may run for days, and
    /// queries. Mutations that have begun go on.
    ///
    /// - Parameter holders: Only looks at the calls of these; at all of them if `nil`.
    public func endOfKeys(_ holders: KeyHolders?) async throws(Fault) {
        let open = recorder.running.all().filter { call in
            let principal = call.caller.principal
            return call.subject.kind != .mutation && principal.keyId != nil && holders?.include(principal) ?? true
        }
        guard !open.isEmpty else { return }
        let accepted = try await keys.accepted(among: Set(open.compactMap(\.caller.principal.keyId)).sorted())
        await end(
            open.filter { call in call.caller.principal.keyId.map { !accepted.contains($0) } ?? false },
            because: CallAbort.keyOver
        )
    }

    /// Ends subscriptions that are about what their account may not see any more: who leaves an organisation follows
    /// nothing that goes on in it.
    public func endOfMemberships() async throws(Fault) {
        let open = recorder.running.all().compactMap { call -> (call: OpenCall, sights: Set<Reach.Sight>)? in
            guard !call.about.isEmpty, let account = call.caller.confinedTo else { return nil }
            return (call, Set(call.about.map { Reach.Sight(account: account, name: $0) }))
        }
        guard !open.isEmpty else { return }
        let asked = open.reduce(into: Set<Reach.Sight>()) { $0.formUnion($1.sights) }
        let hidden = Set(try await reach.hidden(among: Array(asked)))
        await end(
            open.filter { !$0.sights.isDisjoint(with: hidden) }.map(\.call),
            because: CallAbort.membershipOver
        )
    }

    /// Ends the calls of sessions that are over: what a session may do ends with it, and so does what it had done.
    public func endOfSessions() async throws(Fault) {
        let open = recorder.running.all().filter { $0.caller.sessionId != nil }
        guard !open.isEmpty else { return }
        let over = Set(try await store.over(Set(open.compactMap(\.caller.sessionId)).sorted()))
        await end(
            open.filter { call in call.caller.sessionId.map(over.contains) ?? false },
            because: CallAbort.sessionOver
        )
    }

    /// Ends calls with all that is below them. What cannot be ended now is looked at again soon.
    private func end(_ calls: [OpenCall], because fault: Fault) async {
        await withTaskGroup(of: Void.self) { group in
            for call in calls where call.parent == nil || !calls.contains(where: { $0 === call.parent }) {
                group.addTask {
                    do throws(Fault) {
                        let id = call.id.rawValue
                        _ = try await abort.abort(id, by: .abortDependents, .all, because: fault)
                    } catch {
                        _ = call.abort(fault, policy: .abortDependents)
                    }
                }
            }
        }
    }

    private var abort: CallAbort { CallAbort(calls: store, recorder: recorder, hub: hub) }

    func register(in table: inout OperationTable) {
        CallOperations(calls: store, recorder: recorder, abort: abort).register(in: &table)
    }
}

/// Calls, as callers may ask for them.
struct CallOperations: Sendable {
    let calls: CallStore
    let recorder: CallRecorder
    let abort: CallAbort

    func register(in table: inout OperationTable) {
        table.answer(GetCall.self, with: get)
        table.answer(ListCalls.self, with: list)
        table.answer(GetCallTree.self, with: tree)
        table.answer(GetCallLineage.self, with: lineage)
        table.answer(GetCallLatency.self, with: latency)
        table.answer(PreviewAbort.self, with: preview)
        table.answer(AbortCalls.self, with: abort)
        table.answer(DependCall.self, with: depend)
    }

    private func get(_ request: GetCall, by caller: Caller) async throws(Fault) -> CallRecord {
        await recorder.caughtUp(with: request.requestId)
        return try await calls.require(request.requestId, CallView(caller))
    }

    private func list(_ request: ListCalls, by caller: Caller) async throws(Fault) -> ListCalls.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        if request.cursor == nil { await recorder.caughtUp() }
        let rows = try await calls.list(request, CallView(caller), cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListCalls.Output(calls: page.items, nextCursor: page.next)
    }

    private func tree(_ request: GetCallTree, by caller: Caller) async throws(Fault) -> GetCallTree.Output {
        let limit = try PageCursor.limit(request.limit, usual: Limits.callTreeNodes, most: Limits.callTreeNodes)
        await recorder.caughtUp(with: request.requestId)
        let found = try await calls.places(from: request.requestId, CallView(caller), limit: limit + 1)
        guard let root = found.first(where: { $0.parent == nil }) else { throw CallStore.unknown(request.requestId) }
        let places = CallForest(found.prefix(limit).map(\.entry)).preorder(from: root.id)
        let records = try await calls.records(places.map(\.id))
        let branches = places.compactMap { place in
            records[place.id].map { CallBranch(call: $0, depth: place.depth) }
        }
        return GetCallTree.Output(calls: branches, truncated: found.count > limit)
    }

    private func lineage(_ request: GetCallLineage, by caller: Caller) async throws(Fault) -> GetCallLineage.Output {
        await recorder.caughtUp(with: request.requestId)
        let view = CallView(caller)
        let call = try await calls.require(request.requestId, view)
        let most = Limits.callTreeNodes
        let allAbove = try await calls.lineage(call.id, limit: most + 1)
        let allNeeded = try await calls.dependencies(of: call.id, limit: most + 1)
        let (above, needed) = (Array(allAbove.suffix(most)), Array(allNeeded.prefix(most)))
        let records = try await calls.records(above + needed).filter { view.shows($0.value) }
        return GetCallLineage.Output(
            calls: above.compactMap { records[$0] },
            dependsOn: needed.compactMap { records[$0] },
            truncated: allAbove.count > most || allNeeded.count > most
        )
    }

    private func latency(_ request: GetCallLatency, by caller: Caller) async throws(Fault) -> GetCallLatency.Output {
        let window = request.windowSeconds ?? 3_600
        guard (1...Limits.callWindowSeconds).contains(window) else {
            throw .invalid("windowSeconds", "must be between 1 and \(Limits.callWindowSeconds).")
        }
        await recorder.caughtUp()
        let most = Limits.latencyOperations
        let found = try await calls.latency(
            request.operation,
            windowSeconds: window,
            CallView(caller),
            limit: most + 1
        )
        return GetCallLatency.Output(operations: Array(found.prefix(most)), truncated: found.count > most)
    }

    private func preview(_ request: PreviewAbort, by caller: Caller) async throws(Fault) -> PreviewAbort.Output {
        let policy = request.policy ?? .abortDependents
        let reached = try await abort.reached(from: request.requestId, by: policy, CallView(caller))
        return PreviewAbort.Output(calls: reached.map(\.reference))
    }

    private func abort(_ request: AbortCalls, by caller: Caller) async throws(Fault) -> AbortCalls.Output {
        let policy = request.policy ?? .abortDependents
        return AbortCalls.Output(
            calls: try await abort.abort(request.requestId, by: policy, CallView(caller), except: caller.requestId)
        )
    }

    private func depend(_ request: DependCall, by caller: Caller) async throws(Fault) -> Done {
        guard (1...Limits.callDependencies).contains(request.dependsOn.count) else {
            throw .invalid("dependsOn", "must name 1 to \(Limits.callDependencies) calls.")
        }
        await recorder.caughtUp(with: request.requestId)
        let view = CallView(caller)
        let call = try await calls.require(request.requestId, view)
        var others: [CallID] = []
        for (index, id) in request.dependsOn.enumerated() {
            await recorder.caughtUp(with: id)
            let other = try await calls.require(id, view)
            guard other.id < call.id else {
                throw .invalid("dependsOn[\(index)]", "came in no earlier than the call that is to depend on it.")
            }
            others.append(other.id)
        }
        try await calls.depend(call.id, on: others)
        return Done()
    }
}

extension CallPlace {
    var entry: CallForest.Entry { CallForest.Entry(id: id, parent: parent, status: status) }
}

extension CallView {
    func shows(_ call: CallRecord) -> Bool {
        (account == nil || call.callerAccountId == account) && (session == nil || call.sessionId == session)
    }
}
