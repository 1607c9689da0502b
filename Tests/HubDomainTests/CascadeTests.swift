import Foundation
import Postgres
import Protocol
import Testing

/// What becomes of the child when its parent is deleted: the seed's table of foreign keys, row by row, done and seen.
struct CascadeTests {
    enum Behaviour { case cascade, setNull, restrict }

    struct Rule {
        let child: String
        let column: String
        let parent: String
        let behaviour: Behaviour

        init(_ child: String, _ column: String, _ parent: String, _ behaviour: Behaviour) {
            (self.child, self.column, self.parent, self.behaviour) = (child, column, parent, behaviour)
        }
    }

    /// The table of seed 002, in its order.
    static let seed: [Rule] = [
        Rule("organizations", "owner_id", "accounts", .restrict),
        Rule("organization_members", "org_id", "organizations", .cascade),
        Rule("organization_members", "account_id", "accounts", .cascade),
        Rule("projects", "org_id", "organizations", .setNull),
        Rule("workspaces", "project_id", "projects", .cascade),
        Rule("sessions", "project_id", "projects", .cascade),
        Rule("sessions", "workspace_id", "workspaces", .setNull),
        Rule("sessions", "parent_id", "sessions", .setNull),
        Rule("messages", "session_id", "sessions", .cascade),
        Rule("parts", "message_id", "messages", .cascade),
        Rule("parts", "session_id", "sessions", .cascade),
        Rule("operation_registrations", "operation_id", "operations", .cascade),
        Rule("spokes", "project_id", "projects", .setNull),
        Rule("api_keys", "owner_id", "accounts", .cascade),
        Rule("audit_logs", "key_id", "api_keys", .setNull),
        Rule("audit_logs", "owner_id", "accounts", .restrict),
        Rule("audit_logs", "session_id", "sessions", .setNull),
        Rule("audit_logs", "org_id", "organizations", .setNull),
        Rule("clients", "owner_id", "accounts", .restrict),
        Rule("clients", "org_id", "organizations", .setNull),
        Rule("client_secrets", "client_id", "clients", .cascade),
        Rule("mappings", "session_id", "sessions", .cascade),
        Rule("mappings", "spoke_id", "spokes", .setNull),
        Rule("mappings", "parent_session_id", "sessions", .setNull),
        Rule("mappings", "task_id", "tasks", .setNull),
        Rule("mappings", "workspace_id", "workspaces", .setNull),
        Rule("detections", "session_id", "sessions", .cascade),
        Rule("detections", "resolved_by", "accounts", .setNull),
        Rule("roles", "parent_id", "roles", .setNull),
        Rule("sessions", "account_id", "accounts", .setNull),
        Rule("tasks", "project_id", "projects", .cascade),
        Rule("task_dependencies", "depends_on_task_id", "tasks", .cascade),
        Rule("task_dependencies", "dependent_task_id", "tasks", .cascade),
        Rule("call_graph_edges", "source_id", "call_graph_nodes", .cascade),
        Rule("call_graph_edges", "target_id", "call_graph_nodes", .cascade),
        Rule("call_graph_nodes", "operation_id", "operations", .restrict),
        Rule("api_keys", "rotated_to_id", "api_keys", .setNull),
    ]

    /// The foreign keys that the plan added.
    static let added: [Rule] = [
        Rule("api_keys", "session_id", "sessions", .cascade),
        Rule("api_keys", "spoke_id", "spokes", .cascade),
        Rule("workspaces", "spoke_id", "spokes", .setNull),
        Rule("messages", "author_account_id", "accounts", .setNull),
        Rule("spokes", "hub_id", "hubs", .setNull),
        Rule("call_graph_nodes", "caller_account_id", "accounts", .setNull),
        Rule("call_graph_nodes", "session_id", "sessions", .setNull),
        Rule("tasks", "parent_task_id", "tasks", .cascade),
        Rule("tasks", "mapping_id", "mappings", .setNull),
        Rule("join_tokens", "created_by", "accounts", .cascade),
        Rule("spoke_commands", "spoke_id", "spokes", .cascade),
        Rule("session_output", "session_id", "sessions", .cascade),
        Rule("salvages", "workspace_id", "workspaces", .cascade),
        Rule("salvages", "project_id", "projects", .cascade),
        Rule("salvages", "spoke_id", "spokes", .setNull),
        Rule("idempotency_keys", "account_id", "accounts", .cascade),
    ]

