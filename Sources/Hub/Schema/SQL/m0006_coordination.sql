-- Which session works where, for whom, and how it ended; and work that was saved before its worktree went.

CREATE TABLE nave.mappings (
    id text NOT NULL CONSTRAINT pk_mappings PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    session_id text NOT NULL,
    spoke_id text,
    workspace_id text,
    parent_session_id text,
    -- Refers to tasks once they exist.
    task_id text,
    task text,
    status text NOT NULL DEFAULT 'active',
    CONSTRAINT fk_mappings_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE CASCADE,
    CONSTRAINT fk_mappings_spoke_id FOREIGN KEY (spoke_id) REFERENCES nave.spokes (id) ON DELETE SET NULL,
    CONSTRAINT fk_mappings_workspace_id FOREIGN KEY (workspace_id) REFERENCES nave.workspaces (id) ON DELETE SET NULL,
    CONSTRAINT fk_mappings_parent_session_id
        FOREIGN KEY (parent_session_id) REFERENCES nave.sessions (id) ON DELETE SET NULL,
    CONSTRAINT chk_mappings_status CHECK (status IN ('active', 'completed', 'aborted', 'failed'))
);

CREATE INDEX idx_mappings_session_id ON nave.mappings (session_id);
CREATE INDEX idx_mappings_parent_session_id ON nave.mappings (parent_session_id);
CREATE INDEX idx_mappings_spoke_id ON nave.mappings (spoke_id);
CREATE INDEX idx_mappings_task_id ON nave.mappings (task_id);
CREATE INDEX idx_mappings_workspace_id ON nave.mappings (workspace_id);
CREATE INDEX idx_mappings_created_at ON nave.mappings (created_at, id);
-- How many slots of a spoke are taken, and that a session runs in one place at a time.
CREATE INDEX idx_mappings_running ON nave.mappings (spoke_id) WHERE status = 'active';
CREATE UNIQUE INDEX unq_mappings_active_session ON nave.mappings (session_id) WHERE status = 'active';

CREATE TRIGGER trg_mappings_touch BEFORE UPDATE ON nave.mappings
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- active → completed | failed | aborted, and no way back: a retry is a mapping of its own.
CREATE FUNCTION nave.mappings_move_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a mapping that is % cannot become %', OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'trg_mappings_move_forward';
END
$$;
CREATE TRIGGER trg_mappings_move_forward BEFORE UPDATE OF status ON nave.mappings
    FOR EACH ROW WHEN (OLD.status <> 'active' AND NEW.status <> OLD.status)
    EXECUTE FUNCTION nave.mappings_move_forward();

CREATE TABLE nave.salvages (
    id text NOT NULL CONSTRAINT pk_salvages PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    workspace_id text NOT NULL,
    project_id text NOT NULL,
    spoke_id text,
    ref text NOT NULL,
    commit text NOT NULL,
    parents text[] NOT NULL DEFAULT '{}',
    branch text NOT NULL,
    files integer NOT NULL,
    bytes bigint NOT NULL,
    -- A git bundle that any spoke can restore from; in the database, because hubs share nothing else.
    bundle bytea,
    bundle_path text,
    expires_at timestamptz NOT NULL,
    restored_at timestamptz,
    CONSTRAINT fk_salvages_workspace_id FOREIGN KEY (workspace_id) REFERENCES nave.workspaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_salvages_project_id FOREIGN KEY (project_id) REFERENCES nave.projects (id) ON DELETE CASCADE,
    CONSTRAINT fk_salvages_spoke_id FOREIGN KEY (spoke_id) REFERENCES nave.spokes (id) ON DELETE SET NULL,
    CONSTRAINT chk_salvages_counts CHECK (files >= 0 AND bytes >= 0)
);

CREATE INDEX idx_salvages_workspace_id ON nave.salvages (workspace_id);
CREATE INDEX idx_salvages_project_id ON nave.salvages (project_id);
CREATE INDEX idx_salvages_spoke_id ON nave.salvages (spoke_id);
CREATE INDEX idx_salvages_expires_at ON nave.salvages (expires_at);
CREATE INDEX idx_salvages_created_at ON nave.salvages (created_at, id);

CREATE TRIGGER trg_salvages_touch BEFORE UPDATE ON nave.salvages
    FOR EACH ROW EXECUTE FUNCTION nave.touch();
