import Foundation
import Logging
import Protocol
import SpokeCore

/// Carries out the hub's orders, each once, in the order in which they came as far as one session is concerned.
struct CommandRunner: Sendable {
    let inbox: Inbox
    let sessions: Sessions
    let surroundings: SessionSurroundings
    let drain: @Sendable (Bool) async -> Void
    let logger: Logger
    let bell: AsyncStream<Void>

    /// Works off what waits, then what comes, until cancelled. Orders left by an earlier run of the agent come first.
    func run() async {
        await withDiscardingTaskGroup { group in
            var begun: Set<CommandID> = []
            var iterator = bell.makeAsyncIterator()
            repeat {
                let pending = await self.pending()
                begun.formIntersection(pending.map(\.id))
                for command in pending where begun.insert(command.id).inserted {
                    // A start is taken on before the next order is looked at, so that an abort behind it finds it,
                    // and a message has its place before the next, so that they arrive in order.
                    if let start = decode(StartSession.self, of: command, type: .sessionStart) {
                        await sessions.begin(start, in: surroundings)
                    } else {
                        let planned = await plan(command)
                        group.addTask { await carryOut(command, planned) }
                    }
                }
            } while await iterator.next() != nil
        }
    }

    private func pending() async -> [Inbox.Pending] {
        do {
            return try await inbox.pending()
        } catch {
            logger.error("orders not readable", metadata: ["error": "\(error)"])
            return []
        }
    }

    private func decode<Payload: Decodable>(
        _ type: Payload.Type,
        of command: Inbox.Pending,
        type wanted: CommandType
    ) -> Payload? {
        guard command.type == wanted.rawValue else { return nil }
        // One that cannot be read is answered by `carryOut`.
        return try? WireCoder.value(type, from: command.payload)
    }

    /// Gives a message its place; what stands in its way is answered by ``carryOut(_:_:)``.
    private func plan(_ command: Inbox.Pending) async -> SessionInput.Planned? {
        guard let message = decode(SendMessage.self, of: command, type: .sessionMessage),
            let run = await sessions.running(message.sessionId)
        else { return nil }
        return try? await run.plan(message)
    }

    private func carryOut(_ command: Inbox.Pending, _ planned: SessionInput.Planned?) async {
        let outcome: (result: JSONValue?, error: Fault?, drafts: [JournalDraft])
        do {
            let done = try await execute(command, planned)
            outcome = (done.result, nil, done.drafts)
        } catch {
            logger.notice("order refused", metadata: ["command": "\(command.id)", "error": "\(error)"])
            outcome = (nil, error, [])
        }
        do {
            try await inbox.completed(
                command.id,
                result: outcome.result,
                error: outcome.error,
                drafts: outcome.drafts
            )
        } catch {
            // The order is still open; the next start of the agent carries it out again.
            logger.error("order's end not journaled", metadata: ["command": "\(command.id)", "error": "\(error)"])
        }
    }

    private struct Done {
        var result: JSONValue?
        var drafts: [JournalDraft] = []
    }

    private func execute(
        _ command: Inbox.Pending,
        _ planned: SessionInput.Planned?
    ) async throws(Fault) -> Done {
        switch CommandType(rawValue: command.type) {
        case .sessionStart:
            // Readable ones were taken on already: this one is not.
            _ = try WireCoder.value(StartSession.self, from: command.payload)
            return Done()
        case .sessionMessage: return try await message(try WireCoder.value(from: command.payload), planned)
        case .sessionAbort: return try await abort(try WireCoder.value(from: command.payload))
        case .workspaceRemove: return try await remove(try WireCoder.value(from: command.payload))
        case .workspaceRestore: return try await restore(try WireCoder.value(from: command.payload))
        case .spokeDrain:
            let order: DrainSpoke = try WireCoder.value(from: command.payload)
            await drain(order.draining)
            return Done()
        case nil:
            throw Fault(
                .operationNotFound,
                "This spoke does not know the command \(command.type); upgrade the spoke."
            )
        }
    }

    private func message(
        _ order: SendMessage,
        _ planned: SessionInput.Planned?
    ) async throws(Fault) -> Done {
        guard let run = await sessions.running(order.sessionId), run.order.fence == order.fence else {
            throw Fault(.conflict, "The session does not run here; nobody can read the message.")
        }
        let text: SessionInput.Planned
        if let planned { text = planned } else { text = try await run.plan(order) }
        try await run.deliver(text)
        await run.tellWhenRead(order, text)
        let progress = SessionMessageProgress(
            sessionId: order.sessionId,
            fence: order.fence,
            messageId: order.messageId,
            delivery: .delivered
        )
        return Done(drafts: [JournalDraft(.sessionMessage, progress)])
    }

    private func abort(_ order: AbortSession) async throws(Fault) -> Done {
        guard let run = await sessions.running(order.sessionId), run.order.fence <= order.fence else {
            // It has ended, which is what was asked for.
            return Done(result: try Self.value(AbortOutcome(outcome: .stopped, waitedMilliseconds: 0)))
        }
        return Done(result: try Self.value(await run.stop(order)))
    }

    private func remove(_ order: RemoveWorkspace) async throws(Fault) -> Done {
        try await surroundings.removeWorkspace(order.workspaceId, reason: order.reason)
        return Done()
    }

    private func restore(_ order: RestoreWorkspace) async throws(Fault) -> Done {
        let policy = try await surroundings.policy.current()
        if let objection = policy.objection(toRepository: order.workspace.repository) { throw objection }
        let created = try await surroundings.worktrees.restore(order)
        return Done(result: try Self.value(created), drafts: [JournalDraft(.workspaceCreated, created)])
    }

    private static func value(_ value: some Encodable) throws(Fault) -> JSONValue {
        try WireCoder.value(from: WireCoder.bytes(of: value))
    }
}
