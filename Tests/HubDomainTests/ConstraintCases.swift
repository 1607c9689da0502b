import Protocol

/// Rules, and an operation that breaks each.
extension ConstraintCasesTests {
    static let access: [Case] = [
        Case(
            "chk_accounts_access_level",
            "account.create",
            ["email": "x@y.z", "accessLevel": "king"],
            .field("accessLevel")
        ),
        Case("unq_accounts_email", "account.create", ["email": "ada@example.org"], .field("email")),
        Case("unq_accounts_email", "account.update", ["email": "ada@example.org"], .field("email")),
        Case("chk_organizations_slug", "org.create", ["name": "x", "slug": "X y"], .field("slug")),
        Case("unq_organizations_name", "org.create", ["name": "Ops", "slug": "x"], .field("name")),
        Case("unq_organizations_slug", "org.create", ["name": "x", "slug": "ops"], .field("slug")),
        Case("unq_organizations_slug", "org.update", ["org": "other", "slug": "ops"], .field("slug")),
        Case("fk_organizations_owner_id", "account.delete", ["account": "owner@example.org"], .field("account")),
        Case(
            "chk_organization_members_membership_level",
            "org.addMember",
            ["org": "ops", "account": "ada@example.org", "level": "king"],
            .field("level")
        ),
        Case("unq_org_members_org_account", "org.addMember", ["org": "ops", "account": "admin"], .field("account")),
        Case(
            "fk_organization_members_org_id",
            "org.addMember",
            ["org": "nope", "account": "admin"],
            .missing("organisation “nope”")
        ),
        Case(
            "fk_organization_members_account_id",
            "org.addMember",
            ["org": "ops", "account": "nope"],
            .missing("account “nope”")
        ),
        Case(
            "fk_api_keys_owner_id",
            "key.create",
            ["name": "k", "scopes": [], "account": "nope"],
            .missing("account “nope”")
        ),
        Case("fk_api_keys_rotated_to_id", "key.rotate", ["id": "nope"], .missing("key nope")),
        Case(
            "chk_api_keys_resources",
            "key.create",
            ["name": "k", "scopes": [], "resources": []],
            .field("resources")
        ),
        Case(
            "chk_api_keys_rate",
            "key.create",
            ["name": "k", "scopes": [], "callsPerSecond": -1],
            .field("callsPerSecond")
        ),
        Case("chk_api_keys_rate", "key.create", ["name": "k", "scopes": [], "callsBurst": 4], .field("callsBurst")),
        Case("chk_join_tokens_uses_left", "token.create", ["uses": -1], .field("uses")),
        Case("chk_join_tokens_labels", "token.create", ["labels": []], .field("labels")),
        Case("fk_audit_logs_owner_id", "account.delete", ["account": "busy@example.org"], .field("account")),
        Case("fk_clients_owner_id", "account.delete", ["account": "seller@example.org"], .field("account")),
        Case(
            "fk_clients_org_id",
            "client.create",
            ["name": "x", "type": "custom", "org": "nope"],
            .missing("organisation “nope”")
        ),
        Case("chk_clients_type", "client.create", ["name": "x", "type": "king"], .field("type")),
        Case("chk_clients_config", "client.create", ["name": "x", "type": "custom", "config": []], .field("config")),
        Case("unq_clients_name", "client.create", ["name": "svc", "type": "custom"], .field("name")),
        Case("unq_clients_name", "client.update", ["client": "svc2", "name": "svc"], .field("name")),
        Case(
            "fk_client_secrets_client_id",
            "secret.set",
            ["client": "nope", "key": "k", "value": "v"],
            .missing("client “nope”")
        ),
        Case("chk_roles_mode", "role.create", ["name": "x", "description": "d", "mode": "king"], .field("mode")),
        Case("chk_roles_temperature", "role.update", ["role": "architect", "temperature": 3], .field("temperature")),
        Case("chk_roles_permissions", "role.update", ["role": "architect", "permissions": [:]], .field("permissions")),
        Case("chk_roles_tools", "role.update", ["role": "architect", "tools": []], .field("tools")),
        Case("chk_roles_parent", "role.update", ["role": "architect", "parent": "architect"], .field("parent")),
        Case("unq_roles_name", "role.update", ["role": "architect", "name": "decomposer"], .field("name")),
        Case(
            "fk_roles_parent_id",
            "role.create",
            ["name": "x", "description": "d", "mode": "primary", "parent": "nope"],
            .missing("role “nope”")
        ),
    ]

