import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Watches every database of these tests: each step that a state takes, whoever writes it, must be one of its machine.
///
/// The hub writes states by guarded statements in several places; the machines say once which steps there are. This
/// holds the two together, in all that the tests do.
enum ObservedSteps {
    /// Table, column, and whether the machine knows the step.
    private static let machines: [(table: String, column: String, knows: @Sendable (String, String) -> Bool)] = [
        ("sessions", "status", { SessionStatus.step($0, $1, SessionLifecycle.mayBecome) }),
        ("mappings", "status", { MappingStatus.step($0, $1, MappingLifecycle.mayBecome) }),
        // A session's end takes a task two steps at once: a blocked one is in progress on the way.
        ("tasks", "status", { TaskStatus.step($0, $1, TaskLifecycle.mayBecome, within: 2) }),
        ("workspaces", "state", { WorkspaceState.step($0, $1, WorkspaceLifecycle.mayBecome) }),
        ("messages", "status", { MessageStatus.step($0, $1) { MessageLifecycle.mayBecome($0, from: $1) } }),
        ("messages", "delivery", { Delivery.step($0, $1) { MessageLifecycle.mayBecome($0, from: $1) } }),
        // What is over before it was written comes to the table in one row; what was written runs first.
        ("call_graph_nodes", "status", { CallStatus.step($0, $1, CallLifecycle.mayBecome, within: 2) }),
        ("operation_registrations", "status", { RegistrationStatus.step($0, $1, RegistrationLifecycle.mayBecome) }),
        ("accounts", "status", { AccountStatus.step($0, $1, AccountLifecycle.mayBecome) }),
    ]

    /// Run behind the hub's own migrations.
    static var sql: String {
        let triggers = machines.map { table, column, _ in
            """
            CREATE TRIGGER trg_observed_\(column) AFTER UPDATE OF \(column) ON nave.\(table)
                FOR EACH ROW WHEN (OLD.\(column) IS DISTINCT FROM NEW.\(column))
                EXECUTE FUNCTION observed.note('\(table)', '\(column)');
            """
        }
        return """
            CREATE SCHEMA observed;
            CREATE TABLE observed.steps (place text, was text, next text, PRIMARY KEY (place, was, next));
            CREATE FUNCTION observed.note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO observed.steps
                VALUES (TG_ARGV[0] || '.' || TG_ARGV[1], coalesce(to_jsonb(OLD) ->> TG_ARGV[1], ''),
                        coalesce(to_jsonb(NEW) ->> TG_ARGV[1], ''))
                ON CONFLICT DO NOTHING;
                RETURN NULL;
            END
            $$;
            \(triggers.joined(separator: "\n"))
            """
    }

    /// Steps that no machine knows, as `table.column: was → next`.
    static func unknown(in database: Database) async throws -> [String] {
        let texts = try await database.query(
            Statement<String>("SELECT place || ' ' || was || ' ' || next FROM observed.steps ORDER BY 1")
        )
        return texts.filter { text in
            let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            let machine = machines.first { "\($0.table).\($0.column)" == parts[0] }
            return machine?.knows(parts[1], parts[2]) != true
        }
    }
}

extension RawRepresentable where RawValue == String, Self: CaseIterable {
    /// Whether one of these words leads to the other in so many steps of a machine at most.
    fileprivate static func step(
        _ was: String,
        _ next: String,
        _ mayBecome: (Self, Self) -> Bool,
        within steps: Int = 1
    ) -> Bool {
        guard let was = Self(rawValue: was), let next = Self(rawValue: next) else { return false }
        if mayBecome(next, was) { return true }
        return steps > 1 && allCases.contains { mayBecome($0, was) && mayBecome(next, $0) }
    }
}
