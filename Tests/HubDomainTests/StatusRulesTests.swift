import HubCore
import HubDomains
import Postgres
import Protocol
import Testing

/// The machines, against tables written by hand from the documents; and that what is over stays so, whoever asks.
struct StatusRulesTests {
    /// Every pair of states: allowed exactly where the table says.
    private func check<State: CaseIterable & Hashable>(
        _ allowed: [State: Set<State>],
        _ mayBecome: (State, State) -> Bool
    ) {
        for from in State.allCases {
            for next in State.allCases {
                #expect(mayBecome(next, from) == (allowed[from]?.contains(next) ?? false), "\(from) to \(next)")
            }
        }
    }

    @Test func everyMachineMovesAsItsTableSays() {
        check([.idle: [.retry, .archived], .busy: [.idle, .retry], .retry: [.busy, .idle]]) {
            SessionLifecycle.mayBecome($0, from: $1)
        }
        check([.active: [.completed, .failed, .aborted]]) { MappingLifecycle.mayBecome($0, from: $1) }
        check(
            [
                .pending: [.inProgress], .inProgress: [.completed, .failed, .blocked],
                .blocked: [.pending, .inProgress], .failed: [.pending],
            ]
        ) { TaskLifecycle.mayBecome($0, from: $1) }
        check([.pending: [.running, .aborted], .running: [.completed, .failed, .aborted]]) {
            CallLifecycle.mayBecome($0, from: $1)
        }
        check([.active: [.inactive], .inactive: [.active]]) { RegistrationLifecycle.mayBecome($0, from: $1) }
        check(
            [
                .pending: [.ready, .busy, .lost, .removed], .ready: [.busy, .salvaging, .lost, .removed],
                .busy: [.ready, .lost, .removed], .salvaging: [.ready, .salvaging, .lost, .removed],
                .lost: [.salvaging, .removed],
            ]
        ) { WorkspaceLifecycle.mayBecome($0, from: $1) }
        check(
            [
                .pending: [.complete, .error], .streaming: [.complete, .error], .complete: [.error],
                .error: [.complete],
            ]
        ) { (next: MessageStatus, from) in MessageLifecycle.mayBecome(next, from: from) }
        check([.queued: [.delivered, .consumed], .delivered: [.consumed]]) { (next: Delivery, from) in
            MessageLifecycle.mayBecome(next, from: from)
        }
    }

    @Test func whatIsOverStaysOverThroughEveryOperation() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await hub.tasks(["done"])
        _ = try await hub.ask(StartTask(taskId: "done", projectId: "app"))
        _ = try await hub.ask(CompleteTask(taskId: "done", projectId: "app"))
        var spoke = try await ScriptedSpoke.join(hub, "one")
        let session = try await hub.spawn()
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        let id = session.sessionId.rawValue
        _ = try await hub.ask(ArchiveSession(sessionId: id))
        let project: JSONValue = "app"
        let task: JSONValue = ["taskId": "done", "projectId": project]
        let attempts: [(String, JSONValue)] = [
            ("task.start", task), ("task.complete", task), ("task.fail", ["taskId": "done", "projectId": project]),
            ("task.block", task), ("task.unblock", task), ("task.retry", task),
            ("task.safeExit", ["taskId": "done", "projectId": project, "reason": "x"]),
            ("session.archive", ["sessionId": .string(id)]), ("session.resume", ["sessionId": .string(id)]),
            ("coord.message", ["sessionId": .string(id), "message": "m"]),
        ]
        for (operation, input) in attempts {
            do {
                _ = try await hub.domains.table.call(operation, input: input, by: hub.admin)
                Issue.record("\(operation) was done")
            } catch {
                #expect(error.code == .invalidTransition || error.code == .conflict, "\(operation): \(error)")
            }
        }
        // What would move it by the way does not: an abort says what is, an import keeps what it was.
        _ = try await hub.ask(AbortSessionTree(sessionId: session.sessionId.rawValue))
        var entry = TaskEntry(id: "done", name: "Done", dependsOn: [])
        entry.status = .pending
        _ = try await hub.ask(ImportTasks(projectId: "app", tasks: [entry]))
        #expect(try await hub.task("done").status == .completed)
        let view = try await hub.view(session)
        #expect(view.session.status == .archived && view.mapping.status == .completed)
        // And not by a journal that tells of it late.
        spoke.exit(session, code: 1)
        try await spoke.flush()
        #expect(try await hub.view(session).mapping.status == .completed)
        #expect(try await hub.ask(VerifyHub()).complete)
        await hub.close()
    }

    @Test func theDatabaseItselfKeepsWhatIsOver() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let ended = ["status": "'archived'", "ended_at": "now()", "exit_reason": "'exited'"]
        let machines: [(table: String, column: String, over: [String: String], next: String)] = [
            ("sessions", "status", ended, "idle"), ("mappings", "status", ["status": "'failed'"], "active"),
            ("mappings", "status", ["status": "'completed'"], "failed"),
            ("mappings", "status", ["status": "'aborted'"], "completed"),
            ("workspaces", "state", ["state": "'removed'", "removed_at": "now()"], "ready"),
            ("tasks", "status", ["status": "'completed'"], "pending"),
        ]
        for (table, column, over, next) in machines {
            let id = try await rows.make(table, over)
            let what = Comment(rawValue: "\(table) to \(next)")
            let fault = await #expect(throws: Fault.self, what) {
                try await hub.database.execute(
                    Statement<Void>("UPDATE nave.\(table) SET \(column) = $2 WHERE id = $1"),
                    [id, next]
                )
            }
            let rule = fault?.details?["constraint"]?.stringValue ?? ""
            #expect(rule.hasPrefix("trg_\(table)_"), what)
            // Everything else of it may still be noted.
            let note = Statement<Void>(
                "UPDATE nave.\(table) SET \(column) = \(column), metadata = '{\"a\": 1}' WHERE id = $1"
            )
            #expect(try await hub.database.execute(note, [id]) == 1, what)
        }
        await hub.close()
    }
}