    @Test func everyChildFollowsItsParentAsTheTableSays() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        // By itself the database refuses; the hub reassigns such calls first, which has a test of its own.
        try await hub.database.execute(
            Statement<Void>("ALTER TABLE nave.operations DISABLE TRIGGER trg_operations_keep_calls")
        )
        for rule in Self.seed + Self.added {
            try await follow(rule, rows, hub)
        }
        await hub.close()
    }

    private func follow(_ rule: Rule, _ rows: RowMaker, _ hub: TestHub) async throws {
        let name = Comment(rawValue: "\(rule.child).\(rule.column) → \(rule.parent)")
        let (parent, given) = try await parent(for: rule, rows)
        let child = try await rows.make(rule.child, given.merging([rule.column: "'\(parent)'"]) { $1 })
        func children() async throws -> Int64 {
            try await hub.count("SELECT count(*) FROM nave.\(rule.child) WHERE \(rule.column) = $1", [parent])
        }
        #expect(try await children() == 1, name)
        let delete = Statement<Void>("DELETE FROM nave.\(rule.parent) WHERE id = $1")
        switch rule.behaviour {
        case .cascade:
            #expect(try await hub.database.execute(delete, [parent]) == 1, name)
            #expect(try await children() == 0, name)
        case .setNull:
            #expect(try await hub.database.execute(delete, [parent]) == 1, name)
            let detached = "SELECT count(*) FROM nave.\(rule.child) WHERE id = $1 AND \(rule.column) IS NULL"
            #expect(try await hub.count(detached, [child]) == 1, name)
        case .restrict:
            await #expect(throws: Fault.self, name) { try await hub.database.execute(delete, [parent]) }
            #expect(try await children() == 1, name)
        }
    }

    /// A row to be deleted, and what a child that refers to it needs besides.
    private func parent(for rule: Rule, _ rows: RowMaker) async throws -> (id: String, given: [String: String]) {
        switch (rule.child, rule.column) {
        case ("call_graph_edges", "source_id"):
            // An edge leads from the older node to the newer.
            let parent = try await rows.make("call_graph_nodes")
            return (parent, ["target_id": "'\(try await rows.make("call_graph_nodes"))'"])
        case ("call_graph_edges", _):
            let older = try await rows.make("call_graph_nodes")
            return (try await rows.make("call_graph_nodes"), ["source_id": "'\(older)'"])
        case ("task_dependencies", let column):
            let project = ["project_id": "'\(try await rows.make("projects"))'"]
            let (parent, other) = (try await rows.make("tasks", project), try await rows.make("tasks", project))
            let end = column == "depends_on_task_id" ? "dependent_task_id" : "depends_on_task_id"
            return (parent, [end: "'\(other)'"])
        case ("detections", "resolved_by"):
            // Who resolved it goes with that it was.
            return (try await rows.make(rule.parent), ["resolved_at": "now()", "resolution": "'fixed'"])
        default: return (try await rows.make(rule.parent), [:])
        }
    }

    @Test func noForeignKeyIsWithoutItsRule() async throws {
        let hub = try await TestHub.make()
        let found = try await hub.database.query(
            Statement<String>(
                """
                SELECT c.conname::text FROM pg_constraint c
                 WHERE c.contype = 'f' AND c.connamespace = 'nave'::regnamespace
                """
            )
        )
        let ruled = Set((Self.seed + Self.added).map { "fk_\($0.child)_\($0.column)" })
        #expect(Set(found).subtracting(ruled) == [])
        #expect(Self.seed.count == 37)
        await hub.close()
    }

    /// The two rows without a foreign key: a spoke that is away offers nothing, one that is deleted never did.
    @Test func aSpokesOffersFollowItWithoutAForeignKey() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let spoke = try await rows.make(
            "spokes",
            [
                "status": "'connected'", "connected_at": "now()", "disconnected_at": "NULL", "incarnation": "'i'",
            ]
        )
        try await rows.make("operation_registrations", ["provider_id": "'\(spoke)'"])
        try await rows.make("operation_registrations")
        func offers(_ status: String) async throws -> Int64 {
            try await hub.count(
                "SELECT count(*) FROM nave.operation_registrations WHERE provider_id = $1 AND status = $2",
                [spoke, status]
            )
        }
        #expect(try await offers("active") == 1)
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.spokes SET status = 'disconnected', disconnected_at = now() WHERE id = $1"),
            [spoke]
        )
        #expect(try await (offers("active"), offers("inactive")) == (0, 1))
        try await hub.database.execute(Statement<Void>("DELETE FROM nave.spokes WHERE id = $1"), [spoke])
        #expect(try await (offers("active"), offers("inactive")) == (0, 0))
        #expect(try await hub.count("SELECT count(*) FROM nave.operation_registrations") == 1, "another's stays")
        await hub.close()
    }

    @Test func callsOfADeletedOperationAreReassignedAndTheirHolderStays() async throws {
        let hub = try await TestHub.make()
        let rows = RowMaker(database: hub.database)
        let operation = try await rows.make("operations")
        let call = try await rows.make("call_graph_nodes", ["operation_id": "'\(operation)'"])
        try await hub.database.execute(Statement<Void>("DELETE FROM nave.operations WHERE id = $1"), [operation])
        let kept = "SELECT count(*) FROM nave.call_graph_nodes WHERE id = $1 AND operation_id = '__removed__'"
        #expect(try await hub.count(kept + " AND metadata->>'operation' = $2", [call, operation]) == 1)
        await #expect(throws: Fault.self) {
            try await hub.database.execute(Statement<Void>("DELETE FROM nave.operations WHERE id = '__removed__'"))
        }
        await hub.close()
    }
}
