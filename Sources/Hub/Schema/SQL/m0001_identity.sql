-- Who may ask: accounts, organisations and keys, and the record of what they did.
-- Ids are text made by the application; times are the database's. Secrets are never here, only their SHA-256.
CREATE SCHEMA IF NOT EXISTS nave;

-- Keeps updated_at, also for whoever updates by hand.
CREATE FUNCTION nave.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- What is over stays so, whoever asks. The machines in HubCore say it better; the database says it to everyone.
CREATE FUNCTION nave.stay_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is over in % stays so', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE TABLE nave.accounts (
    id text NOT NULL CONSTRAINT pk_accounts PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    email text NOT NULL,
    display_name text,
    access_level text NOT NULL DEFAULT 'user'
        CONSTRAINT chk_accounts_access_level CHECK (access_level IN ('admin', 'user', 'service')),
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT chk_accounts_status CHECK (status IN ('active', 'suspended', 'deactivated')),
    gitea_username text,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX unq_accounts_email ON nave.accounts (email);
CREATE INDEX idx_accounts_gitea_username ON nave.accounts (gitea_username);
CREATE INDEX idx_accounts_display_name ON nave.accounts (display_name);
CREATE TRIGGER trg_accounts_touch BEFORE UPDATE ON nave.accounts
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.organizations (
    id text NOT NULL CONSTRAINT pk_organizations PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL,
    slug text NOT NULL,
    -- An owner cannot be deleted: the organisation is handed over first.
    owner_id text NOT NULL
        CONSTRAINT fk_organizations_owner_id REFERENCES nave.accounts (id) ON DELETE RESTRICT,
    gitea_org_name text,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX unq_organizations_name ON nave.organizations (name);
CREATE UNIQUE INDEX unq_organizations_slug ON nave.organizations (slug);
CREATE INDEX idx_organizations_owner_id ON nave.organizations (owner_id);
CREATE INDEX idx_organizations_gitea_org_name ON nave.organizations (gitea_org_name);
CREATE TRIGGER trg_organizations_touch BEFORE UPDATE ON nave.organizations
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.organization_members (
    id text NOT NULL CONSTRAINT pk_organization_members PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    org_id text NOT NULL
        CONSTRAINT fk_organization_members_org_id REFERENCES nave.organizations (id) ON DELETE CASCADE,
    account_id text NOT NULL
        CONSTRAINT fk_organization_members_account_id REFERENCES nave.accounts (id) ON DELETE CASCADE,
    membership_level text NOT NULL DEFAULT 'member'
        CONSTRAINT chk_organization_members_membership_level
        CHECK (membership_level IN ('owner', 'admin', 'member'))
);
CREATE UNIQUE INDEX unq_org_members_org_account ON nave.organization_members (org_id, account_id);
CREATE INDEX idx_org_members_account_id ON nave.organization_members (account_id);
CREATE INDEX idx_org_members_org_id ON nave.organization_members (org_id);
CREATE TRIGGER trg_organization_members_touch BEFORE UPDATE ON nave.organization_members
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.api_keys (
    id text NOT NULL CONSTRAINT pk_api_keys PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    owner_id text NOT NULL
        CONSTRAINT fk_api_keys_owner_id REFERENCES nave.accounts (id) ON DELETE CASCADE,
    name text NOT NULL,
    -- The first characters behind nave_, by which a person recognises a key.
    prefix text NOT NULL CONSTRAINT chk_api_keys_prefix CHECK (length(prefix) = 8),
    -- SHA-256 of the whole key, as hexadecimal digits.
    key_hash text NOT NULL CONSTRAINT chk_api_keys_key_hash CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    scopes text[] NOT NULL DEFAULT '{}',
    resources jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT chk_api_keys_resources CHECK (jsonb_typeof(resources) = 'object'),
    enabled boolean NOT NULL DEFAULT true,
    expires_at timestamptz,
    revoked_at timestamptz,
    rotated_to_id text
        CONSTRAINT fk_api_keys_rotated_to_id REFERENCES nave.api_keys (id) ON DELETE SET NULL,
    last_used_at timestamptz,
    -- A session's or a spoke's own credential; the foreign keys come with those tables.
    session_id text,
    spoke_id text,
    CONSTRAINT chk_api_keys_one_holder CHECK (session_id IS NULL OR spoke_id IS NULL),
    CONSTRAINT chk_api_keys_rotation CHECK (rotated_to_id IS NULL OR rotated_to_id <> id)
);
CREATE INDEX idx_api_keys_owner_id ON nave.api_keys (owner_id);
CREATE UNIQUE INDEX unq_api_keys_key_hash ON nave.api_keys (key_hash);
CREATE INDEX idx_api_keys_enabled ON nave.api_keys (enabled);
CREATE INDEX idx_api_keys_active ON nave.api_keys (id) WHERE revoked_at IS NULL AND enabled = true;
CREATE INDEX idx_api_keys_rotated_to_id ON nave.api_keys (rotated_to_id) WHERE rotated_to_id IS NOT NULL;
CREATE INDEX idx_api_keys_session_id ON nave.api_keys (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX idx_api_keys_spoke_id ON nave.api_keys (spoke_id) WHERE spoke_id IS NOT NULL;
CREATE TRIGGER trg_api_keys_touch BEFORE UPDATE ON nave.api_keys
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.join_tokens (
    id text NOT NULL CONSTRAINT pk_join_tokens PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    prefix text NOT NULL CONSTRAINT chk_join_tokens_prefix CHECK (length(prefix) = 8),
    token_hash text NOT NULL CONSTRAINT chk_join_tokens_token_hash CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    -- Given to every spoke that joins with it, before the spoke's own.
    labels jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT chk_join_tokens_labels CHECK (jsonb_typeof(labels) = 'object'),
    uses_left integer NOT NULL CONSTRAINT chk_join_tokens_uses_left CHECK (uses_left >= 0),
    expires_at timestamptz NOT NULL,
    created_by text NOT NULL
        CONSTRAINT fk_join_tokens_created_by REFERENCES nave.accounts (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX unq_join_tokens_token_hash ON nave.join_tokens (token_hash);
CREATE INDEX idx_join_tokens_created_by ON nave.join_tokens (created_by);
CREATE INDEX idx_join_tokens_expires_at ON nave.join_tokens (expires_at);
CREATE TRIGGER trg_join_tokens_touch BEFORE UPDATE ON nave.join_tokens
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.audit_logs (
    id text NOT NULL CONSTRAINT pk_audit_logs PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    action text NOT NULL,
    -- Accountability outlives the account: it is deactivated, not deleted.
    owner_id text NOT NULL
        CONSTRAINT fk_audit_logs_owner_id REFERENCES nave.accounts (id) ON DELETE RESTRICT,
    key_id text CONSTRAINT fk_audit_logs_key_id REFERENCES nave.api_keys (id) ON DELETE SET NULL,
    -- The foreign key comes with the sessions table.
    session_id text,
    org_id text CONSTRAINT fk_audit_logs_org_id REFERENCES nave.organizations (id) ON DELETE SET NULL,
    request_id text,
    outcome text NOT NULL
        CONSTRAINT chk_audit_logs_outcome CHECK (outcome IN ('succeeded', 'failed', 'denied')),
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX idx_audit_logs_owner_id ON nave.audit_logs (owner_id);
CREATE INDEX idx_audit_logs_key_id ON nave.audit_logs (key_id);
CREATE INDEX idx_audit_logs_action ON nave.audit_logs (action);
CREATE INDEX idx_audit_logs_created_at ON nave.audit_logs (created_at);
CREATE INDEX idx_audit_logs_session_id ON nave.audit_logs (session_id);
CREATE INDEX idx_audit_logs_org_id ON nave.audit_logs (org_id);

-- The audit trail only grows. Two things may touch it: a foreign key set to null because what it pointed to was
-- deleted, and retention, which says so with SET LOCAL nave.retention = 'on'.
CREATE FUNCTION nave.keep_audit_logs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - '{key_id,session_id,org_id}'::text[]
                = to_jsonb(OLD) - '{key_id,session_id,org_id}'::text[]
            AND (NEW.key_id IS NULL OR NEW.key_id IS NOT DISTINCT FROM OLD.key_id)
            AND (NEW.session_id IS NULL OR NEW.session_id IS NOT DISTINCT FROM OLD.session_id)
            AND (NEW.org_id IS NULL OR NEW.org_id IS NOT DISTINCT FROM OLD.org_id)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP = 'DELETE' AND current_setting('nave.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_logs is append only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER trg_audit_logs_keep BEFORE UPDATE OR DELETE ON nave.audit_logs
    FOR EACH ROW EXECUTE FUNCTION nave.keep_audit_logs();
CREATE TRIGGER trg_audit_logs_keep_all BEFORE TRUNCATE ON nave.audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION nave.keep_audit_logs();

-- What an operator may change while the hub runs.
CREATE TABLE nave.settings (
    key text NOT NULL CONSTRAINT pk_settings PRIMARY KEY,
    value jsonb NOT NULL
);

-- The hubs that share this database. Who finds a lease expired marks that hub's spokes disconnected.
CREATE TABLE nave.hubs (
    id text NOT NULL CONSTRAINT pk_hubs PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    url text NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL
);
CREATE INDEX idx_hubs_lease_until ON nave.hubs (lease_until);
CREATE TRIGGER trg_hubs_touch BEFORE UPDATE ON nave.hubs
    FOR EACH ROW EXECUTE FUNCTION nave.touch();
