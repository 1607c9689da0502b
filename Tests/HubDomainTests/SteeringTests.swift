import Foundation
import HubDomains
import Postgres
import Protocol
import Synchronization
import Testing

/// Messages, aborts, waiting, output and restores: what is asked while sessions run.
struct SteeringTests {
    @Test func abortIsProvenInEveryState() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let waiting = try await hub.spawn()
        let abort = { @Sendable (session: SpawnedSession) in
            AbortSessionTree(sessionId: session.sessionId.rawValue, graceSeconds: 0)
        }
        #expect(try await hub.ask(abort(waiting)).outcome == .stopped)
        #expect(try await hub.view(waiting).mapping.status == .aborted)
        #expect(try await hub.view(waiting).workspace?.state == .removed)
        // Over already: nothing is left to stop.
        #expect(try await hub.ask(abort(waiting)).outcome == .stopped)

        var spoke = try await ScriptedSpoke.join(hub, "a")
        let running = try await hub.spawn()
        spoke.start(running)
        try await spoke.flush()
        var preview = abort(running)
        preview.preview = true
        let seen = try await hub.ask(preview)
        #expect(seen.preview?.state == .running)
        #expect(seen.preview?.pid == 42)
        #expect(try await hub.view(running).session.isOver == false)

        async let answer = hub.ask(abort(running))
        var orders: [AbortSession] = []
        while orders.isEmpty { orders = try await spoke.take(.sessionAbort) }
        spoke.exit(running, code: nil, reason: .aborted)
        let proof = AbortOutcome(
            outcome: .stopped,
            processes: [ProcessRecord(pid: 42, command: "true")],
            waitedMilliseconds: 3
        )
        spoke.note(
            .commandCompleted,
            CommandCompleted(commandId: orders[0].commandId, result: JSONValue(encoding: proof))
        )
        try await spoke.flush()
        let outcome = try await answer
        #expect(outcome.outcome == .stopped)
        #expect(outcome.processes.map(\.pid) == [42])
        #expect(try await hub.view(running).mapping.status == .aborted)

