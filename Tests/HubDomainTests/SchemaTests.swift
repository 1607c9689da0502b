import HubDomains
import HubSchema
import Postgres
import Protocol
import Testing

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

    /// Seed 002's names for the tables of identity, projects and operations.
    static let indexes: Set = [
        "unq_accounts_email", "idx_accounts_gitea_username", "idx_accounts_display_name", "unq_organizations_name",
        "unq_organizations_slug", "idx_organizations_owner_id", "idx_organizations_gitea_org_name",
        "unq_org_members_org_account", "idx_org_members_account_id", "idx_org_members_org_id", "idx_projects_org_id",
        "unq_operations_namespace_name", "idx_operations_namespace", "idx_operations_type",
        "unq_operation_registrations_active", "idx_operation_registrations_operation_id",
        "idx_operation_registrations_provider_id", "idx_operation_registrations_status", "idx_api_keys_owner_id",
        "unq_api_keys_key_hash", "idx_api_keys_enabled", "idx_api_keys_active", "idx_audit_logs_owner_id",
        "idx_audit_logs_key_id", "idx_audit_logs_action", "idx_audit_logs_created_at", "idx_audit_logs_session_id",
        "idx_audit_logs_org_id", "idx_sessions_project_id", "idx_sessions_workspace_id", "idx_sessions_status",
        "idx_sessions_active", "idx_sessions_account_id", "idx_sessions_role_name", "unq_sessions_slug",
        "idx_sessions_parent_id", "idx_workspaces_project_id", "idx_messages_session_id_created_at_id",
        "part_session_idx", "part_message_id_id_idx", "idx_parts_session_id_type", "idx_mappings_session_id",
        "idx_mappings_parent_session_id", "idx_mappings_spoke_id", "idx_mappings_task_id",
        "idx_mappings_workspace_id", "idx_spokes_project_id", "idx_spokes_status", "idx_spokes_active",
        "idx_spokes_name", "idx_call_graph_nodes_request_id", "idx_call_graph_nodes_operation_id",
        "idx_call_graph_nodes_status", "idx_call_graph_nodes_caller_account_id", "idx_call_graph_nodes_created_at",
        "idx_call_graph_nodes_operation_created", "idx_call_graph_nodes_started_at", "idx_call_graph_edges_source_id",
        "idx_call_graph_edges_target_id", "idx_call_graph_edges_source_id_type",
        "unq_call_graph_edges_source_target_type",
        "unq_tasks_project_slug", "idx_tasks_project_id", "idx_tasks_project_status",
        "idx_tasks_status", "idx_tasks_active", "idx_tasks_path", "idx_tasks_priority", "idx_tasks_assignee",
        "idx_tasks_due_at", "idx_tasks_tags", "unq_task_dependencies_depends_on_task",
        "idx_task_dependencies_depends_on_task_id", "idx_task_dependencies_dependent_task_id",
        "unq_clients_name", "idx_clients_type", "idx_clients_owner_id", "idx_clients_org_id",
        "unq_client_secrets_client_key", "idx_client_secrets_expires_at", "unq_roles_name", "idx_roles_parent_id",
        "idx_roles_mode", "idx_detections_session_id", "idx_detections_anomaly_type", "idx_detections_type",
        "idx_detections_resolved_at", "idx_detections_dedup_key",
    ]

    @Test func everyIndexOfTheSeedExistsUnderItsName() async throws {
        let hub = try await TestHub.make()
        let found = try await hub.database.query(
            Statement<String>("SELECT indexname::text FROM pg_indexes WHERE schemaname = 'nave'")
        )
        #expect(Self.indexes.subtracting(found).isEmpty)
        await hub.close()
    }

    @Test func everyForeignKeyDeletesAsTheSeedSays() async throws {
        let hub = try await TestHub.make()
        let expected = [
            "fk_organizations_owner_id r", "fk_organization_members_org_id c", "fk_organization_members_account_id c",
            "fk_projects_org_id n", "fk_operation_registrations_operation_id c", "fk_api_keys_owner_id c",
            "fk_audit_logs_key_id n", "fk_audit_logs_owner_id r", "fk_audit_logs_org_id n",
            "fk_api_keys_rotated_to_id n", "fk_workspaces_project_id c", "fk_sessions_project_id c",
            "fk_sessions_workspace_id n", "fk_sessions_parent_id n", "fk_sessions_account_id n",
            "fk_messages_session_id c", "fk_parts_message_id c", "fk_parts_session_id c", "fk_spokes_project_id n",
            "fk_audit_logs_session_id n", "fk_mappings_session_id c", "fk_mappings_spoke_id n",
            "fk_mappings_parent_session_id n", "fk_mappings_workspace_id n", "fk_api_keys_spoke_id c",
            "fk_api_keys_session_id c", "fk_session_output_session_id c", "fk_spoke_commands_spoke_id c",
            "fk_call_graph_nodes_operation_id r", "fk_call_graph_nodes_caller_account_id n",
            "fk_call_graph_nodes_session_id n", "fk_call_graph_edges_source_id c", "fk_call_graph_edges_target_id c",
            "fk_mappings_task_id n", "fk_tasks_project_id c", "fk_tasks_parent_task_id c",
            "fk_task_dependencies_depends_on_task_id c", "fk_task_dependencies_dependent_task_id c",
            "fk_clients_owner_id r", "fk_clients_org_id n", "fk_client_secrets_client_id c", "fk_roles_parent_id n",
            "fk_detections_session_id c", "fk_detections_resolved_by n",
        ]
        let found = try await hub.database.query(
            Statement<String>("SELECT conname || ' ' || confdeltype::text FROM pg_constraint WHERE contype = 'f'")
        )
        #expect(Set(expected).subtracting(found).isEmpty)
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
