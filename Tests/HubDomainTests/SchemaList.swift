/// The tables of the plan, written by hand from the documents that asked for them: columns, foreign keys and indexes of
/// the hub's own part. A test compares every line with the catalogue of the migrated database.
///
/// A block is a table; `†` behind its name says that it has none of the common columns.
///
/// * `=` columns that the documents name: `name type`, `!` for NOT NULL, then the default.
/// * `+` columns that were added to make them work; the migrations say why.
/// * `>` foreign keys: `column table what-happens-when-it-is-deleted`.
/// * `i` indexes that the documents name, `a` those that were added: `name [unique] (columns) [WHERE …]`.
/// * `p` the primary key where it is not `(id)`; `p -` for none.
enum SchemaList {
    static let common =
        "id text! | metadata jsonb! '{}' | created_at timestamptz! now() | updated_at timestamptz! now()"

    static let identity = """
        accounts
        = email text! | display_name text | access_level text! 'user' | status text! 'active' | gitea_username text
        = data jsonb! '{}'
        i unq_accounts_email unique (email)
        i idx_accounts_gitea_username (gitea_username)
        i idx_accounts_display_name (display_name)

        organizations
        = name text! | slug text! | owner_id text! | gitea_org_name text | data jsonb! '{}'
        > owner_id accounts restrict
        i unq_organizations_name unique (name)
        i unq_organizations_slug unique (slug)
        i idx_organizations_owner_id (owner_id)
        i idx_organizations_gitea_org_name (gitea_org_name)

        organization_members
        = org_id text! | account_id text! | membership_level text! 'member'
        > org_id organizations cascade
        > account_id accounts cascade
        i unq_org_members_org_account unique (org_id, account_id)
        i idx_org_members_account_id (account_id)
        i idx_org_members_org_id (org_id)

        api_keys
        = owner_id text! | name text! | prefix text! | key_hash text! | scopes text[]! '{}' | resources jsonb! '{}'
        = enabled bool! true | expires_at timestamptz | revoked_at timestamptz | rotated_to_id text
        = last_used_at timestamptz | session_id text | spoke_id text
        + calls_per_second float8 | calls_burst int
        > owner_id accounts cascade
        > rotated_to_id api_keys set null
        > session_id sessions cascade
        > spoke_id spokes cascade
        i idx_api_keys_owner_id (owner_id)
        i unq_api_keys_key_hash unique (key_hash)
        i idx_api_keys_enabled (enabled)
        i idx_api_keys_active (id) WHERE revoked_at IS NULL AND enabled = true
        a idx_api_keys_rotated_to_id (rotated_to_id) WHERE rotated_to_id IS NOT NULL
        a idx_api_keys_session_id (session_id) WHERE session_id IS NOT NULL
        a idx_api_keys_spoke_id (spoke_id) WHERE spoke_id IS NOT NULL
        a idx_api_keys_created_at (created_at, id)

        audit_logs
        = action text! | owner_id text! | key_id text | session_id text | org_id text | request_id text
        = outcome text! | details jsonb! '{}'
        > owner_id accounts restrict
        > key_id api_keys set null
        > session_id sessions set null
        > org_id organizations set null
        i idx_audit_logs_owner_id (owner_id)
        i idx_audit_logs_key_id (key_id)
        i idx_audit_logs_action (action)
        i idx_audit_logs_created_at (created_at)
        i idx_audit_logs_session_id (session_id)
        i idx_audit_logs_org_id (org_id)
        a idx_audit_logs_created_at_id (created_at, id)
        a idx_audit_logs_owner_created (owner_id, created_at, id)
        a idx_audit_logs_request_id (request_id)

        projects
        = org_id text | name text! | directory text | repo_url text | vcs text! 'git' | default_branch text! 'main'
        = last_fetched_at timestamptz | icon_url text | icon_color text | verification jsonb! '[]'
        = settings jsonb! '{}'
        > org_id organizations set null
        i idx_projects_org_id (org_id)
        i unq_projects_name unique (name) WHERE repo_url IS NOT NULL
        i unq_projects_repo_url unique (repo_url) WHERE repo_url IS NOT NULL
        a idx_projects_name_id (name, id)
        """

