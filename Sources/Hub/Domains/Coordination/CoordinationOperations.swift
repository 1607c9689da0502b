import Foundation
import HubCore
import Protocol

/// Coordination, as callers may ask for it: spawning, and seeing how far things have come.
struct CoordinationOperations: Sendable {
    let projects: ProjectStore
    let sessions: SessionStore
    let workspaces: WorkspaceStore
    let spokes: SpokeStore
    let spawns: SpawnStore
    let tasks: TaskStore
    let detections: DetectionStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(SpawnSessions.self, with: spawn)
        table.answer(GetCoordinationStatus.self, with: status)
        table.answer(ExplainWaiting.self, with: explain)
        table.answer(WaitForSessions.self, with: wait)
    }

    private func spawn(_ request: SpawnSessions, by caller: Caller) async throws(Fault) -> SpawnSessions.Output {
        let orders = request.orders
        guard request.tasks != nil else { return SpawnSessions.Output(try await spawn(orders[0], by: caller)) }
        guard (1...Limits.spawnsPerCall).contains(orders.count) else {
            throw .invalid("tasks", "must have 1 to \(Limits.spawnsPerCall) elements.")
        }
        var (spawned, errors): ([SpawnedSession], [SpawnError]) = ([], [])
        for (index, order) in orders.enumerated() {
            do {
                spawned.append(try await spawn(order, by: caller))
            } catch {
                let error = ConstraintWords.spoken(error, to: JSONValue(encoding: order))
                errors.append(SpawnError(index: index, task: order.task ?? order.title, error: error))
            }
        }
        return SpawnSessions.Output(spawned: spawned, errors: errors)
    }

    private func spawn(_ order: SpawnOrder, by caller: Caller) async throws(Fault) -> SpawnedSession {
        guard let wanted = order.projectId?.rawValue ?? order.project else {
            throw .invalid("project", "is required: a project's id or name.")
        }
        var order = order
        if order.target == nil, let name = caller.spokeName { order.target = SpokeTarget(spokeName: name) }
        let project = try await projects.find(wanted, seenBy: caller.confinedTo)
        return try await spawns.spawn(SpawnDraft(order, project: project, caller: caller))
    }

    private func status(
        _ request: GetCoordinationStatus,
        by caller: Caller
    ) async throws(Fault) -> GetCoordinationStatus.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        var session: SessionID?
        if let wanted = request.sessionId { session = try await sessions.require(wanted).id }
        let rows = try await sessions.mappings(request, session: session, seenBy: caller.confinedTo, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return GetCoordinationStatus.Output(mappings: try await views(of: page.items), nextCursor: page.next)
    }

    /// Five look-ups for a whole page, whatever its length.
    private func views(of mappings: [MappingRecord]) async throws(Fault) -> [MappingView] {
        let ids = mappings.map(\.sessionId)
        let found = try await sessions.find(ids)
        let sessionsById = Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let places = try await workspaces.find(mappings.compactMap(\.workspaceId))
        let placesById = Dictionary(places.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let machines = try await spokes.find(mappings.compactMap(\.spokeId))
        let machinesById = Dictionary(machines.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let printed = try await sessions.printed(by: ids)
        let open = try await detections.open(of: ids)
        let waiting = try await spawns.waiting(among: found.filter(\.isWaiting).map(\.id))
        var views: [MappingView] = []
        for mapping in mappings {
            guard let session = sessionsById[mapping.sessionId] else { continue }
            let place = mapping.workspaceId.flatMap { placesById[$0] }
            let output = printed[session.id]
            let shown = open[session.id] ?? []
            let hidden = (shown.first?.total ?? 0) - shown.count
            views.append(
                MappingView(
                    mapping: mapping,
                    session: session,
                    workspace: place,
                    spoke: mapping.spokeId.flatMap { machinesById[$0] }.map(Self.shown),
                    git: .init(
                        branch: place?.branch,
                        head: place?.headCommit,
                        ahead: place?.ahead,
                        behind: place?.behind,
                        dirty: place?.dirty
                    ),
                    output: .init(bytes: output?.bytes ?? 0, lastAt: output?.lastAt),
                    detections: shown.map { OpenDetection($0.record) },
                    moreDetections: hidden > 0 ? hidden : nil,
                    waitingFor: try await refusals(waiting[session.id])
                )
            )
        }
        return views
    }

    private static func shown(_ spoke: SpokeRecord) -> MappingView.Spoke {
        .init(id: spoke.id, name: spoke.name, status: spoke.status, disconnectedAt: spoke.disconnectedAt)
    }

    private func refusals(_ entry: SpawnStore.WaitingRow?) async throws(Fault) -> [SpokeRefusal]? {
        guard let entry else { return nil }
        let facts = try await spokes.facts(for: entry.session.projectId, onlyFree: false)
        return Placement.refusals(entry.ask, among: facts)
    }

    private func explain(_ request: ExplainWaiting, by caller: Caller) async throws(Fault) -> ExplainWaiting.Output {
        if let task = request.taskId {
            guard request.sessionId == nil else { throw .invalid("taskId", "is instead of sessionId.") }
            let why = try await tasks.why(task)
            guard let session = why.session else {
                return ExplainWaiting.Output(waiting: why.isWaiting, message: why.message, spokes: [], ahead: 0)
            }
            return try await explain(ExplainWaiting(sessionId: session.rawValue), by: caller)
        }
        guard let wanted = request.sessionId else { throw .invalid("sessionId", "is required, or taskId.") }
        let session = try await sessions.require(wanted)
        func answer(_ message: String) -> ExplainWaiting.Output {
            ExplainWaiting.Output(waiting: false, message: message, spokes: [], ahead: 0)
        }
        if session.isOver { return answer("It does not wait: it is over.") }
        guard session.isWaiting else { return try await explainRunning(session) }
        guard let entry = try await spawns.waiting(among: [session.id])[session.id] else {
            return answer("It is being placed.")
        }
        let first = try await spawns.waiting().queue
        let place = first.firstIndex { $0.session.sessionId == session.id }
        let ahead = place ?? first.count
        let facts = try await spokes.facts(for: session.projectId, onlyFree: false)
        let refusals = Placement.refusals(entry.ask, among: facts)
        let others = "\(place == nil ? "at least " : "")\(ahead) sessions are ahead of it"
        let message =
            facts.isEmpty
            ? "No spoke has joined yet; join one with spoke join."
            : refusals.isEmpty
                ? "A spoke is free: it is placed any moment."
                : Placement.missingAgent(entry.ask, among: facts)
                    ?? "It waits for a spoke: all \(refusals.count) are ruled out, \(others)."
        return ExplainWaiting.Output(waiting: true, message: message, spokes: refusals, ahead: ahead)
    }

    private func explainRunning(_ session: SessionRecord) async throws(Fault) -> ExplainWaiting.Output {
        let mapping = try await sessions.mapping(of: session.id)
        let spoke = try await spokes.find(mapping?.spokeId.map { [$0] } ?? []).first
        let place = spoke.map { "spoke “\($0.name)”" } ?? "a spoke that was removed"
        let message =
            spoke?.status == .disconnected
            ? "It does not wait: it is on \(place), which is disconnected since "
                + "\(spoke?.disconnectedAt?.wireText ?? "it joined")."
            : session.startedAt == nil
                ? "It does not wait: \(place) is preparing its worktree." : "It does not wait: it runs on \(place)."
        return ExplainWaiting.Output(waiting: false, message: message, spokes: [], ahead: 0)
    }

    private func wait(_ request: WaitForSessions, by caller: Caller) async throws(Fault) -> WaitForSessions.Output {
        let seconds = request.deadlineSeconds ?? 60
        let ids = Array(Set(request.sessionIds))
        guard (1...Limits.spawnsPerCall).contains(ids.count) else {
            throw .invalid("sessionIds", "must have 1 to \(Limits.spawnsPerCall) ids.")
        }
        guard (0...600).contains(seconds) else { throw .invalid("deadlineSeconds", "must be between 0 and 600.") }
        let isAny = request.until == .any
        let until = ContinuousClock.now + .seconds(seconds)
        let keys = ids.map(\.rawValue)
        let over = try await Waiting.value(bell, keys: keys, until: until) { () async throws(Fault) in
            let found = try await require(ids)
            let isDone = isAny ? found.contains(where: \.isOver) : found.allSatisfy(\.isOver)
            return isDone ? found : nil
        }
        if let over { return WaitForSessions.Output(done: true, sessions: over) }
        return WaitForSessions.Output(done: false, sessions: try await require(ids))
    }

    private func require(_ ids: [SessionID]) async throws(Fault) -> [SessionRecord] {
        let found = try await sessions.find(ids)
        guard found.count == ids.count else {
            let known = Set(found.map(\.id))
            let missing = ids.filter { !known.contains($0) }.map(\.rawValue).joined(separator: ", ")
            throw Fault(.notFound, "There is no session \(missing); list them with session.list.")
        }
        return found
    }
}
