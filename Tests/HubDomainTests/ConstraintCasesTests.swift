import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Each rule of the database, broken by an operation: what the caller is told names what the caller said.
struct ConstraintCasesTests {
    enum Told {
        /// By the field's name, as a path of a violation or as the conflict's field.
        case field(String)
        /// By the noun and the value that is not there.
        case missing(String)
    }

    struct Case {
        let rule: String
        let operation: String
        let input: JSONValue
        let told: Told

        init(_ rule: String, _ operation: String, _ input: JSONValue, _ told: Told) {
            (self.rule, self.operation, self.input, self.told) = (rule, operation, input, told)
        }
    }

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

    /// What is said only to somebody who was slower than another: rules that the operation's own look cannot miss.
    static let races: Set = [
        "fk_join_tokens_created_by", "fk_sessions_account_id", "fk_messages_author_account_id", "unq_sessions_slug",
        "fk_mappings_workspace_id", "unq_mappings_active_session", "trg_mappings_move_forward",
        "fk_workspaces_spoke_id",
        "fk_salvages_workspace_id", "fk_salvages_project_id", "fk_salvages_spoke_id", "fk_call_graph_edges_target_id",
        "chk_call_graph_edges_forward", "fk_call_graph_nodes_operation_id", "fk_tasks_mapping_id", "chk_tasks_parent",
        "unq_task_dependencies_depends_on_task", "unq_client_secrets_client_key",
        "trg_sessions_stay_over", "trg_workspaces_stay_over", "trg_tasks_stay_over",
        // Asked at the door of spokes, which is no operation.
        "chk_spokes_name", "unq_spokes_name",
    ]

    @Test func everyRuleThatACallerBreaksIsToldInTheCallersWords() async throws {
        let hub = try await TestHub.make()
        try await stage(hub)
        for one in Self.access + Self.work {
            let what = Comment(
                rawValue: "\(one.rule): \(one.operation) \(String(decoding: one.input.serialized(), as: UTF8.self))"
            )
            do {
                _ = try await hub.domains.table.call(one.operation, input: one.input, by: hub.admin)
                Issue.record("it is taken: \(what)")
            } catch {
                let said = Comment(rawValue: "\(what) → \(error) \(String(describing: error.details))")
                #expect(error.details?["constraint"] == nil && error.details?["sqlstate"] == nil, said)
                switch one.told {
                case .field(let field):
                    let paths = error.details?.arrayValue?.compactMap { $0["path"]?.stringValue } ?? []
                    #expect(paths.contains(field) || error.details?["field"]?.stringValue == field, said)
                    #expect([.validation, .conflict].contains(error.code), said)
                case .missing(let words):
                    #expect(error.message.contains(words), said)
                    #expect([.notFound, .conflict].contains(error.code), said)
                }
            }
        }
        await hub.close()
    }

    @Test func everyRuleWithWordsIsBrokenHereOrByARaceAlone() {
        let broken = Set((Self.access + Self.work).map(\.rule)).subtracting(["null characters", "large numbers"])
        let told = Set(ConstraintWords.table.split(separator: "\n").map { String($0.prefix { $0 != ":" }) })
        #expect(told.subtracting(broken).symmetricDifference(Self.races) == [])
        #expect(broken.subtracting(told) == [])
    }

    /// Something of everything, so that what is named beside the wrong value is there.
    private func stage(_ hub: TestHub) async throws {
        for (name, scopes) in [("owner", "org:write"), ("busy", "token:write"), ("seller", "client:write")] {
            let account = try await hub.ask(CreateAccount(email: "\(name)@example.org"))
            let identity = Identity(id: account.id.rawValue, scopes: [scopes])
            let caller = Caller(Principal(identity: identity, accountId: account.id))
            switch name {
            case "owner": _ = try await hub.ask(CreateOrganization(name: "Hers"), by: caller)
            case "busy": _ = try await hub.ask(CreateJoinToken(), by: caller)
            default: _ = try await hub.ask(CreateClient(name: "svc2", type: .custom), by: caller)
            }
        }
        _ = try await hub.ask(CreateAccount(email: "ada@example.org"))
        _ = try await hub.ask(CreateOrganization(name: "Ops"))
        _ = try await hub.ask(CreateOrganization(name: "Other"))
        _ = try await hub.ask(CreateClient(name: "svc", type: .custom))
        _ = try await hub.project("app")
        _ = try await hub.project("web")
        try await hub.tasks(["base", "late"])
        try await hub.tasks(["foreign"], in: "web")
        var spoke = try await ScriptedSpoke.join(hub, "one")
        let session = try await hub.spawn()
        spoke.start(session)
        spoke.exit(session)
        try await spoke.flush()
        try await hub.database.execute(
            Statement<Void>("UPDATE nave.sessions SET slug = 'done' WHERE id = $1"),
            [session.sessionId]
        )
        var once = SpawnOrder(project: "app", run: RunOrder(command: ["true"]))
        once.idempotencyKey = "once"
        _ = try await hub.spawn(once)
    }
}