    static let services = """
        operations
        = namespace text! | name text! | version text! '1' | type text! | title text | description text!
        = tags text[]! '{}' | input_schema jsonb! | output_schema jsonb! | error_schemas jsonb! '[]'
        = access_control jsonb! | _meta jsonb! '{}'
        i unq_operations_namespace_name unique (namespace, name, version)
        i idx_operations_namespace (namespace)
        i idx_operations_type (type)

        operation_registrations
        = operation_id text! | provider_type text! | provider_id text! | status text! 'active' | pre_remap_name text
        = activated_at timestamptz! now() | deactivated_at timestamptz
        > operation_id operations cascade
        i unq_operation_registrations_active unique (operation_id, provider_id) WHERE status = 'active'
        i idx_operation_registrations_operation_id (operation_id)
        i idx_operation_registrations_provider_id (provider_id)
        i idx_operation_registrations_status (status)
        a unq_operation_registrations_spoke unique (operation_id, provider_id) WHERE provider_type = 'spoke'
        a idx_operation_registrations_created_at (created_at, id)

        clients
        = name text! | type text! | config jsonb! '{}' | enabled bool! true | owner_id text! | org_id text
        > owner_id accounts restrict
        > org_id organizations set null
        i unq_clients_name unique (name)
        i idx_clients_type (type)
        i idx_clients_owner_id (owner_id)
        i idx_clients_org_id (org_id)

        client_secrets
        = client_id text! | key text! | value jsonb! | expires_at timestamptz
        > client_id clients cascade
        i unq_client_secrets_client_key unique (client_id, key)
        i idx_client_secrets_expires_at (expires_at)
        a idx_client_secrets_key_version ((value ->> 'keyVersion'), id)

        roles
        = name text! | description text! | mode text! | temperature float8 | prompt text | model text
        = permissions jsonb! '[]' | tools jsonb! '{}' | parent_id text
        > parent_id roles set null
        i unq_roles_name unique (name)
        i idx_roles_parent_id (parent_id)
        i idx_roles_mode (mode)

        call_graph_nodes
        = request_id text! | operation_id text! | parent_request_id text | identity jsonb! '{}'
        = caller_account_id text | provider_type text | provider_id text | session_id text
        = status text! 'pending' | input jsonb | output jsonb | error jsonb | idempotency_key text
        = deadline timestamptz | started_at timestamptz | completed_at timestamptz
        + hub_id text
        > operation_id operations restrict
        > caller_account_id accounts set null
        > session_id sessions set null
        i idx_call_graph_nodes_request_id unique (request_id)
        i idx_call_graph_nodes_operation_id (operation_id)
        i idx_call_graph_nodes_status (status)
        i idx_call_graph_nodes_caller_account_id (caller_account_id)
        i idx_call_graph_nodes_created_at (created_at)
        i idx_call_graph_nodes_operation_created (operation_id, created_at)
        i idx_call_graph_nodes_started_at (started_at)
        a idx_call_graph_nodes_parent_request_id (parent_request_id) WHERE parent_request_id IS NOT NULL
        a idx_call_graph_nodes_session_id (session_id, created_at) WHERE session_id IS NOT NULL

        call_graph_edges †
        = source_id text! | target_id text! | edge_type text! | created_at timestamptz! now()
        p -
        > source_id call_graph_nodes cascade
        > target_id call_graph_nodes cascade
        i idx_call_graph_edges_source_id (source_id)
        i idx_call_graph_edges_target_id (target_id)
        i idx_call_graph_edges_source_id_type (source_id, edge_type)
        i unq_call_graph_edges_source_target_type unique (source_id, target_id, edge_type)
        a unq_call_graph_edges_parent unique (target_id) WHERE edge_type = 'triggered'
        """

    static var tables: [Table] { parse([identity, services, work, ours].joined(separator: "\n\n")) }
}
