-- What the hub's heuristics found in sessions, and what became of it.

CREATE TABLE nave.detections (
    id text NOT NULL CONSTRAINT pk_detections PRIMARY KEY,
    -- {note}: what was said when it was resolved.
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    session_id text NOT NULL,
    -- No CHECK: hubs of several versions share the table, and a newer one may know further types.
    anomaly_type text NOT NULL,
    severity text NOT NULL,
    -- {message, context, mark, …}: the sentence, which thing of the session, and how far the evidence went.
    details jsonb,
    resolved_at timestamptz,
    resolved_by text,
    resolution text,
    dedup_key text,
    occurrence_count integer NOT NULL DEFAULT 1,
    -- Each signal with what it said, those that were missing, too; and how much they weigh together.
    evidence jsonb,
    confidence real,
    CONSTRAINT fk_detections_session_id FOREIGN KEY (session_id) REFERENCES nave.sessions (id) ON DELETE CASCADE,
    CONSTRAINT fk_detections_resolved_by FOREIGN KEY (resolved_by) REFERENCES nave.accounts (id) ON DELETE SET NULL,
    CONSTRAINT chk_detections_severity CHECK (severity IN ('high', 'medium', 'low')),
    CONSTRAINT chk_detections_resolution CHECK (
        resolution IN ('acknowledged', 'dismissed', 'escalated', 'fixed')
    ),
    -- What is resolved says how; what is open says nobody.
    CONSTRAINT chk_detections_resolved CHECK (
        (resolved_at IS NULL) = (resolution IS NULL) AND (resolved_at IS NOT NULL OR resolved_by IS NULL)
    ),
    CONSTRAINT chk_detections_occurrence_count CHECK (occurrence_count > 0),
    CONSTRAINT chk_detections_confidence CHECK (confidence BETWEEN 0 AND 1)
);

CREATE INDEX idx_detections_session_id ON nave.detections (session_id);
CREATE INDEX idx_detections_anomaly_type ON nave.detections (anomaly_type);
-- The same in the order of lists; the plan has both names.
CREATE INDEX idx_detections_type ON nave.detections (anomaly_type, created_at, id);
CREATE INDEX idx_detections_resolved_at ON nave.detections (resolved_at);
CREATE INDEX idx_detections_dedup_key ON nave.detections (dedup_key);
CREATE INDEX idx_detections_resolved_by ON nave.detections (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE INDEX idx_detections_created_at ON nave.detections (created_at, id);
-- Of what is open, each key once: finding it again is an upsert that counts up.
CREATE UNIQUE INDEX unq_detections_dedup_key ON nave.detections (dedup_key) WHERE resolved_at IS NULL;
-- What is open of a session: beside its state, and for those that look whether it still holds.
CREATE INDEX idx_detections_open ON nave.detections (session_id) WHERE resolved_at IS NULL;

CREATE TRIGGER trg_detections_touch BEFORE UPDATE ON nave.detections
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- Agents that ended a moment ago: their last words are read after their end.
CREATE INDEX idx_sessions_ended_agents ON nave.sessions (last_activity_at)
    WHERE ended_at IS NOT NULL AND transcript IS NOT NULL;
-- When a session was last talked to.
CREATE INDEX idx_messages_delivered ON nave.messages (session_id, updated_at) WHERE delivery IS NOT NULL;
