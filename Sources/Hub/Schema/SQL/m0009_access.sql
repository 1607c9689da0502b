-- Who may how much: rates of single keys, and the ways in which keys and the audit trail are listed.

-- A key's own rate in place of the one that all share (settings rate.callsPerSecond and rate.callsBurst).
ALTER TABLE nave.api_keys
    ADD COLUMN calls_per_second double precision,
    ADD COLUMN calls_burst integer,
    ADD CONSTRAINT chk_api_keys_rate CHECK (
        (calls_per_second IS NULL) = (calls_burst IS NULL)
        AND coalesce(calls_per_second > 0 AND calls_per_second < 'Infinity', true)
        AND coalesce(calls_burst > 0, true));

-- Pages of the trail go by time and id; one's own, an organisation's, and one request's are looked up.
CREATE INDEX idx_audit_logs_created_at_id ON nave.audit_logs (created_at, id);
CREATE INDEX idx_audit_logs_owner_created ON nave.audit_logs (owner_id, created_at, id);
CREATE INDEX idx_audit_logs_request_id ON nave.audit_logs (request_id);

-- Keys are listed by time, too.
CREATE INDEX idx_api_keys_created_at ON nave.api_keys (created_at, id);

-- Texts that end on screens and command lines: the application says this better, the database says it to everyone.
ALTER TABLE nave.organizations
    ADD CONSTRAINT chk_organizations_slug CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' AND length(slug) <= 64);
