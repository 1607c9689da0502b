-- Sessions, where they work, what was said to them and what they printed.

CREATE TABLE nave.workspaces (
    id text NOT NULL CONSTRAINT pk_workspaces PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    project_id text NOT NULL,
    spoke_id text,
    name text NOT NULL,
    kind text NOT NULL DEFAULT 'worktree',
    branch text,
    base_ref text,
    base_commit text,
    head_commit text,
    directory text,
    state text NOT NULL DEFAULT 'pending',
    dirty boolean,
    ahead integer,
    behind integer,
    size_bytes bigint,
    removed_at timestamptz,
    salvage_ref text,
    CONSTRAINT fk_workspaces_project_id FOREIGN KEY (project_id) REFERENCES nave.projects (id) ON DELETE CASCADE,
    CONSTRAINT fk_workspaces_spoke_id FOREIGN KEY (spoke_id) REFERENCES nave.spokes (id) ON DELETE SET NULL,
    CONSTRAINT chk_workspaces_kind CHECK (kind IN ('worktree', 'directory')),
    CONSTRAINT chk_workspaces_state CHECK (state IN ('pending', 'ready', 'busy', 'salvaging', 'removed', 'lost')),
    CONSTRAINT chk_workspaces_removed CHECK ((state = 'removed') = (removed_at IS NOT NULL)),
    CONSTRAINT chk_workspaces_size CHECK (size_bytes >= 0)
);

CREATE INDEX idx_workspaces_project_id ON nave.workspaces (project_id);
CREATE INDEX idx_workspaces_spoke_id ON nave.workspaces (spoke_id);
CREATE INDEX idx_workspaces_created_at ON nave.workspaces (created_at, id);

CREATE TRIGGER trg_workspaces_touch BEFORE UPDATE ON nave.workspaces
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TRIGGER trg_workspaces_stay_over BEFORE UPDATE OF state ON nave.workspaces
    FOR EACH ROW WHEN (OLD.state = 'removed' AND NEW.state <> 'removed') EXECUTE FUNCTION nave.stay_over();

CREATE TABLE nave.sessions (
    id text NOT NULL CONSTRAINT pk_sessions PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    project_id text NOT NULL,
    workspace_id text,
    parent_id text,
    account_id text,
    slug text NOT NULL,
    title text NOT NULL,
    status text NOT NULL DEFAULT 'idle',
    version text NOT NULL DEFAULT '1',
    role_name text,
    -- Grows with each placement; what carries a smaller number is history.
    fence bigint NOT NULL DEFAULT 0,
    -- The whole order: a waiting session is placed from these columns and its workspace alone.
    run jsonb NOT NULL DEFAULT '{}',
    environment jsonb NOT NULL DEFAULT '{}',
    worktree jsonb NOT NULL DEFAULT '{}',
    target jsonb NOT NULL DEFAULT '{}',
    grants text[] NOT NULL DEFAULT '{}',
    priority smallint NOT NULL DEFAULT 1,
    timeout_seconds integer,
    idempotency_key text,
    disconnect_policy jsonb,
    exit_code integer,
    exit_signal integer,
    exit_reason text,
    started_at timestamptz,
    ended_at timestamptz,
    last_activity_at timestamptz,
    -- Since when retention has taken its output away.
    output_pruned_at timestamptz,
    provider_session_id text,
    usage jsonb NOT NULL DEFAULT '{}',
    -- How far an agent's output was read, and what is known of it so far; null for plain processes.
    transcript jsonb,
    -- Why it could not run (a fault), the sums of its output, and which processes outlived their leader.
    failure jsonb,
    output_sums jsonb,
    swept jsonb,
    remaining jsonb,
    data jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT unq_sessions_slug UNIQUE (slug),
    CONSTRAINT fk_sessions_project_id FOREIGN KEY (project_id) REFERENCES nave.projects (id) ON DELETE CASCADE,
    CONSTRAINT fk_sessions_workspace_id FOREIGN KEY (workspace_id) REFERENCES nave.workspaces (id) ON DELETE SET NULL,
    CONSTRAINT fk_sessions_parent_id FOREIGN KEY (parent_id) REFERENCES nave.sessions (id) ON DELETE SET NULL,
    CONSTRAINT fk_sessions_account_id FOREIGN KEY (account_id) REFERENCES nave.accounts (id) ON DELETE SET NULL,
    CONSTRAINT chk_sessions_status CHECK (status IN ('idle', 'busy', 'retry', 'archived')),
    CONSTRAINT chk_sessions_exit_reason CHECK (
        exit_reason IN ('exited', 'aborted', 'timeout', 'failed', 'lost')
    ),
    CONSTRAINT chk_sessions_priority CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT chk_sessions_fence CHECK (fence >= 0),
    CONSTRAINT chk_sessions_timeout_seconds CHECK (timeout_seconds > 0),
    -- What ended has a reason and is no longer busy; what did not end has neither code nor signal.
    CONSTRAINT chk_sessions_end CHECK (
        (ended_at IS NULL) = (exit_reason IS NULL)
        AND (ended_at IS NULL OR status IN ('idle', 'archived'))
        AND (ended_at IS NOT NULL OR (exit_code IS NULL AND exit_signal IS NULL))
    )
);

