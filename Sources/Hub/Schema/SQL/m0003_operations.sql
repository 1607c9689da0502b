-- What can be asked: definitions are independent of who provides them and persist; registrations are one provider's
-- offer of one operation and follow its connection. And the memory that makes a mutation repeatable.
CREATE TABLE nave.operations (
    id text NOT NULL CONSTRAINT pk_operations PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    namespace text NOT NULL,
    name text NOT NULL,
    version text NOT NULL DEFAULT '1',
    type text NOT NULL
        CONSTRAINT chk_operations_type CHECK (type IN ('query', 'mutation', 'subscription')),
    title text,
    description text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    input_schema jsonb NOT NULL,
    output_schema jsonb NOT NULL,
    error_schemas jsonb NOT NULL DEFAULT '[]',
    access_control jsonb NOT NULL,
    _meta jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX unq_operations_namespace_name ON nave.operations (namespace, name);
CREATE INDEX idx_operations_namespace ON nave.operations (namespace);
CREATE INDEX idx_operations_type ON nave.operations (type);
CREATE TRIGGER trg_operations_touch BEFORE UPDATE ON nave.operations
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- Calls of an operation that is deleted are reassigned to this one first.
INSERT INTO nave.operations
    (id, namespace, name, type, description, input_schema, output_schema, access_control)
VALUES
    ('__removed__', 'system', 'removed', 'query', 'Stands for an operation that was removed; cannot be called.',
     'true', 'true', '{"requiredScopes": [], "requiredScopesAny": []}');

CREATE TABLE nave.operation_registrations (
    id text NOT NULL CONSTRAINT pk_operation_registrations PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    operation_id text NOT NULL
        CONSTRAINT fk_operation_registrations_operation_id REFERENCES nave.operations (id) ON DELETE CASCADE,
    provider_type text NOT NULL
        CONSTRAINT chk_operation_registrations_provider_type CHECK (provider_type IN ('hub', 'spoke', 'client')),
    provider_id text NOT NULL,
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT chk_operation_registrations_status CHECK (status IN ('active', 'inactive')),
    pre_remap_name text,
    activated_at timestamptz NOT NULL DEFAULT now(),
    deactivated_at timestamptz,
    CONSTRAINT chk_operation_registrations_deactivated
        CHECK ((status = 'active') = (deactivated_at IS NULL))
);
CREATE UNIQUE INDEX unq_operation_registrations_active
    ON nave.operation_registrations (operation_id, provider_id) WHERE status = 'active';
CREATE INDEX idx_operation_registrations_operation_id ON nave.operation_registrations (operation_id);
CREATE INDEX idx_operation_registrations_provider_id ON nave.operation_registrations (provider_id);
CREATE INDEX idx_operation_registrations_status ON nave.operation_registrations (status);
CREATE TRIGGER trg_operation_registrations_touch BEFORE UPDATE ON nave.operation_registrations
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- The first outcome of a mutation by the caller's key. No outcome yet: it is under way until the row expires.
CREATE TABLE nave.idempotency_keys (
    account_id text NOT NULL
        CONSTRAINT fk_idempotency_keys_account_id REFERENCES nave.accounts (id) ON DELETE CASCADE,
    key text NOT NULL,
    input_digest text NOT NULL,
    request_id text NOT NULL,
    outcome jsonb,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (account_id, key)
);
CREATE INDEX idx_idempotency_keys_expires_at ON nave.idempotency_keys (expires_at);
