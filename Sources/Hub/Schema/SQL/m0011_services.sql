-- Services outside with their secrets, and the roles in which agents work.

CREATE TABLE nave.clients (
    id text NOT NULL CONSTRAINT pk_clients PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL,
    type text NOT NULL
        CONSTRAINT chk_clients_type CHECK (type IN ('llm-provider', 'vcs', 'compute', 'mcp-server', 'custom')),
    -- How to reach it; the application checks it by type and refuses what looks like a secret.
    config jsonb NOT NULL DEFAULT '{}' CONSTRAINT chk_clients_config CHECK (jsonb_typeof(config) = 'object'),
    enabled boolean NOT NULL DEFAULT true,
    owner_id text NOT NULL CONSTRAINT fk_clients_owner_id REFERENCES nave.accounts (id) ON DELETE RESTRICT,
    org_id text CONSTRAINT fk_clients_org_id REFERENCES nave.organizations (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX unq_clients_name ON nave.clients (name);
CREATE INDEX idx_clients_type ON nave.clients (type);
CREATE INDEX idx_clients_owner_id ON nave.clients (owner_id);
CREATE INDEX idx_clients_org_id ON nave.clients (org_id);
CREATE TRIGGER trg_clients_touch BEFORE UPDATE ON nave.clients
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.client_secrets (
    id text NOT NULL CONSTRAINT pk_client_secrets PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    client_id text NOT NULL
        CONSTRAINT fk_client_secrets_client_id REFERENCES nave.clients (id) ON DELETE CASCADE,
    key text NOT NULL,
    -- Sealed by the hub: the version of its key, the nonce, and what is encrypted with its tag, in base64.
    value jsonb NOT NULL
        CONSTRAINT chk_client_secrets_value CHECK (
            value ?& ARRAY['keyVersion', 'nonce', 'data'] AND value - ARRAY['keyVersion', 'nonce', 'data'] = '{}'),
    expires_at timestamptz
);
CREATE UNIQUE INDEX unq_client_secrets_client_key ON nave.client_secrets (client_id, key);
CREATE INDEX idx_client_secrets_expires_at ON nave.client_secrets (expires_at);
-- What a rotation looks for.
CREATE INDEX idx_client_secrets_key_version ON nave.client_secrets ((value->>'keyVersion'), id);
CREATE TRIGGER trg_client_secrets_touch BEFORE UPDATE ON nave.client_secrets
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TABLE nave.roles (
    id text NOT NULL CONSTRAINT pk_roles PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL,
    description text NOT NULL,
    mode text NOT NULL CONSTRAINT chk_roles_mode CHECK (mode IN ('primary', 'subagent')),
    temperature double precision CONSTRAINT chk_roles_temperature CHECK (temperature BETWEEN 0 AND 2),
    prompt text,
    model text,
    -- Rules in order, the first that matches decides: {action, permission allow|ask|deny, pattern?}.
    permissions jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT chk_roles_permissions CHECK (jsonb_typeof(permissions) = 'array'),
    tools jsonb NOT NULL DEFAULT '{}' CONSTRAINT chk_roles_tools CHECK (jsonb_typeof(tools) = 'object'),
    parent_id text CONSTRAINT fk_roles_parent_id REFERENCES nave.roles (id) ON DELETE SET NULL,
    CONSTRAINT chk_roles_parent CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX unq_roles_name ON nave.roles (name);
CREATE INDEX idx_roles_parent_id ON nave.roles (parent_id);
CREATE INDEX idx_roles_mode ON nave.roles (mode);
CREATE TRIGGER trg_roles_touch BEFORE UPDATE ON nave.roles
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- The eight that every hub begins with. Their ids are their names, so that an import finds them.
INSERT INTO nave.roles (id, name, description, mode, temperature, permissions) VALUES
    ('coordinator', 'coordinator', 'Spawns work, watches it, lands what passed; writes no code itself.', 'primary', 0.3,
     '[{"action": "coord.*", "permission": "allow"}, {"action": "task.*", "permission": "allow"},
       {"action": "session.*", "permission": "allow"}, {"action": "fs.write", "permission": "deny"},
       {"action": "git.push", "permission": "ask"}, {"action": "*", "permission": "ask"}]'),
    ('architect', 'architect', 'Decides how the parts fit together and writes it down.', 'primary', 0.3,
     '[{"action": "fs.write", "permission": "allow", "pattern": "docs/*"}, {"action": "fs.write", "permission": "ask"},
       {"action": "fs.*", "permission": "allow"}, {"action": "git.push", "permission": "deny"},
       {"action": "git.*", "permission": "allow"}, {"action": "*", "permission": "ask"}]'),
    ('decomposer', 'decomposer', 'Cuts a goal into tasks that one agent can finish, with their dependencies.',
     'primary', 0.3,
     '[{"action": "task.*", "permission": "allow"}, {"action": "fs.write", "permission": "deny"},
       {"action": "fs.*", "permission": "allow"}, {"action": "*", "permission": "ask"}]'),
    ('implementation-specialist', 'implementation-specialist', 'Writes the code of one task, with its tests.',
     'primary', 0.3,
     '[{"action": "fs.*", "permission": "allow"}, {"action": "git.push", "permission": "ask"},
       {"action": "git.*", "permission": "allow"}, {"action": "process.run", "permission": "allow"},
       {"action": "*", "permission": "ask"}]'),
    ('poc-specialist', 'poc-specialist', 'Tries an idea out quickly, to be thrown away afterwards.', 'primary', 0.3,
     '[{"action": "git.push", "permission": "deny"}, {"action": "fs.*", "permission": "allow"},
       {"action": "git.*", "permission": "allow"}, {"action": "process.run", "permission": "allow"},
       {"action": "*", "permission": "ask"}]'),
    ('research-specialist', 'research-specialist', 'Finds out and reports; changes nothing.', 'subagent', 0.2,
     '[{"action": "fs.write", "permission": "deny"}, {"action": "fs.*", "permission": "allow"},
       {"action": "git.push", "permission": "deny"}, {"action": "git.commit", "permission": "deny"},
       {"action": "git.*", "permission": "allow"}, {"action": "*", "permission": "ask"}]'),
    ('code-reviewer', 'code-reviewer', 'Reads a change, runs its tests and says what is wrong; changes nothing.',
     'subagent', 0.2,
     '[{"action": "fs.write", "permission": "deny"}, {"action": "fs.*", "permission": "allow"},
       {"action": "git.push", "permission": "deny"}, {"action": "git.commit", "permission": "deny"},
       {"action": "git.*", "permission": "allow"}, {"action": "process.run", "permission": "allow"},
       {"action": "*", "permission": "ask"}]'),
    ('architecture-reviewer', 'architecture-reviewer', 'Reads a plan and says where it will break; changes nothing.',
     'subagent', 0.2,
     '[{"action": "fs.write", "permission": "deny"}, {"action": "fs.*", "permission": "allow"},
       {"action": "git.push", "permission": "deny"}, {"action": "git.commit", "permission": "deny"},
       {"action": "git.*", "permission": "allow"}, {"action": "*", "permission": "ask"}]');
