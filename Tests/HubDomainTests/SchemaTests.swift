import HubSchema
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// The database states the rules: what its catalogue says is what the program and the plan say.
struct SchemaTests {
    /// Each enumeration's CHECK, and the Swift type's words.
    static let enumerations: [(constraint: String, words: [String])] = [
        ("chk_accounts_access_level", AccessLevel.allCases.map(\.rawValue)),
        ("chk_accounts_status", AccountStatus.allCases.map(\.rawValue)),
        ("chk_organization_members_membership_level", MembershipLevel.allCases.map(\.rawValue)),
        ("chk_audit_logs_outcome", AuditOutcome.allCases.map(\.rawValue)),
        ("chk_projects_vcs", VersionControl.allCases.map(\.rawValue)),
        ("chk_operations_type", OperationKind.allCases.map(\.rawValue)),
        ("chk_operation_registrations_provider_type", ProviderType.allCases.map(\.rawValue)),
        ("chk_operation_registrations_status", RegistrationStatus.allCases.map(\.rawValue)),
        ("chk_spokes_status", SpokeStatus.allCases.map(\.rawValue)),
        ("chk_spokes_spoke_type", SpokeType.allCases.map(\.rawValue)),
        ("chk_spoke_commands_type", CommandType.allCases.map(\.rawValue)),
        ("chk_workspaces_kind", WorkspaceKind.allCases.map(\.rawValue)),
        ("chk_workspaces_state", WorkspaceState.allCases.map(\.rawValue)),
        ("chk_sessions_status", SessionStatus.allCases.map(\.rawValue)),
        ("chk_sessions_exit_reason", ExitReason.allCases.map(\.rawValue)),
        ("chk_messages_role", MessageRole.allCases.map(\.rawValue)),
        ("chk_messages_status", MessageStatus.allCases.map(\.rawValue)),
        ("chk_messages_delivery", Delivery.allCases.map(\.rawValue)),
        ("chk_parts_type", PartKind.allCases.map(\.rawValue)),
        // A flag of one byte's worth, which nothing but its statements reads.
        ("chk_session_output_encoding", ["plain", "zstd"]),
        ("chk_alerts_severity", AlertNote.Severity.allCases.map(\.rawValue)),
        ("chk_session_output_stream", OutputStream.allCases.map(\.rawValue)),
        ("chk_clients_type", ClientType.allCases.map(\.rawValue)),
        ("chk_roles_mode", RoleMode.allCases.map(\.rawValue)),
        ("chk_mappings_status", MappingStatus.allCases.map(\.rawValue)),
        ("chk_call_graph_nodes_status", CallStatus.allCases.map(\.rawValue)),
        ("chk_call_graph_nodes_provider_type", ProviderType.allCases.map(\.rawValue)),
        ("chk_call_graph_edges_edge_type", CallEdgeType.allCases.map(\.rawValue)),
        ("chk_tasks_status", TaskStatus.allCases.map(\.rawValue)),
        ("chk_tasks_scope", TaskScope.allCases.map(\.rawValue)),
        ("chk_tasks_risk", TaskRisk.allCases.map(\.rawValue)),
        ("chk_tasks_impact", TaskImpact.allCases.map(\.rawValue)),
        ("chk_tasks_level", TaskLevel.allCases.map(\.rawValue)),
        ("chk_tasks_priority", TaskPriority.allCases.map(\.rawValue)),
        ("chk_tasks_category", TaskCategory.allCases.map(\.rawValue)),
        ("chk_detections_severity", DetectionSeverity.allCases.map(\.rawValue)),
        ("chk_detections_resolution", DetectionResolution.allCases.map(\.rawValue)),
        ("chk_tasks_type", TaskType.allCases.map(\.rawValue)),
    ]

    @Test func everyCheckListsTheWordsOfItsEnum() async throws {
        let hub = try await TestHub.make()
        for (constraint, words) in Self.enumerations {
            let definition = try await hub.database.first(
                Statement<String>("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1"),
                [constraint]
            )
            let listed = (definition ?? "").matches(of: #/'([^']*)'/#).map { String($0.1) }
            #expect(Set(listed) == Set(words), "\(constraint)")
        }
        await hub.close()
    }

    /// A CHECK that lists words is an enumeration, and no enumeration is without its type here.
    @Test func everyCheckThatListsWordsIsKnown() async throws {
        let hub = try await TestHub.make()
        let listing = try await hub.database.query(
            Statement<String>(
                """
                SELECT c.conname::text FROM pg_constraint c
                 WHERE c.connamespace = 'nave'::regnamespace AND c.contype = 'c' AND array_length(c.conkey, 1) = 1
                   AND pg_get_constraintdef(c.oid) ~ '^CHECK \\(\\(\\w+ = (ANY \\(ARRAY\\[)?''[^'']*''::text'
                """
            )
        )
        #expect(listing.count > 30)
        #expect(Set(listing).symmetricDifference(Self.enumerations.map(\.constraint)) == [])
        await hub.close()
    }

    @Test func everyConstraintHasANameOfItsOwn() async throws {
        let hub = try await TestHub.make()
        let unnamed = try await hub.database.query(
            Statement<String>(
                """
                SELECT conname::text FROM pg_constraint
                 WHERE connamespace = 'nave'::regnamespace AND conrelid <> 'nave.schema_migrations'::regclass
                   AND conname !~ '^(pk|fk|unq|chk|excl)_'
                """
            )
        )
        #expect(unnamed.isEmpty)
        await hub.close()
    }

    @Test func stepsAreNumberedWithoutGaps() {
        #expect(Schema.steps.map(\.number) == Array(1...Schema.steps.count))
    }

    @Test func anUpdateMovesUpdatedAtAndTheSentinelOperationIsThere() async throws {
        let hub = try await TestHub.make()
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.accounts SET updated_at = 'epoch', display_name = 'Ada'")
        )
        #expect(try await hub.count("SELECT count(*) FROM nave.accounts WHERE updated_at > created_at") == 1)
        #expect(
            try await hub.count("SELECT count(*) FROM nave.operations WHERE id = '__removed__' AND name = 'removed'")
                == 1
        )
        await hub.close()
    }

    @Test func theAuditTrailOnlyGrows() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.ask(CreateJoinToken())
        #expect(try await hub.count("SELECT count(*) FROM nave.audit_logs") == 1)
        for sql in [
            "UPDATE nave.audit_logs SET action = 'nothing'", "UPDATE nave.audit_logs SET outcome = 'denied'",
            "UPDATE nave.audit_logs SET created_at = now()", "DELETE FROM nave.audit_logs",
            "TRUNCATE nave.audit_logs", "DELETE FROM nave.accounts",
        ] {
            await #expect(throws: Fault.self, "\(sql)") { try await hub.database.execute(Statement<Void>(sql)) }
        }
        #expect(try await hub.count("SELECT count(*) FROM nave.audit_logs WHERE key_id IS NOT NULL") == 1)
        // A key that goes away leaves the trail without it; retention is the one way to shorten the trail.
        try await hub.database.execute(Statement<Void>("DELETE FROM nave.api_keys"))
        #expect(try await hub.count("SELECT count(*) FROM nave.audit_logs WHERE key_id IS NULL") == 1)
        #expect(try await hub.domains.mutations.pruneAudit(olderThanDays: 1) == 0)
        #expect(try await hub.domains.mutations.pruneAudit(olderThanDays: -1) == 1)
        await hub.close()
    }
}
