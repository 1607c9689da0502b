import Foundation
import Protocol

/// What agents said and did, as callers may ask for it.
struct TranscriptOperations: Sendable {
    let sessions: SessionStore
    let transcripts: TranscriptStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(ListParts.self, with: list)
        table.stream(FollowTranscript.self, with: follow)
    }

    private func list(_ request: ListParts, by caller: Caller) async throws(Fault) -> ListParts.Output {
        let limit = try PageCursor.limit(request.limit)
        let behind = try PageCursor.parts(of: request.cursor, count: 1)?[0]
        guard behind == nil || behind.flatMap({ Int64($0) }) != nil else {
            throw .invalid("cursor", "is not one that a list answered with; start again without it.")
        }
        let session = try await sessions.require(request.sessionId).id
        let rows = try await transcripts.parts(
            request,
            of: session,
            behind: behind.flatMap { Int64($0) },
            limit: limit + 1
        )
        let page = Array(rows.prefix(limit))
        let next = rows.count > limit ? page.last.map { PageCursor.text(["\($0.sequence)"]) } : nil
        return ListParts.Output(parts: page, nextCursor: next)
    }

    /// Sends what is stored, then waits for more, until the session is over and its output was read to the end.
    private func follow(
        _ request: FollowTranscript,
        by caller: Caller,
        to writer: StreamWriter<PartRecord>
    ) async throws(Fault) {
        let session = try await sessions.require(request.sessionId)
        var after = request.after ?? 0
        if let id = writer.lastEventId {
            guard let behind = Int64(id), behind >= 0 else { throw .notGivenOut }
            after = behind
        }
        guard after >= 0 else { throw .invalid("after", "must not be negative.") }
        let all = ListParts(sessionId: request.sessionId)
        while !Task.isCancelled {
            let mark = bell.mark()
            // Read first: what was read before the look is in the look.
            let isOver = try await sessions.require(session.id.rawValue).isOver
            let isRead = try await transcripts.isRead(session.id)
            let parts = try await transcripts.parts(all, of: session.id, behind: after, limit: Self.page)
            for part in parts {
                try await writer.send(part, id: "\(part.sequence)")
                after = part.sequence
            }
            if parts.count == Self.page { continue }
            if isOver, isRead { return }
            await bell.wait(for: [session.id.rawValue], after: mark, until: .now + Waiting.reread)
        }
    }

    private static let page = 200
}
