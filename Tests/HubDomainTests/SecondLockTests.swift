import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// The second lock: what is read for a caller, by whatever statement, holds nothing of organisations that the caller
/// is no member of. A real server; the first lock is not in the way.
struct SecondLockTests {
    /// An organisation with something in every table that leads to it, and who may see it.
    private struct Stage {
        let hub: TestHub
        let member: Caller
        let stranger: Caller

        static func make() async throws -> Stage {
            let hub = try await TestHub.make()
            let scopes = Set(hub.domains.table.specs.map { "\($0.namespace):admin" }).subtracting(["org:admin"])
            let member = try await hub.stranger(scopes.sorted() + ["org:write"])
            let stranger = try await hub.stranger(scopes.sorted() + ["org:write"])
            _ = try await hub.ask(CreateOrganization(name: "Ops"), by: member)
            let project = try await hub.ask(CreateProject(name: "plans", repoUrl: "/plans", org: "ops"), by: member)
            _ = try await hub.ask(CreateProject(name: "open", repoUrl: "/open"), by: member)
            for statement in statements {
                try await hub.database.execute(Statement<Void>(statement), [project.id])
            }
            return Stage(hub: hub, member: member, stranger: stranger)
        }

        private static let statements = [
            "INSERT INTO nave.workspaces (id, project_id, name, branch) VALUES ('w', $1, 'w', 'w')",
            """
            INSERT INTO nave.sessions (id, project_id, workspace_id, slug, title)
            VALUES ('s', $1, 'w', 'slug', 'Title')
            """,
            "INSERT INTO nave.tasks (id, project_id, slug, name) VALUES ('t', $1, 't', 'T'), ('u', $1, 'u', 'U')",
            """
            INSERT INTO nave.task_dependencies (id, depends_on_task_id, dependent_task_id)
            SELECT 'd', 't', 'u' WHERE $1 <> ''
            """,
            """
            INSERT INTO nave.mappings (id, session_id, workspace_id, status) SELECT 'm', 's', 'w', 'completed'
             WHERE $1 <> ''
            """,
            """
            INSERT INTO nave.messages (id, session_id, role, status) SELECT 'g', 's', 'user', 'complete' WHERE $1 <> ''
            """,
            """
            INSERT INTO nave.detections (id, session_id, anomaly_type, severity) SELECT 'x', 's', 'stall', 'low'
             WHERE $1 <> ''
            """,
        ]
    }

    private func count(_ table: String, in hub: TestHub, for caller: Caller) async throws -> Int64 {
        try await hub.domains.table.secondLock.reading(for: caller, "test.count") { () async throws(Fault) -> Int64 in
            try await hub.database.first(Statement<Int64>("SELECT count(*) FROM nave.\(table)")) ?? -1
        }
    }

    /// As if every list had lost its filter.
    @Test func whateverIsAskedAStrangerSeesNothingOfAnOrganisation() async throws {
        let stage = try await Stage.make()
        let locked = try await stage.hub.database.query(
            Statement<String>(
                """
                SELECT relname::text FROM pg_class
                 WHERE relnamespace = 'nave'::regnamespace AND relrowsecurity ORDER BY relname
                """
            )
        )
        #expect(locked.count >= 15)
        for table in locked {
            let all = try await stage.hub.count("SELECT count(*) FROM nave.\(table)")
            let seen = try await count(table, in: stage.hub, for: stage.member)
            let strange = try await count(table, in: stage.hub, for: stage.stranger)
            // One project is open to all; of the trail everyone sees the lines of no organisation.
            let open: Int64 = table == "projects" ? 1 : 0
            if table != "audit_logs" {
                #expect(seen == all && strange == open, "\(table): \(all), member \(seen), stranger \(strange)")
            }
            #expect(try await count(table, in: stage.hub, for: stage.hub.admin) == all, "\(table)")
        }
        let lines = "SELECT count(*) FROM nave.audit_logs WHERE org_id IS NOT NULL"
        #expect(try await stage.hub.count(lines) > 0)
        let seen = try await stage.hub.domains.table.secondLock.reading(for: stage.stranger, "test.count") {
            () async throws(Fault) -> Int64? in try await stage.hub.database.first(Statement<Int64>(lines))
        }
        #expect(seen == 0)
        // A member that is none any more sees no more than a stranger.
        try await stage.hub.database.execute(Statement<Void>("DELETE FROM nave.organization_members"))
        #expect(try await count("sessions", in: stage.hub, for: stage.member) == 0)
        await stage.hub.close()
    }

    /// Tables that name what belongs to an organisation without belonging to it, each with the reason.
    private static let exempt: Set<String> = [
        "api_keys",  // An account's, listed to the account; `session_id` only ends them.
        "call_graph_nodes", "call_graph_edges",  // An account's: who called sees the call, wherever it led.
        "spokes", "spoke_commands", "operation_registrations", "join_tokens", "alerts",  // The fleet's.
        "idempotency_keys",  // Read by the hub alone.
    ]

    @Test func everyTableThatLeadsToAnOrganisationHasItsPolicy() async throws {
        let hub = try await TestHub.make()
        let bare = try await hub.database.query(
            Statement<String>(
                """
                WITH RECURSIVE owned (oid) AS (
                    SELECT 'nave.organizations'::regclass::oid
                    UNION
                    SELECT c.conrelid FROM pg_constraint c JOIN owned o ON c.confrelid = o.oid
                     WHERE c.contype = 'f'
                       AND c.confrelid <> ALL (SELECT ('nave.' || name)::regclass FROM unnest($1::text[]) AS name)
                )
                SELECT relname::text FROM pg_class JOIN owned USING (oid)
                 WHERE NOT relrowsecurity AND relname <> ALL ($1::text[]) ORDER BY relname
                """
            ),
            [Self.exempt.sorted()]
        )
        #expect(bare == [], "give each a policy, or say above why it needs none")
        await hub.close()
    }

    /// No handler of a query does what the role may not.
    @Test func everyQueryWorksBehindTheLock() async throws {
        let stage = try await Stage.make()
        var asked = 0
        for spec in stage.hub.domains.table.specs where spec.type == .query {
            for example in spec.inputSchema["examples"]?.arrayValue ?? [] {
                do throws(Fault) {
                    _ = try await stage.hub.domains.table.call(spec.id, input: example, by: stage.stranger)
                } catch {
                    #expect(![.execution, .unknown, .unavailable].contains(error.code), "\(spec.id): \(error)")
                }
                asked += 1
            }
        }
        #expect(asked > 40)
        await stage.hub.close()
    }
}