CREATE INDEX idx_sessions_project_id ON nave.sessions (project_id);
CREATE INDEX idx_sessions_workspace_id ON nave.sessions (workspace_id);
CREATE INDEX idx_sessions_status ON nave.sessions (status);
CREATE INDEX idx_sessions_active ON nave.sessions (status) WHERE status IN ('idle', 'busy', 'retry');
CREATE INDEX idx_sessions_account_id ON nave.sessions (account_id);
CREATE INDEX idx_sessions_role_name ON nave.sessions (role_name);
CREATE INDEX idx_sessions_parent_id ON nave.sessions (parent_id);
CREATE INDEX idx_sessions_created_at ON nave.sessions (created_at, id);
CREATE UNIQUE INDEX unq_sessions_idempotency_key ON nave.sessions (account_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
-- The queue of sessions that wait for a spoke.
CREATE INDEX idx_sessions_waiting ON nave.sessions (priority DESC, created_at, id)
    WHERE (status = 'busy' AND fence = 0) OR status = 'retry';

-- Agents whose output is not read to its end.
CREATE INDEX idx_sessions_transcript_open ON nave.sessions (id)
    WHERE transcript IS NOT NULL AND NOT (transcript ->> 'isDone')::bool;
-- Whose output retention looks at next.
CREATE INDEX idx_sessions_output_kept ON nave.sessions (ended_at) WHERE output_pruned_at IS NULL;

CREATE TRIGGER trg_sessions_touch BEFORE UPDATE ON nave.sessions
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TRIGGER trg_sessions_stay_over BEFORE UPDATE OF status ON nave.sessions
    FOR EACH ROW WHEN (OLD.status = 'archived' AND NEW.status <> 'archived') EXECUTE FUNCTION nave.stay_over();

CREATE TABLE nave.messages (
    id text NOT NULL CONSTRAINT pk_messages PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    session_id text NOT NULL,
    role text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    delivery text,
    author_account_id text,
    model text,
    error text,
    data jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT fk_messages_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE CASCADE,
    CONSTRAINT fk_messages_author_account_id
        FOREIGN KEY (author_account_id) REFERENCES nave.accounts (id) ON DELETE SET NULL,
    CONSTRAINT chk_messages_role CHECK (role IN ('user', 'assistant', 'system')),
    CONSTRAINT chk_messages_status CHECK (status IN ('pending', 'streaming', 'complete', 'error')),
    CONSTRAINT chk_messages_delivery CHECK (delivery IN ('queued', 'delivered', 'consumed'))
);

-- Agents have no account, so what they say costs nothing here.
CREATE INDEX idx_messages_author_account_id ON nave.messages (author_account_id) WHERE author_account_id IS NOT NULL;
CREATE INDEX idx_messages_session_id_created_at_id ON nave.messages (session_id, created_at, id);
-- What changed since somebody looked.
CREATE INDEX idx_messages_session_id_updated_at_id ON nave.messages (session_id, updated_at, id);

CREATE TRIGGER trg_messages_touch BEFORE UPDATE ON nave.messages
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.parts (
    id text NOT NULL CONSTRAINT pk_parts PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    message_id text NOT NULL,
    session_id text NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    sequence bigint NOT NULL DEFAULT 0,
    CONSTRAINT chk_parts_type CHECK (
        type IN ('text', 'reasoning', 'file', 'patch', 'snapshot', 'compaction', 'tool-call', 'tool-result',
                 'step-start', 'step-finish', 'agent')
    ),
    CONSTRAINT fk_parts_message_id FOREIGN KEY (message_id) REFERENCES nave.messages (id) ON DELETE CASCADE,
    CONSTRAINT fk_parts_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE CASCADE
);

CREATE INDEX part_session_idx ON nave.parts (session_id);
CREATE INDEX part_message_id_id_idx ON nave.parts (message_id, id);
CREATE INDEX idx_parts_session_id_type ON nave.parts (session_id, type);
-- What an agent said, in order; and that no line was read twice.
CREATE UNIQUE INDEX unq_parts_session_id_sequence ON nave.parts (session_id, sequence);

CREATE TRIGGER trg_parts_touch BEFORE UPDATE ON nave.parts
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- What processes printed, chunk by chunk as the spoke chained it, so that the sum can be proven again.
-- The key is what readers ask by and what makes a repeated record harmless; the id only sorts by time.
CREATE TABLE nave.session_output (
    id text NOT NULL,
    session_id text NOT NULL,
    -- The fence under which it was printed.
    session_number bigint NOT NULL DEFAULT 1,
    stream text NOT NULL,
    byte_offset bigint NOT NULL,
    content bytea NOT NULL,
    encoding text NOT NULL DEFAULT 'plain',
    gap jsonb,
    at timestamptz NOT NULL,
    CONSTRAINT unq_session_output_position UNIQUE (session_id, session_number, stream, byte_offset),
    CONSTRAINT fk_session_output_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE CASCADE,
    CONSTRAINT chk_session_output_stream CHECK (stream IN ('stdout', 'stderr', 'pty', 'agent')),
    CONSTRAINT chk_session_output_encoding CHECK (encoding IN ('plain', 'zstd')),
    CONSTRAINT chk_session_output_byte_offset CHECK (byte_offset >= 0),
    -- A gap stands where bytes are missing; it has none.
    CONSTRAINT chk_session_output_gap CHECK (gap IS NULL OR octet_length(content) = 0)
);

-- lz4 where this Postgres was built with it: cheaper than pglz both ways.
DO $$
BEGIN
    ALTER TABLE nave.session_output ALTER COLUMN content SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;

-- Left out where these tables were made, because sessions were not there yet.
ALTER TABLE nave.api_keys
    ADD CONSTRAINT fk_api_keys_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE CASCADE;
ALTER TABLE nave.audit_logs
    ADD CONSTRAINT fk_audit_logs_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE SET NULL;
