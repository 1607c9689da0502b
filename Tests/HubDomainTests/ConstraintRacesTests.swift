import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Rules that are broken only by somebody who was slower than another, with the other one made: an account that goes
/// between authentication and deed, a change between an operation's look and its write, a name that chance has drawn
/// before. And what needs more than an input: the door of spokes, an id that is made first.
struct ConstraintRacesTests {
    /// The rules that are broken here.
    static let broken: Set = [
        "fk_join_tokens_created_by", "fk_sessions_account_id", "fk_messages_author_account_id", "unq_sessions_slug",
        "unq_mappings_active_session", "fk_call_graph_edges_target_id", "fk_call_graph_edges_source_id",
        "chk_spokes_name", "unq_spokes_name", "chk_tasks_parent",
    ]

    @Test func aCallerWhoseAccountHasGoneIsToldSo() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let session = try await hub.spawn()
        let run: JSONValue = ["command": ["true"]]
        for (operation, input) in [
            ("token.create", [:]), ("coord.spawn", ["project": "app", "run": run]),
            ("coord.message", ["sessionId": .string(session.sessionId.rawValue), "message": "m"]),
        ] as [(String, JSONValue)] {
            let caller = try await hub.stranger("*")
            try await hub.database.execute(
                Statement<Void>("DELETE FROM nave.accounts WHERE id = $1"),
                [caller.accountId]
            )
            let told = await fault(hub, operation, input, by: caller)
            expect(told, names: "account", "\(operation)")
        }
        await hub.close()
    }

    @Test func whoIsSlowerIsToldWhatTheFasterChanged() async throws {
        let hub = try await TestHub.make()
        try await aSessionIsTakenUpOnce(hub)
        try await callsAreForgottenWhileTheyAreConnected(hub)
        await hub.close()
    }

    @Test func aNameThatChanceHasDrawnBeforeIsTheTitles() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        try await RowMaker(database: hub.database).make("sessions", ["slug": "'taken'"])
        for sql in [
            """
            CREATE FUNCTION public.chance() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                NEW.slug := 'taken';
                RETURN NEW;
            END $$
            """,
            "CREATE TRIGGER trg_chance BEFORE INSERT ON nave.sessions FOR EACH ROW EXECUTE FUNCTION public.chance()",
        ] {
            try await hub.database.execute(Statement<Void>(sql))
        }
        let input: JSONValue = ["project": "app", "title": "T", "run": ["command": ["true"]]]
        expect(await fault(hub, "coord.spawn", input), names: "title", "coord.spawn")
        await hub.close()
    }

    @Test func aTaskIsNoPartOfItself() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.project()
        let task = try await hub.ask(CreateTask(projectId: "app", name: "Whole"))
        let input: JSONValue = ["taskId": .string(task.id.rawValue), "parentTaskId": .string(task.id.rawValue)]
        expect(await fault(hub, "task.update", input), names: "parentTaskId", "task.update")
        await hub.close()
    }

    @Test func theDoorOfSpokesSaysWhatIsWrongWithAName() async throws {
        let hub = try await TestHub.make()
        _ = try await ScriptedSpoke.join(hub, "one")
        let token = try await hub.ask(CreateJoinToken(uses: 5)).token
        let long = String(repeating: "n", count: Limits.nameBytes + 1)
        for name in ["", " ", long, "-x", "a\nb", "one"] {
            let told = await #expect(throws: Fault.self) {
                _ = try await hub.domains.coordination.spokes.join(JoinRequest(token: token, name: name, labels: [:]))
            }
            expect(told, names: "name", "“\(name)”")
        }
        // What is refused costs no use of the token.
        #expect(try await hub.ask(ListJoinTokens()).tokens.contains { $0.usesLeft == 5 })
        await hub.close()
    }

    // MARK: Races

    private func aSessionIsTakenUpOnce(_ hub: TestHub) async throws {
        _ = try await hub.project()
        let agents = [AgentOffer(name: "coder", resumes: true)]
        var spoke = try await ScriptedSpoke.join(hub, "one", agents: agents)
        let order = SpawnOrder(project: "app", run: RunOrder(agent: "coder", prompt: "Begin."))
        let session = try await hub.spawn(order)
        spoke.start(session, agentOutput: .text)
        spoke.exit(session)
        try await spoke.flush()
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.sessions SET provider_session_id = 'c' WHERE id = $1"),
            [session.sessionId]
        )
        let id = session.sessionId.rawValue
        let told = try await race(
            hub,
            at: "mappings",
            "INSERT INTO nave.mappings (id, session_id, status) VALUES ('rival', '\(id)', 'active')",
            "session.resume",
            ["sessionId": .string(id)]
        )
        expect(told, names: "sessionId", "session.resume")
    }

    private func callsAreForgottenWhileTheyAreConnected(_ hub: TestHub) async throws {
        let rows = RowMaker(database: hub.database)
        for (gone, field) in [("later", "requestId"), ("earlier", "dependsOn")] {
            for name in ["earlier", "later"] {
                let who = #"'{"id": "x", "scopes": []}'"#
                try await rows.make("call_graph_nodes", ["request_id": "'\(name)-\(gone)'", "identity": who])
            }
            let input: JSONValue = ["requestId": .string("later-\(gone)"), "dependsOn": [.string("earlier-\(gone)")]]
            let told = try await race(
                hub,
                at: "call_graph_edges",
                "DELETE FROM nave.call_graph_nodes WHERE request_id = '\(gone)-\(gone)'",
                "call.depend",
                input
            )
            expect(told, names: field, "call.depend")
        }
    }

    /// What an operation answers if, after its look and before it inserts into a table, somebody else's change is
    /// committed. A trigger waits at that place for a lock that the other one holds until then.
    private func race(
        _ hub: TestHub,
        at table: String,
        _ change: String,
        _ operation: String,
        _ input: JSONValue
    ) async throws -> Fault? {
        let lock = "pg_advisory_xact_lock(4711)"
        for sql in [
            """
            CREATE OR REPLACE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM \(lock);
                RETURN NULL;
            END $$
            """,
            """
            CREATE OR REPLACE TRIGGER trg_gate BEFORE INSERT ON nave.\(table)
                FOR EACH STATEMENT EXECUTE FUNCTION public.gate()
            """,
        ] {
            try await hub.database.execute(Statement<Void>(sql))
        }
        let (begun, begin) = AsyncStream<Void>.makeStream()
        async let answer = { () async -> Fault? in
            for await _ in begun { break }
            return await fault(hub, operation, input)
        }()
        try await hub.database.transaction { transaction async throws(Fault) in
            _ = try await transaction.first(Statement<String>("SELECT \(lock)::text"))
            begin.yield()
            try await Self.untilSomebodyWaits(transaction)
            try await transaction.execute(Statement<Void>(change))
        }
        return await answer
    }

    private static func untilSomebodyWaits(_ transaction: Transaction) async throws(Fault) {
        let end = ContinuousClock.now + .seconds(60)
        let waiting = Statement<Int64>(
            """
            SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
             WHERE l.locktype = 'advisory' AND l.objid = 4711 AND NOT l.granted AND d.datname = current_database()
            """
        )
        while try await transaction.first(waiting) != 1 {
            guard ContinuousClock.now < end else { throw Fault(.timeout, "The operation never came to the gate.") }
            // A cancelled pause is a short one.
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    private func fault(
        _ hub: TestHub,
        _ operation: String,
        _ input: JSONValue,
        by caller: Caller? = nil
    ) async -> Fault? {
        do throws(Fault) {
            _ = try await hub.domains.table.call(operation, input: input, by: caller ?? hub.admin)
            return nil
        } catch {
            return error
        }
    }

    private func expect(_ told: Fault?, names field: String, _ what: String) {
        let said = Comment(rawValue: "\(what) → \(told?.message ?? "taken") \(String(describing: told?.details))")
        let paths = told?.details?.arrayValue?.compactMap { $0["path"]?.stringValue } ?? []
        #expect(paths.contains(field) || told?.details?["field"]?.stringValue == field, said)
        #expect(told.map { [.validation, .conflict].contains($0.code) } == true, said)
        #expect(told?.details?["constraint"] == nil && told?.details?["sqlstate"] == nil, said)
    }
}
