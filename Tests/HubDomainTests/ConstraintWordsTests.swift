import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Whatever rule of the database a caller breaks, the answer names the caller's field, never the database's words.
struct ConstraintWordsTests {
    /// Rules that no caller can break, by the beginning of their names, and why.
    static let unreachable: [String: String] = [
        "chk_accounts_status": "account.suspend and its like set it to words of their own",
        "chk_alerts_": "written by the hub alone",
        "unq_alerts_": "written by the hub alone, as an upsert",
        "chk_api_keys_key_hash": "reckoned by the hub",
        "chk_api_keys_one_holder": "set by the hub, one or the other",
        "chk_api_keys_prefix": "cut by the hub",
        "chk_api_keys_rotation": "the new key's id is drawn by the hub",
        "fk_api_keys_session_id": "a caller that is a session is looked up as one first; its key goes with it",
        "fk_api_keys_spoke_id": "made in the transaction that makes the spoke",
        "unq_api_keys_key_hash": "a digest of 256 random bits",
        "chk_audit_logs_": "written by the hub alone",
        "fk_audit_logs_key_id": "written behind the answer; what fails is logged",
        "fk_audit_logs_org_id": "written behind the answer; what fails is logged",
        "fk_audit_logs_session_id": "written behind the answer; what fails is logged",
        "trg_audit_logs": "nothing asks for a change of the trail",
        "chk_call_graph_nodes_": "written by the hub's recorder",
        "chk_call_graph_edges_edge_type": "one of two words of the hub's own",
        "fk_call_graph_nodes_caller_account_id": "written behind the answer",
        "fk_call_graph_nodes_session_id": "written behind the answer",
        "idx_call_graph_nodes_request_id": "the hub gives another id to what was used before",
        "unq_call_graph_edges_": "inserted where it is not there yet",
        "chk_client_secrets_value": "sealed by the hub",
        "fk_idempotency_keys_account_id": "the caller's own account, as authenticated",
        "chk_join_tokens_prefix": "cut by the hub",
        "chk_join_tokens_token_hash": "reckoned by the hub",
        "unq_join_tokens_token_hash": "a digest of 256 random bits",
        "chk_mappings_status": "set by the hub to words of its own",
        "chk_messages_": "set by the hub to words of its own",
        "chk_operation_registrations_": "written from a spoke's checked offer",
        "fk_operation_registrations_": "written from a spoke's checked offer",
        "unq_operation_registrations_": "written from a spoke's checked offer, as an upsert",
        "chk_operations_type": "written from a spoke's checked offer",
        "unq_operations_namespace_name": "written from a spoke's checked offer, as an upsert",
        "chk_parts_type": "read from an agent's output by the hub",
        "fk_parts_": "written with its message",
        "unq_parts_session_id_sequence": "counted by the hub under the session's lock",
        "chk_projects_vcs": "never given",
        "chk_salvages_counts": "read from a spoke's journal",
        "chk_session_output_": "read from a spoke's journal",
        "fk_session_output_session_id": "read from a spoke's journal",
        "unq_session_output_position": "read from a spoke's journal; a repeated record is history",
        "chk_sessions_end": "written by the session's end",
        "chk_sessions_exit_reason": "written by the session's end",
        "chk_sessions_fence": "counted by the hub",
        "chk_sessions_status": "set by the hub to words of its own",
        "chk_spoke_commands_": "written by the hub",
        "fk_spoke_commands_spoke_id": "written under the spoke's lock",
        "unq_spoke_commands_command_id": "drawn by the hub",
        "chk_spokes_connection": "written by hello and presence",
        "chk_spokes_marks": "counted by the hub",
        "chk_spokes_owed": "written by hello",
        "chk_spokes_slots": "read from a checked hello",
        "chk_spokes_spoke_type": "read as one of three words",
        "chk_spokes_status": "set by the hub to words of its own",
        "fk_spokes_hub_id": "the hub's own id",
        "chk_tasks_retry_count": "counted by the hub",
        "chk_tasks_safe_exit": "written by the hub",
        "chk_tasks_status": "moved by the task's machine",
        "chk_tasks_type": "never given",
        "chk_workspaces_": "set by the hub to words of its own",
        "chk_detections_confidence": "written by the hub's heuristics",
        "chk_detections_occurrence_count": "counted by the hub",
        "chk_detections_resolved": "written all at once by detection.resolve",
        "chk_detections_severity": "written by the hub's heuristics",
        "fk_detections_resolved_by": "the caller's own account, as authenticated",
        "unq_detections_": "written by the hub's heuristics, as an upsert",
    ]

    @Test func everyRuleOfTheCatalogueHasWordsOrAReasonToNeedNone() async throws {
        let hub = try await TestHub.make()
        let rules = try await hub.database.query(
            Statement<String>(
                """
                SELECT c.conname::text FROM pg_constraint c
                 WHERE c.connamespace = 'nave'::regnamespace AND c.contype IN ('c', 'f', 'u')
                UNION
                SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
                 WHERE k.relnamespace = 'nave'::regnamespace AND i.indisunique AND NOT i.indisprimary
                """
            )
        ).map { $0.replacing("nave.", with: "") }
        var used: Set<String> = []
        for rule in rules {
            let reason = Self.unreachable.keys.first { rule.hasPrefix($0) }
            if let reason { used.insert(reason) }
            let words = ConstraintWords.of(rule)
            #expect((words == nil) != (reason == nil), "\(rule): words or a reason, and not both")
        }
        // Whoever tidies the schema tidies here as well.
        #expect(Set(Self.unreachable.keys).subtracting(used) == ["trg_audit_logs"])
        await hub.close()
    }

    @Test func theWordsNameAFieldOfTheInputAndWhatToDo() {
        let taken = Fault(.conflict, "x", details: ["sqlstate": "23505", "constraint": "unq_tasks_project_slug"])
        let spoken = ConstraintWords.spoken(taken, to: ["tasks": [["name": "n"], ["id": "t"]]])
        #expect(spoken.code == .conflict && spoken.details == ["field": "tasks[1].id"])
        let wrong = Fault(.validation, "x", details: ["sqlstate": "23514", "constraint": "chk_roles_temperature"])
        let told = ConstraintWords.spoken(wrong, to: ["role": "r"])
        #expect(told == .invalid("temperature", "must be between 0 and 2."))
        let null = Fault(.validation, "x", details: ["sqlstate": "22021"])
        #expect(
            ConstraintWords.spoken(null, to: ["a": "b", "c": ["d": "e\0"]]).details?.arrayValue?[0]["path"] == "c.d"
        )
        let large = Fault(.validation, "x", details: ["sqlstate": "22003"])
        let number: JSONValue = ["small": 1, "sortOrder": 3_000_000_000]
        #expect(ConstraintWords.spoken(large, to: number).details?.arrayValue?[0]["path"] == "sortOrder")
        let lacking = Fault(.validation, "x", details: ["sqlstate": "23502", "column": "base_ref"])
        #expect(ConstraintWords.spoken(lacking, to: [:]).details?.arrayValue?[0]["path"] == "baseRef")
        let other = Fault(
            .validation,
            "x",
            details: ["sqlstate": "23514", "constraint": "chk_unheard_of", "table": "t"]
        )
        #expect(ConstraintWords.spoken(other, to: [:]) == Fault(.validation, "x"))
        let own = Fault(.conflict, "said well already", details: ["field": "name"])
        #expect(ConstraintWords.spoken(own, to: [:]) == own)
    }
}
