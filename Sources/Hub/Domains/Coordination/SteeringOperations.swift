import Foundation
import Protocol

/// Steering running sessions, as callers may ask for it.
struct SteeringOperations: Sendable {
    let sessions: SessionStore
    let steering: SteeringStore
    let commands: CommandStore
    let bell: any Bell

    /// Between interrupt, terminate and kill, unless asked otherwise.
    private static let grace = 5.0
    /// How much longer than its graces an abort is waited for: the sweep, and the way there and back.
    private static let patience = 10.0

    func register(in table: inout OperationTable) {
        table.answer(MessageSession.self, with: message)
        table.answer(NotifyCoordinator.self, with: notify)
        table.answer(AbortSessionTree.self, with: abort)
    }

    private func message(_ request: MessageSession, by caller: Caller) async throws(Fault) -> MessageSession.Output {
        try Self.check(request.message)
        let session = try await sessions.require(request.sessionId)
        let id = try await steering.message(request.message, to: session.id, by: caller.accountId)
        bell.ring([session.id.rawValue])
        return MessageSession.Output(messageId: id, delivery: .queued)
    }

    private func notify(
        _ request: NotifyCoordinator,
        by caller: Caller
    ) async throws(Fault) -> NotifyCoordinator.Output {
        try Self.check(request.message)
        guard let session = caller.sessionId ?? request.sessionId else {
            throw .invalid("sessionId", "is required outside a session.")
        }
        guard request.sessionId == nil || request.sessionId == session else {
            throw Fault(.accessDenied, "A session speaks for itself only; leave sessionId out.")
        }
        let (id, parent) = try await steering.notify(request.message, level: request.level ?? .info, from: session)
        bell.ring([session.rawValue] + (parent.map { [$0.rawValue] } ?? []))
        return NotifyCoordinator.Output(messageId: id, parentSessionId: parent)
    }

    private static func check(_ message: String) throws(Fault) {
        guard !message.isEmpty, !message.utf8.contains(0) else {
            throw .invalid("message", "must be a text without U+0000.")
        }
        guard message.utf8.count <= Limits.messageBytes else {
            throw Fault(.tooLarge, "A message has at most \(Limits.messageBytes) bytes; send it in parts or as a file.")
        }
    }

    private func abort(_ request: AbortSessionTree, by caller: Caller) async throws(Fault) -> AbortSessionTree.Output {
        let grace = request.graceSeconds ?? Self.grace
        guard (0...300).contains(grace) else { throw .invalid("graceSeconds", "must be between 0 and 300.") }
        let session = try await sessions.require(request.sessionId)
        let begun = ContinuousClock.now
        func stopped() -> AbortSessionTree.Output {
            let waited = (ContinuousClock.now - begun).milliseconds
            return .init(AbortOutcome(outcome: .stopped, waitedMilliseconds: waited))
        }
        // Twice at most: a session that waits may be placed while it is looked at.
        for _ in 0..<2 {
            guard let place = try await steering.place(of: session.id) else { return stopped() }
            if request.preview == true { return preview(session, place) }
            if place.isOver { return stopped() }
            if place.isWaiting {
                guard try await steering.abortWaiting(session.id, fence: place.fence) else { continue }
                bell.ring([session.id.rawValue])
                return stopped()
            }
            return try await abort(session.id, place, grace: grace, since: begun)
        }
        throw Fault(.conflict, "The session changes as it is looked at; abort it again.")
    }

    private func abort(
        _ session: SessionID,
        _ place: SteeringStore.Place,
        grace: Double,
        since begun: ContinuousClock.Instant
    ) async throws(Fault) -> AbortSessionTree.Output {
        guard let spoke = place.spoke else {
            throw Fault(
                .spokeDisconnected,
                "The session's spoke was removed; nothing can reach what may still run there."
            )
        }
        let command = try await steering.orderAbort(session, fence: place.fence, graceSeconds: grace, on: spoke)
        let until = begun + (place.isConnected ? .seconds(3 * grace + Self.patience) : .zero)
        let keys = [command.rawValue, session.rawValue]
        let done = try await Waiting.value(bell, keys: keys, until: until) { () async throws(Fault) in
            try await commands.completion(of: command)
        }
        let waited = (ContinuousClock.now - begun).milliseconds
        guard let done else {
            let isAway = try await steering.place(of: session)?.isConnected != true
            return .init(AbortOutcome(outcome: isAway ? .requested : .incomplete, waitedMilliseconds: waited))
        }
        if let error = done.error { throw error }
        let result = done.result.map { WireCoder.bytes(of: $0) } ?? []
        var outcome: AbortOutcome = try WireCoder.value(from: result)
        outcome.waitedMilliseconds = max(outcome.waitedMilliseconds, waited)
        return .init(outcome)
    }

    private func preview(_ session: SessionRecord, _ place: SteeringStore.Place) -> AbortSessionTree.Output {
        let outcome = AbortOutcome(outcome: place.isOver ? .stopped : .requested, waitedMilliseconds: 0)
        return .init(
            outcome,
            preview: AbortPreview(
                sessionId: session.id,
                title: session.title,
                state: place.isOver ? .over : place.isWaiting ? .waiting : .running,
                spoke: place.spokeName,
                isConnected: place.isConnected,
                pid: place.isOver ? nil : place.pid
            )
        )
    }
}
