-- The call graph: every call that went through a hub, which call triggered it, and what it was declared to depend on.
--
-- Not partitioned: request_id is unique over all time and edges refer to nodes by id alone, and a partitioned table
-- can promise neither without the time in both keys. Retention deletes in batches instead.
CREATE TABLE nave.call_graph_nodes (
    -- A UUIDv7 that the hub draws when the call comes in; a call's id is greater than its parent's.
    id text NOT NULL CONSTRAINT pk_call_graph_nodes PRIMARY KEY,
    -- What else there is to say: {operation} of a removed one, {inputDigest, inputBytes, outputDigest, outputBytes}
    -- of what was too large to keep, {secret}, {values} of a subscription, {traceparent}, {givenRequestId}.
    metadata jsonb NOT NULL DEFAULT '{}',
    -- When the call came in, by the clock of the hub that took it; the row may be written a moment later.
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    request_id text NOT NULL,
    operation_id text NOT NULL
        CONSTRAINT fk_call_graph_nodes_operation_id REFERENCES nave.operations (id) ON DELETE RESTRICT,
    -- As the caller gave it; the edge is there only if such a call is.
    parent_request_id text,
    identity jsonb NOT NULL DEFAULT '{}',
    caller_account_id text
        CONSTRAINT fk_call_graph_nodes_caller_account_id REFERENCES nave.accounts (id) ON DELETE SET NULL,
    provider_type text,
    provider_id text,
    session_id text
        CONSTRAINT fk_call_graph_nodes_session_id REFERENCES nave.sessions (id) ON DELETE SET NULL,
    status text NOT NULL DEFAULT 'pending',
    input jsonb,
    output jsonb,
    error jsonb,
    idempotency_key text,
    deadline timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    -- The hub process that runs it. No foreign key: the row of a hub that is gone goes, what it left behind stays.
    hub_id text,
    CONSTRAINT chk_call_graph_nodes_provider_type CHECK (provider_type IN ('hub', 'spoke', 'client')),
    CONSTRAINT chk_call_graph_nodes_status
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'aborted')),
    -- What is over has an end; what was not dispatched has no start; only what was dispatched completes or fails.
    CONSTRAINT chk_call_graph_nodes_end CHECK ((status IN ('pending', 'running')) = (completed_at IS NULL)),
    CONSTRAINT chk_call_graph_nodes_start CHECK (
        CASE status WHEN 'pending' THEN started_at IS NULL WHEN 'aborted' THEN true ELSE started_at IS NOT NULL END
    ),
    CONSTRAINT chk_call_graph_nodes_outcome CHECK (
        CASE status WHEN 'completed' THEN error IS NULL WHEN 'failed' THEN error IS NOT NULL AND output IS NULL
            WHEN 'aborted' THEN output IS NULL ELSE error IS NULL AND output IS NULL END
    ),
    CONSTRAINT chk_call_graph_nodes_parent CHECK (parent_request_id <> request_id)
);
CREATE UNIQUE INDEX idx_call_graph_nodes_request_id ON nave.call_graph_nodes (request_id);
CREATE INDEX idx_call_graph_nodes_operation_id ON nave.call_graph_nodes (operation_id);
CREATE INDEX idx_call_graph_nodes_status ON nave.call_graph_nodes (status);
CREATE INDEX idx_call_graph_nodes_caller_account_id ON nave.call_graph_nodes (caller_account_id);
CREATE INDEX idx_call_graph_nodes_created_at ON nave.call_graph_nodes (created_at);
CREATE INDEX idx_call_graph_nodes_operation_created ON nave.call_graph_nodes (operation_id, created_at);
CREATE INDEX idx_call_graph_nodes_started_at ON nave.call_graph_nodes (started_at);
-- Few calls have a parent or a session, so these stay small.
CREATE INDEX idx_call_graph_nodes_parent_request_id ON nave.call_graph_nodes (parent_request_id)
    WHERE parent_request_id IS NOT NULL;
CREATE INDEX idx_call_graph_nodes_session_id ON nave.call_graph_nodes (session_id, created_at)
    WHERE session_id IS NOT NULL;
CREATE TRIGGER trg_call_graph_nodes_touch BEFORE UPDATE ON nave.call_graph_nodes
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- lz4 where this Postgres was built with it: cheaper than pglz both ways.
DO $$
BEGIN
    ALTER TABLE nave.call_graph_nodes ALTER COLUMN input SET COMPRESSION lz4;
    ALTER TABLE nave.call_graph_nodes ALTER COLUMN output SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    NULL;
END
$$;

-- An edge leads from the earlier call to the later one: from the one that triggered to the triggered, from the one
-- that is depended on to the one that depends. Ids grow with time, so this one CHECK leaves room for neither a loop
-- nor a circle.
CREATE TABLE nave.call_graph_edges (
    source_id text NOT NULL
        CONSTRAINT fk_call_graph_edges_source_id REFERENCES nave.call_graph_nodes (id) ON DELETE CASCADE,
    target_id text NOT NULL
        CONSTRAINT fk_call_graph_edges_target_id REFERENCES nave.call_graph_nodes (id) ON DELETE CASCADE,
    edge_type text NOT NULL
        CONSTRAINT chk_call_graph_edges_edge_type CHECK (edge_type IN ('triggered', 'depends_on')),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chk_call_graph_edges_forward CHECK (source_id COLLATE "C" < target_id COLLATE "C")
);
CREATE INDEX idx_call_graph_edges_source_id ON nave.call_graph_edges (source_id);
CREATE INDEX idx_call_graph_edges_target_id ON nave.call_graph_edges (target_id);
CREATE INDEX idx_call_graph_edges_source_id_type ON nave.call_graph_edges (source_id, edge_type);
CREATE UNIQUE INDEX unq_call_graph_edges_source_target_type
    ON nave.call_graph_edges (source_id, target_id, edge_type);
-- A call has one parent at most.
CREATE UNIQUE INDEX unq_call_graph_edges_parent ON nave.call_graph_edges (target_id) WHERE edge_type = 'triggered';

-- Calls outlive their operation: they are reassigned to the sentinel, which itself stays, and keep the name.
CREATE FUNCTION nave.keep_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.id = '__removed__' THEN
        RAISE EXCEPTION 'the operation __removed__ holds the calls of removed ones'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'trg_operations_keep_calls';
    END IF;
    UPDATE nave.call_graph_nodes
       SET operation_id = '__removed__', metadata = metadata || jsonb_build_object('operation', OLD.id)
     WHERE operation_id = OLD.id;
    RETURN OLD;
END
$$;
CREATE TRIGGER trg_operations_keep_calls BEFORE DELETE ON nave.operations
    FOR EACH ROW EXECUTE FUNCTION nave.keep_calls();
