extension ConstraintWords {
    /// A line a rule: its name in the database, what operations call the field, what is wrong with it.
    ///
    /// A test asks the catalogue for every rule and wants a line for each that a caller can break.
    static let table = """
        chk_accounts_access_level: accessLevel: must be admin, user or service.
        unq_accounts_email: email: is another account's already; choose another.
        chk_organizations_slug: slug: must be lower-case letters, digits and dashes, 64 at most, no dash at its ends.
        unq_organizations_name: name: is another organisation's already; choose another.
        unq_organizations_slug: slug: is another organisation's already; choose another.
        fk_organizations_owner_id: account: answers for an organisation; hand it on with org.transferOwnership first.
        chk_organization_members_membership_level: level membershipLevel: must be owner, admin or member.
        unq_org_members_org_account: account: is a member already; change that with org.setMembership.
        fk_organization_members_org_id: org: was removed meanwhile; list yours with org.list.
        fk_organization_members_account_id: account: was removed meanwhile; list them with account.list.
        fk_api_keys_owner_id: account: was removed meanwhile; list them with account.list.
        fk_api_keys_rotated_to_id: id: was removed meanwhile; list them with key.list.
        chk_api_keys_resources: resources: must be an object, actions by type:id.
        chk_api_keys_rate: callsPerSecond callsBurst: must be more than 0, and a burst goes with a rate.
        chk_join_tokens_uses_left: uses: must not be negative.
        chk_join_tokens_labels: labels: must be an object of texts.
        fk_join_tokens_created_by: account: was removed meanwhile; use a key of another.
        fk_audit_logs_owner_id: account: has a trail, which outlives it; give it up with account.deactivate instead.
        fk_projects_org_id: org orgId: was removed meanwhile; list yours with org.list.
        chk_projects_settings: settings: must be an object.
        chk_projects_place: repoUrl directory: is required, or the other of repoUrl and directory.
        chk_projects_options: name repoUrl directory defaultBranch: must not begin with a dash.
        unq_projects_name: name: is another project's already; choose another.
        unq_projects_repo_url: repoUrl: has a project already; use that one.
        fk_spokes_project_id: project projectId: was removed meanwhile; list them with project.list.
        chk_spokes_name: name: must have 1 to 200 bytes.
        unq_spokes_name: name: is another spoke's already; choose another.
        fk_workspaces_project_id: project projectId: was removed meanwhile; list them with project.list.
        fk_workspaces_spoke_id: spokeId spoke: was removed meanwhile; list them with spoke.list.
        fk_sessions_project_id: project projectId: was removed meanwhile; list them with project.list.
        fk_sessions_workspace_id: workspaceId: was removed meanwhile; list them with workspace.list.
        fk_sessions_parent_id: parentSessionId: was removed meanwhile; list them with session.list.
        fk_sessions_account_id: account: was removed meanwhile; use a key of another.
        chk_sessions_priority: priority: must be low, medium, high or critical.
        chk_sessions_timeout_seconds: timeoutSeconds: must be at least 1.
        unq_sessions_idempotency_key: idempotencyKey: belongs to another spawn; use a new one.
        unq_sessions_slug: title task: made a name that another session has; ask again.
        fk_messages_session_id: sessionId session: was removed meanwhile; list them with session.list.
        fk_messages_author_account_id: account: was removed meanwhile; use a key of another.
        fk_mappings_session_id: sessionId session: was removed meanwhile; list them with session.list.
        fk_mappings_spoke_id: spokeId spokeName spoke: was removed meanwhile; list them with spoke.list.
        fk_mappings_workspace_id: workspaceId: was removed meanwhile; list them with workspace.list.
        fk_mappings_parent_session_id: parentSessionId: was removed meanwhile; list them with session.list.
        fk_mappings_task_id: taskId task: was removed meanwhile; list them with task.list.
        unq_mappings_active_session: sessionId session: was taken up at this moment by somebody else; look at it again.
        trg_mappings_move_forward: sessionId session: is over, and what is over stays so; spawn another.
        trg_sessions_stay_over: sessionId session: was put away, and what was put away stays so; spawn another.
        trg_workspaces_stay_over: workspaceId: was removed, and what was removed stays so; restore its salvage.
        trg_tasks_stay_over: taskId task: is completed, and what is completed stays so; create another task.
        fk_salvages_workspace_id: workspaceId: was removed meanwhile; list them with workspace.list.
        fk_salvages_project_id: project projectId: was removed meanwhile; list them with project.list.
        fk_salvages_spoke_id: spokeId spoke: was removed meanwhile; list them with spoke.list.
        fk_call_graph_edges_source_id: dependsOn: is no longer kept; leave it out.
        fk_call_graph_edges_target_id: requestId: is no longer kept.
        chk_call_graph_edges_forward: dependsOn: must be calls that came in before it.
        fk_call_graph_nodes_operation_id: operation: has calls on record; they are reassigned when it is deleted.
        trg_operations_keep_calls: operation: holds the calls of removed operations; it stays.
        fk_tasks_project_id: project projectId: was removed meanwhile; list them with project.list.
        fk_tasks_parent_task_id: parentTaskId: was removed meanwhile; list them with task.list.
        fk_tasks_mapping_id: taskId task: was given to another session meanwhile; look at it again.
        chk_detections_resolution: resolution: must be acknowledged, dismissed, escalated or fixed.
        fk_detections_session_id: sessionId: was removed meanwhile; list them with session.list.
        chk_tasks_scope: scope: must be single, narrow, moderate, broad or system.
        chk_tasks_risk: risk: must be trivial, low, medium, high or critical.
        chk_tasks_impact: impact: must be isolated, component, phase or project.
        chk_tasks_level: level: must be planning, decomposition, implementation, review or research.
        chk_tasks_priority: priority: must be low, medium, high or critical.
        chk_tasks_category: category: must be one of the nine that operation.schema lists.
        chk_tasks_parent: parentTaskId: must be another task.
        chk_tasks_slug: slug id: must not be empty or begin with a dash.
        unq_tasks_project_slug: slug id: is another task's of this project already; choose another.
        fk_task_dependencies_depends_on_task_id: dependsOn: was removed meanwhile; list them with task.list.
        fk_task_dependencies_dependent_task_id: taskId: was removed meanwhile; list them with task.list.
        chk_task_dependencies_itself: dependsOn: must be another task.
        chk_task_dependencies_quality_retention: qualityRetention: must be between 0 and 1.
        unq_task_dependencies_depends_on_task: dependsOn: is there already.
        trg_task_dependencies_stay_in_project: dependsOn: must be of the same project.
        fk_clients_owner_id: account: owns clients; delete them, or give them to another with client.update.
        fk_clients_org_id: org orgId: was removed meanwhile; list yours with org.list.
        chk_clients_type: type: must be llm-provider, vcs, compute, mcp-server or custom.
        chk_clients_config: config: must be an object.
        unq_clients_name: name: is another client's already; choose another.
        fk_client_secrets_client_id: client: was removed meanwhile; list them with client.list.
        unq_client_secrets_client_key: key: was set at this moment by somebody else; ask again.
        fk_roles_parent_id: parent: was removed meanwhile; list them with role.list.
        chk_roles_mode: mode: must be primary or subagent.
        chk_roles_temperature: temperature: must be between 0 and 2.
        chk_roles_permissions: permissions: must be a list.
        chk_roles_tools: tools: must be an object.
        chk_roles_parent: parent: must be another role.
        unq_roles_name: name: is another role's already; choose another.
        """
}
