import Foundation
import Protocol

/// Being at a session's side, as callers may ask for it.
struct AttachOperations: Sendable {
    let sessions: SessionStore
    let output: OutputStore
    let transcripts: TranscriptStore
    let store: AttachStore
    let bell: any Bell

    private static let page = 200

    func register(in table: inout OperationTable) { table.stream(AttachSession.self, with: attach) }

    /// Where somebody stands in all that is told: `stdout:4096;12;1700000000000000`.
    private struct Place {
        var output: String
        var sequence: Int64
        var microseconds: Int64

        init(output: String, sequence: Int64, microseconds: Int64) {
            (self.output, self.sequence, self.microseconds) = (output, sequence, microseconds)
        }

        init?(_ id: String?) {
            let parts = (id ?? "").split(separator: ";", omittingEmptySubsequences: false)
            guard parts.count == 3, let sequence = Int64(parts[1]), let microseconds = Int64(parts[2]) else {
                return nil
            }
            self.init(output: String(parts[0]), sequence: sequence, microseconds: microseconds)
        }
    }

    /// What one attached consumer was told.
    private struct Told {
        var merge: OutputMerge
        var sequence: Int64
        var messages: MessageWatch
        var state: AttachedState?
        let kinds: Set<AttachedKind>

        var id: String { "\(merge.eventId);\(sequence);\(messages.watermark)" }
    }

    /// Tells what is new, then waits for more, until the session was seen over before a look that told everything.
    private func attach(
        _ request: AttachSession,
        by caller: Caller,
        to writer: StreamWriter<AttachedNews>
    ) async throws(Fault) {
        let id = try await sessions.require(request.sessionId).id
        var told = try await beginning(request, id, writer.lastEventId)
        while !Task.isCancelled {
            let mark = bell.mark()
            let look = try await store.look(at: id)
            if look.session.fence > told.merge.fence {
                // It was placed anew: what it prints begins anew.
                told.merge = try OutputMerge(.all, from: 0, fence: look.session.fence)
            }
            let isOver = look.isRead && look.session.exitReason != nil
            // How it ended is told last; how it stands comes first all the same.
            if !isOver || told.state == nil { try await tellState(look.state, &told, to: writer) }
            try await tellOutput(id, &told, to: writer)
            try await tellParts(id, &told, to: writer)
            try await tellMessages(id, &told, to: writer)
            if isOver, let reason = look.session.exitReason {
                var last = look.state
                last.ended = SessionEnd(
                    exitCode: look.session.exitCode,
                    exitSignal: look.session.exitSignal,
                    exitReason: reason,
                    message: look.session.failure?.message
                )
                return try await tellState(last, &told, to: writer)
            }
            await bell.wait(for: [id.rawValue], after: mark, until: .now + Waiting.reread)
        }
    }

    private func beginning(
        _ request: AttachSession,
        _ id: SessionID,
        _ lastEventId: String?
    ) async throws(Fault) -> Told {
        let fence = max(try await store.look(at: id).session.fence, 1)
        let kinds = Set(request.kinds ?? AttachedKind.allCases)
        var place = Place(lastEventId)
        guard lastEventId == nil || place != nil else { throw .notGivenOut }
        if place == nil, let offset = request.fromOffset {
            guard offset >= 0 else { throw .invalid("fromOffset", "must not be negative.") }
            let merge = try OutputMerge(.all, from: offset, fence: fence)
            place = Place(output: merge.eventId, sequence: 0, microseconds: 0)
        }
        if place == nil {
            let now = try await store.now(of: id, fence: fence)
            let offsets = fence > 1 ? "\(fence)/\(now.offsets)" : now.offsets
            place = Place(output: offsets, sequence: now.sequence, microseconds: now.microseconds)
        }
        return Told(
            merge: try OutputMerge(.all, from: 0, resumeAt: place?.output, fence: fence),
            sequence: place?.sequence ?? 0,
            messages: MessageWatch(since: place?.microseconds ?? 0),
            kinds: kinds
        )
    }

    private func tellState(
        _ state: AttachedState,
        _ told: inout Told,
        to writer: StreamWriter<AttachedNews>
    ) async throws(Fault) {
        guard told.kinds.contains(.state), told.state != state else { return }
        told.state = state
        try await writer.send(AttachedNews(state), id: told.id)
    }

    private func tellOutput(
        _ id: SessionID,
        _ told: inout Told,
        to writer: StreamWriter<AttachedNews>
    ) async throws(Fault) {
        guard told.kinds.contains(.output) else { return }
        while true {
            for stream in told.merge.wanting {
                let from = told.merge.offsets[stream] ?? 0
                let chunks = try await output.page(id, number: told.merge.fence, stream: stream, from: from)
                told.merge.fill(stream, chunks)
            }
            guard let piece = told.merge.next() else { return }
            try await writer.send(AttachedNews(piece), id: told.id)
        }
    }

    private func tellParts(
        _ id: SessionID,
        _ told: inout Told,
        to writer: StreamWriter<AttachedNews>
    ) async throws(Fault) {
        guard told.kinds.contains(.part) else { return }
        let all = ListParts(sessionId: id.rawValue)
        while true {
            let parts = try await transcripts.parts(all, of: id, behind: told.sequence, limit: Self.page)
            for part in parts {
                told.sequence = part.sequence
                try await writer.send(AttachedNews(part), id: told.id)
            }
            if parts.count < Self.page { return }
        }
    }

    private func tellMessages(
        _ id: SessionID,
        _ told: inout Told,
        to writer: StreamWriter<AttachedNews>
    ) async throws(Fault) {
        guard told.kinds.contains(.message) else { return }
        var (since, behind) = (told.messages.since, "")
        while true {
            let found = try await store.messages(of: id, since: since, behind: behind, limit: Self.page)
            for message in found where told.messages.take(message) {
                try await writer.send(AttachedNews(message), id: told.id)
            }
            guard found.count == Self.page, let last = found.last else { break }
            (since, behind) = (MessageWatch.microseconds(last), last.id.rawValue)
        }
        told.messages.settle()
    }
}
