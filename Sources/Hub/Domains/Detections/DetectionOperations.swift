import Foundation
import HubCore
import Protocol

/// Detections, as callers may ask for them.
struct DetectionOperations: Sendable {
    let watch: DetectionWatch
    let sessions: SessionStore
    let projects: ProjectStore
    let bell: any Bell

    private var detections: DetectionStore { watch.store }

    func register(in table: inout OperationTable) {
        table.answer(LookForAnomalies.self, with: look)
        table.answer(ListDetections.self, with: list)
        table.answer(GetDetection.self, with: get)
        table.answer(ResolveDetection.self, with: resolve)
    }

    private func look(_ request: LookForAnomalies, by caller: Caller) async throws(Fault) -> LookForAnomalies.Output {
        let running = try await chosen(request, by: caller)
        let chosen = Array(running.prefix(Limits.sessionsPerLook))
        let looked = try await watch.look(at: chosen, isDry: request.dryRun == true)
        let answered = looked.found.prefix(Limits.findingsAnswered)
        let open = try await detections.open(keys: answered.map(\.dedupKey))
        let found = answered.map { one in
            let known = open[one.dedupKey]
            return FoundAnomaly(
                sessionId: one.session,
                anomalyType: one.finding.type,
                message: one.finding.message,
                details: .object(one.finding.details),
                evidence: one.finding.evidence.readings,
                confidence: one.finding.evidence.confidence,
                fresh: one.finding.isFresh,
                detectionId: known?.id,
                occurrenceCount: known?.occurrenceCount
            )
        }
        bell.ring(looked.stored.map(\.record.sessionId.rawValue))
        return LookForAnomalies.Output(
            sessions: looked.sessions,
            found: found,
            settled: looked.settled.map(\.id),
            truncated: looked.found.count > found.count || running.count > chosen.count
        )
    }

    private func chosen(_ request: LookForAnomalies, by caller: Caller) async throws(Fault) -> [SessionID] {
        if let session = request.sessionId {
            guard request.projectId == nil else { throw .invalid("projectId", "is instead of sessionId.") }
            return [try await sessions.require(session).id]
        }
        var project: ProjectID?
        if let wanted = request.projectId { project = try await projects.find(wanted, seenBy: caller.confinedTo).id }
        return try await detections.running(in: project, seenBy: caller.confinedTo)
    }

    private func list(_ request: ListDetections, by caller: Caller) async throws(Fault) -> ListDetections.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        if let type = request.anomalyType, !Wording.isIdentifier(type, bytes: 100) {
            throw .invalid("anomalyType", "must be a type such as SESSION_STALL.")
        }
        var (session, project): (SessionID?, ProjectID?)
        if let wanted = request.sessionId { session = try await sessions.require(wanted).id }
        if let wanted = request.projectId { project = try await projects.find(wanted, seenBy: caller.confinedTo).id }
        let rows = try await detections.list(
            request,
            session: session,
            project: project,
            seenBy: caller.confinedTo,
            cursor
        )
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListDetections.Output(detections: page.items, nextCursor: page.next)
    }

    private func get(_ request: GetDetection, by caller: Caller) async throws(Fault) -> DetectionRecord {
        try await detections.require(request.detectionId)
    }

    private func resolve(_ request: ResolveDetection, by caller: Caller) async throws(Fault) -> DetectionRecord {
        if let note = request.note {
            guard !note.utf8.contains(0), note.utf8.count <= Limits.detectionNoteBytes else {
                throw .invalid("note", "must be a text of \(Limits.detectionNoteBytes) bytes at most without U+0000.")
            }
        }
        let resolved = try await detections.resolve(request, by: caller.accountId)
        bell.ring([resolved.sessionId.rawValue])
        return resolved
    }
}