        let away = try await hub.spawn()
        try await spoke.disconnect()
        #expect(try await hub.ask(abort(away)).outcome == .requested)
        #expect(try await hub.ask(abort(away)).outcome == .requested)
        #expect(try await hub.view(away).mapping.status == .active)
        let standing: [AbortSession] = try await spoke.take(.sessionAbort)
        #expect(standing.map(\.sessionId) == [away.sessionId])
        #expect(try await hub.refusal(AbortSessionTree(sessionId: "nobody"))?.code == .notFound)
        await hub.close()
    }

    @Test func howAnAbortedProcessEndedIsKnownWhicheverWordComesFirst() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        spoke.start(session)
        try await spoke.flush()
        // The spoke is away: the order stands, and nobody waits for it.
        try await spoke.disconnect()
        _ = try await hub.ask(AbortSessionTree(sessionId: session.sessionId.rawValue))
        let order = try #require(try await spoke.take(.sessionAbort, as: AbortSession.self).first)
        let proof = JSONValue(encoding: AbortOutcome(outcome: .stopped, waitedMilliseconds: 1))
        spoke.note(.commandCompleted, CommandCompleted(commandId: order.commandId, result: proof, error: nil))
        spoke.exit(session, code: 3, reason: .aborted, sums: [OutputSum(stream: .stdout, bytes: 0, hash: .origin)])
        try await spoke.flush()
        let view = try await hub.view(session)
        #expect(view.session.exitReason == .aborted && view.session.exitCode == 3)
        #expect(view.mapping.status == .aborted)
        await hub.close()
    }

    @Test func messagesReachSessionsAlsoThoseThatWait() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let session = try await hub.spawn()
        let id = session.sessionId.rawValue
        let early = try await hub.ask(MessageSession(sessionId: id, message: "first"))
        var spoke = try await ScriptedSpoke.join(hub, "a")
        #expect(try await hub.domains.coordination.placeWaiting() == 1)
        _ = try await hub.ask(MessageSession(sessionId: id, message: "second"))
        let sent = try await spoke.takeCommands()
        #expect(sent.map(\.type) == ["session.start", "session.message", "session.message"])
        let texts = try sent.dropFirst().map { try WireCoder.value(SendMessage.self, from: $0.payload).text }
        #expect(texts == ["first", "second"])
        for delivery in [Delivery.consumed, .delivered] {
            spoke.note(
                .sessionMessage,
                SessionMessageProgress(
                    sessionId: session.sessionId,
                    fence: 1,
                    messageId: early.messageId,
                    delivery: delivery
                )
            )
        }
        try await spoke.flush()
        var messages = try await hub.ask(ListMessages(sessionId: id)).messages
        #expect(messages.map(\.delivery) == [.consumed, .queued])
        spoke.exit(session)
        try await spoke.flush()
        messages = try await hub.ask(ListMessages(sessionId: id)).messages
        #expect(messages.map(\.status) == [.complete, .error])
        #expect(try await hub.refusal(MessageSession(sessionId: id, message: "late"))?.code == .invalidTransition)
        #expect(try await hub.refusal(MessageSession(sessionId: id, message: ""))?.code == .validation)
        await hub.close()
    }

    @Test func aSessionTellsItsCoordinator() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let parent = try await hub.spawn()
        var order = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        order.parentSessionId = parent.sessionId
        let child = try await hub.spawn(order)
        var caller = hub.caller("notice:write")
        caller.act(as: child.sessionId)
        let told = try await hub.ask(NotifyCoordinator(message: "stuck", level: .blocking), by: caller)
        #expect(told.parentSessionId == parent.sessionId)
        let heard = try await hub.ask(ListMessages(sessionId: parent.sessionId.rawValue)).messages
        #expect(heard.map { $0.data["text"] } == ["stuck"])
        #expect(heard.first?.data["level"] == "blocking")
        let forged = NotifyCoordinator(message: "x", sessionId: parent.sessionId)
        #expect(try await hub.refusal(forged, by: caller)?.code == .accessDenied)
        let below = try await hub.ask(GetCoordinationStatus(parentSessionId: parent.sessionId)).mappings
        #expect(below.map(\.mapping.sessionId) == [child.sessionId])
        await hub.close()
    }

    @Test func waitingEndsWithTheNewsOrTheDeadline() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let (one, two) = (try await hub.spawn(), try await hub.spawn())
        let ids = [one.sessionId, two.sessionId]
        #expect(try await hub.ask(WaitForSessions(sessionIds: ids, deadlineSeconds: 0)).done == false)
        async let any = hub.ask(WaitForSessions(sessionIds: ids, until: .any, deadlineSeconds: 60))
        async let all = hub.ask(WaitForSessions(sessionIds: ids, deadlineSeconds: 60))
        spoke.exit(one)
        try await spoke.flush()
        let first = try await any
        #expect(first.done)
        spoke.exit(two, code: 3)
        try await spoke.flush()
        #expect(try await all.done)
        #expect(try await hub.view(two).mapping.status == .failed)
        #expect(try await hub.refusal(WaitForSessions(sessionIds: ["nobody"]))?.code == .notFound)
        await hub.close()
    }

    private final class Received: Sendable {
        let pieces = Mutex<[(id: String?, piece: SessionOutputPiece)]>([])
        var text: String {
            pieces.withLock { String(decoding: $0.flatMap { Array($0.piece.bytes ?? Data()) }, as: UTF8.self) }
        }
    }

    private func read(_ hub: TestHub, _ request: ReadSessionOutput, after id: String? = nil) async throws -> Received {
        let received = Received()
        try await hub.domains.table.subscribe(
            ReadSessionOutput.name,
            input: JSONValue(encoding: request),
            lastEventId: id,
            by: hub.admin
        ) { (value: StreamedValue) async throws(Fault) in
            let piece: SessionOutputPiece = try WireCoder.value(from: value.answer.data)
            received.pieces.withLock { $0.append((value.id, piece)) }
        }
        return received
    }

    @Test func outputIsReadFromAnyOffsetResumedAndFollowedToTheEnd() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        let id = session.sessionId.rawValue
        spoke.start(session)
        spoke.print(session, ["hello ", "world", "\n"])
        spoke.print(session, ["oops"], stream: .stderr)
        spoke.note(
            .outputGap,
            OutputGap(
                sessionId: session.sessionId,
                fence: 1,
                stream: .stdout,
                from: 12,
                to: 100,
                reason: "full",
                hash: .origin
            )
        )
        try await spoke.flush()
        #expect(try await read(hub, ReadSessionOutput(sessionId: id)).text == "hello world\n")
        #expect(try await read(hub, ReadSessionOutput(sessionId: id, fromOffset: 8)).text == "rld\n")
        #expect(try await read(hub, ReadSessionOutput(sessionId: id, stream: .stderr)).text == "oops")
        let all = try await read(hub, ReadSessionOutput(sessionId: id, stream: .all))
        #expect(all.text == "hello world\noops")
        let gap = all.pieces.withLock { $0.last?.piece }
        #expect(gap?.gapTo == 100)
        let second = all.pieces.withLock { $0[1].id }
        #expect(try await read(hub, ReadSessionOutput(sessionId: id, stream: .all), after: second).text == "\noops")

        async let followed = read(hub, ReadSessionOutput(sessionId: id, fromOffset: 100, follow: true))
        spoke.print(session, ["more"], from: 100)
        try await spoke.flush()
        spoke.exit(session, code: 7)
        try await spoke.flush()
        let end = try await followed
        #expect(end.text == "more")
        #expect(end.pieces.withLock { $0.last?.piece.ended?.exitCode } == 7)
        await hub.close()
    }

    @Test func savedWorkComesBackWhereItCan() async throws {
        let hub = try await TestHub.make()
        let project = try await hub.project()
        var spoke = try await ScriptedSpoke.join(hub, "a")
        let session = try await hub.spawn()
        spoke.start(session)
        spoke.exit(session)
        spoke.note(
            .workspaceSalvaged,
            WorkspaceSalvaged(
                salvageId: "v",
                workspaceId: session.workspaceId,
                projectId: project.id,
                ref: "refs/salvage/x/1",
                commit: "c",
                parents: ["p"],
                branch: session.branch,
                files: 2,
                bytes: 3,
                expiresAt: Date(timeIntervalSinceNow: 86_400),
                bundle: Data([1, 2, 3])
            )
        )
        spoke.note(
            .workspaceRemoved,
            WorkspaceRemoved(workspaceId: session.workspaceId, headCommit: "h", reason: "done")
        )
        try await spoke.flush()
        #expect(try await hub.ask(ListSalvages()).salvages.map(\.id) == ["v"])
        #expect(try await hub.ask(ListWorkspaces()).workspaces.isEmpty)
        async let answer = hub.ask(RestoreSalvage(salvageId: "v"))
        var orders: [RestoreWorkspace] = []
        while orders.isEmpty { orders = try await spoke.take(.workspaceRestore) }
        #expect(orders[0].bundle == nil)
        spoke.note(
            .commandCompleted,
            CommandCompleted(commandId: orders[0].commandId, result: ["directory": "/worktrees/r"])
        )
        try await spoke.flush()
        let restored = try await answer
        #expect(restored.directory == "/worktrees/r")
        #expect(restored.spokeId == spoke.id)
        #expect(try await hub.ask(ListWorkspaces()).workspaces.map(\.state) == [.ready])
        #expect(try await hub.ask(ListSalvages()).salvages.first?.restoredAt != nil)
        #expect(try await hub.refusal(RestoreSalvage(salvageId: "nothing"))?.code == .notFound)
        await hub.close()
    }
}
