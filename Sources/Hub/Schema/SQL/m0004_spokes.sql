-- Machines that carry out work, what they were ordered to do, and what the operator should know.
--
-- A spoke's row is the one lock of its two streams: the journal's mark and the commands' head move only under it.
-- Whoever locks spokes and sessions in one transaction locks the spokes first, several of them in order of id.

CREATE TABLE nave.spokes (
    id text NOT NULL CONSTRAINT pk_spokes PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL,
    status text NOT NULL DEFAULT 'disconnected',
    spoke_type text NOT NULL DEFAULT 'dev-env',
    project_id text,
    last_heartbeat timestamptz,
    host_info jsonb NOT NULL DEFAULT '{}',
    -- What placement reads: what the spoke says of itself, overruled by what its join token said.
    labels jsonb NOT NULL DEFAULT '{}',
    join_labels jsonb NOT NULL DEFAULT '{}',
    -- The agent programs that its last hello told of.
    agents jsonb NOT NULL DEFAULT '[]',
    connected_at timestamptz,
    disconnected_at timestamptz,
    disconnect_reason text,
    hub_id text,
    incarnation text,
    -- Incarnations that were taken over, newest last: none of them may come back.
    former_incarnations text[] NOT NULL DEFAULT '{}',
    version text,
    load jsonb NOT NULL DEFAULT '{}',
    slots integer NOT NULL DEFAULT 0,
    -- The hub's own order; what the spoke's owner decided is a paused_reason.
    draining boolean NOT NULL DEFAULT false,
    paused_reason text,
    journal_epoch bigint NOT NULL DEFAULT 0,
    journal_acknowledged bigint NOT NULL DEFAULT 0,
    journal_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    commands_epoch bigint NOT NULL DEFAULT 1,
    commands_next bigint NOT NULL DEFAULT 1,
    commands_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    -- Where the retained commands begin: everything up to here was acknowledged and pruned.
    commands_pruned bigint NOT NULL DEFAULT 0,
    commands_pruned_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    -- Sessions and workspaces that the last hello did not name, judged once the journal was applied up to owed_seq.
    owed_seq bigint,
    owed jsonb,
    CONSTRAINT fk_spokes_project_id FOREIGN KEY (project_id) REFERENCES nave.projects (id) ON DELETE SET NULL,
    CONSTRAINT fk_spokes_hub_id FOREIGN KEY (hub_id) REFERENCES nave.hubs (id) ON DELETE SET NULL,
    CONSTRAINT chk_spokes_status CHECK (status IN ('connected', 'disconnected')),
    CONSTRAINT chk_spokes_spoke_type CHECK (spoke_type IN ('dev-env', 'client', 'compute')),
    CONSTRAINT chk_spokes_name CHECK (name <> '' AND octet_length(name) <= 200),
    CONSTRAINT chk_spokes_slots CHECK (slots >= 0),
    CONSTRAINT chk_spokes_marks CHECK (
        journal_epoch >= 0 AND journal_acknowledged >= 0 AND octet_length(journal_hash) = 32
        AND commands_epoch >= 1 AND commands_next >= 1 AND octet_length(commands_hash) = 32
        AND commands_pruned >= 0 AND commands_pruned < commands_next AND octet_length(commands_pruned_hash) = 32
    ),
    -- A connected spoke is connected somewhere since some time; a disconnected one is not.
    CONSTRAINT chk_spokes_connection CHECK (
        CASE status
        WHEN 'connected'
            THEN disconnected_at IS NULL AND disconnect_reason IS NULL AND connected_at IS NOT NULL
                AND incarnation IS NOT NULL
        ELSE disconnected_at IS NOT NULL
        END
    ),
    CONSTRAINT chk_spokes_owed CHECK ((owed IS NULL) = (owed_seq IS NULL))
);

CREATE INDEX idx_spokes_project_id ON nave.spokes (project_id);
CREATE INDEX idx_spokes_status ON nave.spokes (status);
CREATE INDEX idx_spokes_active ON nave.spokes (id) WHERE status = 'connected';
CREATE INDEX idx_spokes_name ON nave.spokes (name);
-- A spoke is addressed by its name, so two may not share one.
CREATE UNIQUE INDEX unq_spokes_name ON nave.spokes (name);
CREATE INDEX idx_spokes_hub_id ON nave.spokes (hub_id) WHERE status = 'connected';

CREATE TRIGGER trg_spokes_touch BEFORE UPDATE ON nave.spokes
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- The durable stream from the hub to one spoke. The payload is `json`, not `jsonb`: the chain is over its very bytes.
CREATE TABLE nave.spoke_commands (
    spoke_id text NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    command_id text NOT NULL,
    type text NOT NULL,
    payload json NOT NULL,
    hash bytea NOT NULL,
    at bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    acknowledged_at timestamptz,
    -- What the spoke's journal said of it.
    completed_at timestamptz,
    result jsonb,
    error jsonb,
    CONSTRAINT pk_spoke_commands PRIMARY KEY (spoke_id, seq),
    CONSTRAINT unq_spoke_commands_command_id UNIQUE (command_id),
    CONSTRAINT fk_spoke_commands_spoke_id FOREIGN KEY (spoke_id) REFERENCES nave.spokes (id) ON DELETE CASCADE,
    CONSTRAINT chk_spoke_commands_type CHECK (
        type IN (
            'session.start', 'session.message', 'session.abort', 'workspace.remove', 'workspace.restore',
            'spoke.drain'
        )
    ),
    CONSTRAINT chk_spoke_commands_hash CHECK (octet_length(hash) = 32),
    CONSTRAINT chk_spoke_commands_completion CHECK (
        completed_at IS NOT NULL OR (result IS NULL AND error IS NULL)
    )
);

-- What the operator should know. One row per open cause: a repetition counts up (dedup_key) and says when it was last.
CREATE TABLE nave.alerts (
    id text NOT NULL CONSTRAINT pk_alerts PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    severity text NOT NULL,
    alert_type text NOT NULL,
    source text NOT NULL,
    message text NOT NULL,
    context jsonb NOT NULL DEFAULT '{}',
    acknowledged boolean NOT NULL DEFAULT false,
    acknowledged_by text,
    acknowledged_at timestamptz,
    dedup_key text,
    occurrence_count bigint NOT NULL DEFAULT 1,
    last_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chk_alerts_severity CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    CONSTRAINT chk_alerts_acknowledged CHECK (acknowledged = (acknowledged_at IS NOT NULL))
);

CREATE UNIQUE INDEX unq_alerts_dedup_key ON nave.alerts (dedup_key) WHERE NOT acknowledged;
CREATE INDEX idx_alerts_created_at ON nave.alerts (created_at, id);

CREATE TRIGGER trg_alerts_touch BEFORE UPDATE ON nave.alerts
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- Left out where these tables were made, because spokes were not there yet.
ALTER TABLE nave.api_keys
    ADD CONSTRAINT fk_api_keys_spoke_id FOREIGN KEY (spoke_id) REFERENCES nave.spokes (id) ON DELETE CASCADE;