    static let work: [Case] = [
        Case(
            "fk_projects_org_id",
            "project.create",
            ["name": "x", "repoUrl": "/x", "org": "nope"],
            .missing("organisation “nope”")
        ),
        Case("chk_projects_settings", "project.update", ["project": "app", "settings": []], .field("settings")),
        Case("chk_projects_place", "project.create", ["name": "x"], .field("repoUrl")),
        Case("chk_projects_options", "project.create", ["name": "-x", "repoUrl": "/x"], .field("name")),
        Case("chk_projects_options", "project.create", ["name": "x", "repoUrl": "-x"], .field("repoUrl")),
        Case("unq_projects_name", "project.create", ["name": "app", "repoUrl": "/x"], .field("name")),
        Case(
            "unq_projects_repo_url",
            "project.update",
            ["project": "web", "repoUrl": "https://example.org/app.git"],
            .field("repoUrl")
        ),
        Case("fk_spokes_project_id", "spoke.update", ["spoke": "one", "project": "nope"], .missing("project “nope”")),
        Case(
            "fk_sessions_project_id",
            "coord.spawn",
            ["project": "nope", "run": ["command": ["true"]]],
            .missing("project “nope”")
        ),
        Case(
            "fk_workspaces_project_id",
            "coord.spawn",
            ["projectId": "nope", "run": ["command": ["true"]]],
            .missing("project “nope”")
        ),
        Case(
            "fk_sessions_workspace_id",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "worktree": ["mode": "reuse", "workspaceId": "nope"]],
            .missing("Workspace nope")
        ),
        Case(
            "fk_sessions_parent_id",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "parentSessionId": "nope"],
            .missing("session “nope”")
        ),
        Case(
            "fk_mappings_parent_session_id",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "parentSessionId": "nope"],
            .missing("session “nope”")
        ),
        Case(
            "fk_mappings_task_id",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "taskId": "nope"],
            .missing("task “nope”")
        ),
        Case(
            "fk_mappings_spoke_id",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "target": ["spokeId": "nope"]],
            .missing("spoke “nope”")
        ),
        Case(
            "chk_sessions_priority",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "priority": "king"],
            .field("priority")
        ),
        Case(
            "chk_sessions_timeout_seconds",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "timeoutSeconds": 0],
            .field("timeoutSeconds")
        ),
        Case(
            "chk_sessions_timeout_seconds",
            "coord.spawn",
            ["project": "app", "run": ["command": ["true"]], "timeoutSeconds": 3_000_000_000],
            .field("timeoutSeconds")
        ),
        Case(
            "unq_sessions_idempotency_key",
            "coord.spawn",
            ["project": "app", "run": ["command": ["false"]], "idempotencyKey": "once"],
            .field("idempotencyKey")
        ),
        Case(
            "fk_messages_session_id",
            "coord.message",
            ["sessionId": "nope", "message": "m"],
            .missing("session “nope”")
        ),
        Case("fk_mappings_session_id", "session.resume", ["sessionId": "nope"], .missing("session “nope”")),
        Case(
            "trg_operations_keep_calls",
            "operation.delete",
            ["operationId": "__removed__"],
            .missing("operation “__removed__”")
        ),
        Case(
            "fk_call_graph_edges_source_id",
            "call.depend",
            ["requestId": "nope", "dependsOn": ["x"]],
            .missing("nope")
        ),
        Case(
            "chk_call_graph_edges_forward",
            "call.depend",
            ["requestId": "first", "dependsOn": ["second"]],
            .field("dependsOn[0]")
        ),
        Case("fk_tasks_project_id", "task.create", ["projectId": "nope", "name": "x"], .missing("project “nope”")),
        Case(
            "fk_tasks_parent_task_id",
            "task.create",
            ["projectId": "app", "name": "x", "parentTaskId": "nope"],
            .field("parentTaskId")
        ),
        Case("chk_tasks_scope", "task.create", ["projectId": "app", "name": "x", "scope": "king"], .field("scope")),
        Case("chk_tasks_risk", "task.create", ["projectId": "app", "name": "x", "risk": "king"], .field("risk")),
        Case("chk_tasks_impact", "task.create", ["projectId": "app", "name": "x", "impact": "king"], .field("impact")),
        Case("chk_tasks_level", "task.create", ["projectId": "app", "name": "x", "level": "king"], .field("level")),
        Case(
            "chk_tasks_priority",
            "task.create",
            ["projectId": "app", "name": "x", "priority": "king"],
            .field("priority")
        ),
        Case(
            "chk_tasks_category",
            "task.create",
            ["projectId": "app", "name": "x", "category": "king"],
            .field("category")
        ),
        Case("chk_tasks_slug", "task.create", ["projectId": "app", "name": "x", "slug": "-x"], .field("slug")),
        Case(
            "chk_tasks_slug",
            "task.import",
            ["projectId": "app", "tasks": [["id": "-x", "name": "x"]]],
            .field("tasks[0].id")
        ),
        Case(
            "unq_tasks_project_slug",
            "task.create",
            ["projectId": "app", "name": "x", "slug": "base"],
            .field("slug")
        ),
        Case(
            "unq_tasks_project_slug",
            "task.update",
            ["projectId": "app", "taskId": "late", "slug": "base"],
            .field("slug")
        ),
        Case(
            "fk_task_dependencies_dependent_task_id",
            "task.dependency.add",
            ["projectId": "app", "taskId": "nope", "dependsOn": "base"],
            .missing("task “nope”")
        ),
        Case(
            "fk_task_dependencies_depends_on_task_id",
            "task.dependency.add",
            ["projectId": "app", "taskId": "late", "dependsOn": "nope"],
            .missing("task “nope”")
        ),
        Case(
            "chk_task_dependencies_itself",
            "task.dependency.add",
            ["projectId": "app", "taskId": "base", "dependsOn": "base"],
            .field("dependsOn")
        ),
        Case(
            "chk_task_dependencies_quality_retention",
            "task.dependency.add",
            ["projectId": "app", "taskId": "late", "dependsOn": "base", "qualityRetention": 2],
            .field("qualityRetention")
        ),
        Case(
            "trg_task_dependencies_stay_in_project",
            "task.dependency.add",
            ["projectId": "app", "taskId": "late", "dependsOn": "foreign"],
            .missing("foreign")
        ),
        Case(
            "chk_detections_resolution",
            "detection.resolve",
            ["detectionId": "nope", "resolution": "king"],
            .field("resolution")
        ),
        Case("fk_detections_session_id", "coord.detect", ["sessionId": "nope"], .missing("nope")),
        Case("null characters", "session.update", ["sessionId": "done", "title": "a\0b"], .field("title")),
        Case(
            "null characters",
            "task.create",
            ["projectId": "app", "name": "x", "metadata": ["a": "\0"]],
            .field("metadata.a")
        ),
        Case(
            "large numbers",
            "task.create",
            ["projectId": "app", "name": "x", "sortOrder": 3_000_000_000],
            .field("sortOrder")
        ),
    ]
}
