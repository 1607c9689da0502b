extension SchemaList {
    static let work = """
        workspaces
        = project_id text! | spoke_id text | name text! | kind text! 'worktree' | branch text | base_ref text
        = base_commit text | head_commit text | directory text | state text! 'pending' | dirty bool
        = size_bytes bigint | removed_at timestamptz | salvage_ref text
        + ahead int | behind int
        > project_id projects cascade
        > spoke_id spokes set null
        i idx_workspaces_project_id (project_id)
        a idx_workspaces_spoke_id (spoke_id)
        a idx_workspaces_created_at (created_at, id)

        sessions
        = project_id text! | workspace_id text | parent_id text | account_id text | slug text! | title text!
        = status text! 'idle' | version text! '1' | role_name text | fence bigint! 0 | run jsonb! '{}'
        = disconnect_policy jsonb | exit_code int | exit_signal int | exit_reason text | started_at timestamptz
        = ended_at timestamptz | last_activity_at timestamptz | provider_session_id text | usage jsonb! '{}'
        = data jsonb! '{}'
        + environment jsonb! '{}' | worktree jsonb! '{}' | target jsonb! '{}' | grants text[]! '{}'
        + priority smallint! 1 | timeout_seconds int | idempotency_key text | output_pruned_at timestamptz
        + transcript jsonb | failure jsonb | output_sums jsonb | swept jsonb | remaining jsonb
        > project_id projects cascade
        > workspace_id workspaces set null
        > parent_id sessions set null
        > account_id accounts set null
        i idx_sessions_project_id (project_id)
        i idx_sessions_workspace_id (workspace_id)
        i idx_sessions_status (status)
        i idx_sessions_active (status) WHERE status IN ('idle', 'busy', 'retry')
        i idx_sessions_account_id (account_id)
        i idx_sessions_role_name (role_name)
        i unq_sessions_slug unique (slug)
        i idx_sessions_parent_id (parent_id)
        a idx_sessions_created_at (created_at, id)
        a unq_sessions_idempotency_key unique (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL
        a idx_sessions_waiting (priority DESC, created_at, id) WHERE status = 'busy' AND fence = 0 OR status = 'retry'
        a idx_sessions_transcript_open (id) WHERE transcript IS NOT NULL AND NOT (transcript ->> 'isDone')::boolean
        a idx_sessions_ended_agents (last_activity_at) WHERE ended_at IS NOT NULL AND transcript IS NOT NULL
        a idx_sessions_output_kept (ended_at) WHERE output_pruned_at IS NULL

        messages
        = session_id text! | role text! | status text! 'pending' | delivery text | author_account_id text
        = model text | error text | data jsonb! '{}'
        > session_id sessions cascade
        > author_account_id accounts set null
        i idx_messages_session_id_created_at_id (session_id, created_at, id)
        a idx_messages_session_id_updated_at_id (session_id, updated_at, id)
        a idx_messages_delivered (session_id, updated_at) WHERE delivery IS NOT NULL
        a idx_messages_author_account_id (author_account_id) WHERE author_account_id IS NOT NULL

        parts
        = message_id text! | session_id text! | type text! | data jsonb! '{}' | sequence bigint! 0
        > message_id messages cascade
        > session_id sessions cascade
        i part_session_idx (session_id)
        i part_message_id_id_idx (message_id, id)
        i idx_parts_session_id_type (session_id, type)
        a unq_parts_session_id_sequence unique (session_id, sequence)

        spokes
        = name text! | status text! 'disconnected' | spoke_type text! 'dev-env' | project_id text
        = last_heartbeat timestamptz | host_info jsonb! '{}' | labels jsonb! '{}' | connected_at timestamptz
        = disconnected_at timestamptz | disconnect_reason text | hub_id text | incarnation text | version text
        = load jsonb! '{}' | slots int! 0 | draining bool! false | paused_reason text | journal_epoch bigint! 0
        = journal_acknowledged bigint! 0 | journal_hash bytea! decode(repeat('00', 32), 'hex')
        = commands_epoch bigint! 1 | commands_next bigint! 1
        + agents jsonb! '[]'
        + join_labels jsonb! '{}' | former_incarnations text[]! '{}'
        + commands_hash bytea! decode(repeat('00', 32), 'hex') | commands_pruned bigint! 0
        + commands_pruned_hash bytea! decode(repeat('00', 32), 'hex') | owed_seq bigint | owed jsonb
        + operations_hash text
        > project_id projects set null
        > hub_id hubs set null
        i idx_spokes_project_id (project_id)
        i idx_spokes_status (status)
        i idx_spokes_active (id) WHERE status = 'connected'
        i idx_spokes_name (name)
        a unq_spokes_name unique (name)
        a idx_spokes_hub_id (hub_id) WHERE status = 'connected'

        mappings
        = session_id text! | spoke_id text | workspace_id text | parent_session_id text | task_id text | task text
        = status text! 'active'
        > session_id sessions cascade
        > spoke_id spokes set null
        > workspace_id workspaces set null
        > parent_session_id sessions set null
        > task_id tasks set null
        i idx_mappings_session_id (session_id)
        i idx_mappings_parent_session_id (parent_session_id)
        i idx_mappings_spoke_id (spoke_id)
        i idx_mappings_task_id (task_id)
        i idx_mappings_workspace_id (workspace_id)
        a idx_mappings_created_at (created_at, id)
        a idx_mappings_running (spoke_id) WHERE status = 'active'
        a unq_mappings_active_session unique (session_id) WHERE status = 'active'

        detections
        = session_id text! | anomaly_type text! | severity text! | details jsonb | resolved_at timestamptz
        = resolved_by text | resolution text | dedup_key text | occurrence_count int! 1 | evidence jsonb
        = confidence real
        > session_id sessions cascade
        > resolved_by accounts set null
        i idx_detections_session_id (session_id)
        i idx_detections_anomaly_type (anomaly_type)
        i idx_detections_resolved_at (resolved_at)
        i idx_detections_dedup_key (dedup_key)
        i unq_detections_dedup_key unique (dedup_key) WHERE resolved_at IS NULL
        a idx_detections_type (anomaly_type, created_at, id)
        a idx_detections_resolved_by (resolved_by) WHERE resolved_by IS NOT NULL
        a idx_detections_created_at (created_at, id)
        a idx_detections_open (session_id) WHERE resolved_at IS NULL

        tasks
        = project_id text! | slug text! | name text! | path text | body text | status text! 'pending' | scope text
        = risk text | impact text | level text | priority text | tags text[]! '{}' | assignee text
        = due_at timestamptz | safe_exit jsonb! '{}' | parent_task_id text | type text! 'auto' | category text
        = sort_order int! 0 | summary text | retry_count int! 0 | queued_at timestamptz
        + mapping_id text
        > project_id projects cascade
        > parent_task_id tasks cascade
        > mapping_id mappings set null
        i unq_tasks_project_slug unique (project_id, slug)
        i idx_tasks_project_id (project_id)
        i idx_tasks_project_status (project_id, status)
        i idx_tasks_status (status)
        i idx_tasks_active (status) WHERE status IN ('pending', 'in-progress', 'blocked')
        i idx_tasks_path (path text_pattern_ops)
        i idx_tasks_priority (priority)
        i idx_tasks_assignee (assignee)
        i idx_tasks_due_at (due_at)
        i idx_tasks_tags gin (tags)
        a idx_tasks_parent_task_id (parent_task_id)
        a idx_tasks_mapping_id (mapping_id)
        a idx_tasks_created_at (created_at, id)
        a idx_tasks_claim (project_id, (CASE priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 \
        ELSE 2 END), created_at, slug) WHERE status = 'pending' AND safe_exit = '{}'

        task_dependencies
        = depends_on_task_id text! | dependent_task_id text! | quality_retention float8
        > depends_on_task_id tasks cascade
        > dependent_task_id tasks cascade
        i unq_task_dependencies_depends_on_task unique (depends_on_task_id, dependent_task_id)
        i idx_task_dependencies_depends_on_task_id (depends_on_task_id)
        i idx_task_dependencies_dependent_task_id (dependent_task_id)
        """

    /// What makes it run: tables that no seed names.
    static let ours = """
        hubs
        = url text! | version text! | started_at timestamptz! | lease_until timestamptz!
        a idx_hubs_lease_until (lease_until)

        join_tokens
        = token_hash text! | labels jsonb! '{}' | uses_left int! | expires_at timestamptz! | created_by text!
        + prefix text!
        > created_by accounts cascade
        i unq_join_tokens_token_hash unique (token_hash)
        a idx_join_tokens_created_by (created_by)
        a idx_join_tokens_expires_at (expires_at)

        spoke_commands †
        = spoke_id text! | seq bigint! | epoch bigint! | command_id text! | type text! | payload json! | hash bytea!
        = created_at timestamptz! now() | acknowledged_at timestamptz
        + at bigint! | completed_at timestamptz | result jsonb | error jsonb
        p (spoke_id, seq)
        > spoke_id spokes cascade
        i unq_spoke_commands_command_id unique (command_id)

        session_output †
        = id text! | session_id text! | session_number bigint! 1 | stream text! | byte_offset bigint!
        = content bytea! | gap jsonb | at timestamptz!
        + encoding text! 'plain'
        p -
        > session_id sessions cascade
        i unq_session_output_position unique (session_id, session_number, stream, byte_offset)

        salvages
        = workspace_id text! | project_id text! | spoke_id text | ref text! | commit text! | parents text[]! '{}'
        = files int! | bytes bigint! | bundle_path text | expires_at timestamptz! | restored_at timestamptz
        + branch text! | bundle bytea
        > workspace_id workspaces cascade
        > project_id projects cascade
        > spoke_id spokes set null
        a idx_salvages_workspace_id (workspace_id)
        a idx_salvages_project_id (project_id)
        a idx_salvages_spoke_id (spoke_id)
        a idx_salvages_expires_at (expires_at)
        a idx_salvages_created_at (created_at, id)

        idempotency_keys †
        = account_id text! | key text! | input_digest text! | request_id text! | outcome jsonb
        = expires_at timestamptz!
        p (account_id, key)
        > account_id accounts cascade
        a idx_idempotency_keys_expires_at (expires_at)

        settings †
        = key text! | value jsonb!
        p (key)
        """
}
