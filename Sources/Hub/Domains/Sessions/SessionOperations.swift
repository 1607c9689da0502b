import Foundation
import Protocol

/// Sessions, as callers may ask for them.
struct SessionOperations: Sendable {
    let sessions: SessionStore
    let output: OutputStore
    let bell: any Bell

    func register(in table: inout OperationTable) {
        table.answer(GetSession.self, with: get)
        table.answer(ListSessions.self, with: list)
        table.answer(ListMessages.self, with: messages)
        table.stream(ReadSessionOutput.self, with: read)
    }

    private func get(_ request: GetSession, by caller: Caller) async throws(Fault) -> SessionRecord {
        try await sessions.require(request.sessionId)
    }

    private func list(_ request: ListSessions, by caller: Caller) async throws(Fault) -> ListSessions.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let rows = try await sessions.list(request, seenBy: caller.confinedTo, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListSessions.Output(sessions: page.items, nextCursor: page.next)
    }

    private func messages(_ request: ListMessages, by caller: Caller) async throws(Fault) -> ListMessages.Output {
        let cursor = try CreationCursor(request.cursor, limit: request.limit)
        let session = try await sessions.require(request.sessionId)
        let rows = try await sessions.messages(of: session.id, from: request.from ?? .oldest, cursor)
        let page = cursor.page(rows) { ($0.createdAt, $0.id.rawValue) }
        return ListMessages.Output(messages: page.items, nextCursor: page.next)
    }

    /// Sends what is stored, then waits for more, until the session was seen over before a look that found nothing.
    private func read(
        _ request: ReadSessionOutput,
        by caller: Caller,
        to writer: StreamWriter<SessionOutputPiece>
    ) async throws(Fault) {
        let from = request.fromOffset ?? 0
        guard from >= 0 else { throw .invalid("fromOffset", "must not be negative.") }
        let named = try await sessions.require(request.sessionId)
        if let pruned = named.outputPrunedAt {
            throw Fault(
                .notFound,
                "The output of session \(named.id) is no longer kept since \(pruned.wireText); the setting "
                    + "\(RetentionSetting.output.key) says for how long it is."
            )
        }
        let id = named.id
        let selection = request.stream ?? .stdout
        let fence = request.fence ?? max(named.fence, 1)
        guard (1...max(named.fence, 1)).contains(fence) else {
            throw .invalid("fence", "must be 1 to \(max(named.fence, 1)): so often was the session placed.")
        }
        var merge = try OutputMerge(selection, from: from, resumeAt: writer.lastEventId, fence: fence)
        while !Task.isCancelled {
            let mark = bell.mark()
            let session = try await sessions.require(id.rawValue)
            if request.fence == nil, session.fence > merge.fence {
                // It was replaced: what it prints begins anew.
                merge = try OutputMerge(selection, from: 0, fence: session.fence)
            }
            try await drain(session, &merge, to: writer)
            if merge.fence < session.fence { return }
            if let reason = session.exitReason {
                let end = SessionEnd(
                    exitCode: session.exitCode,
                    exitSignal: session.exitSignal,
                    exitReason: reason,
                    message: session.failure?.message
                )
                return try await writer.send(SessionOutputPiece(ended: end), id: merge.eventId)
            }
            guard request.follow == true else { return }
            await bell.wait(for: [id.rawValue], after: mark, until: .now + Waiting.reread)
        }
    }

    private func drain(
        _ session: SessionRecord,
        _ merge: inout OutputMerge,
        to writer: StreamWriter<SessionOutputPiece>
    ) async throws(Fault) {
        while true {
            for stream in merge.wanting {
                let chunks = try await output.page(
                    session.id,
                    number: merge.fence,
                    stream: stream,
                    from: merge.offsets[stream] ?? 0
                )
                merge.fill(stream, chunks)
            }
            guard let piece = merge.next() else { return }
            try await writer.send(piece, id: merge.eventId)
        }
    }
}
