-- Spokes offer operations, and two versions of one may stand side by side.
--
-- A definition's id is `namespace.name`; a further version's is `namespace.name@version`. An offer follows its
-- provider: it is inactive while the spoke is away, and goes when the spoke or the hub is forgotten.

DROP INDEX nave.unq_operations_namespace_name;
CREATE UNIQUE INDEX unq_operations_namespace_name ON nave.operations (namespace, name, version);

-- One offer of a definition for each spoke, whether it stands or not.
CREATE UNIQUE INDEX unq_operation_registrations_spoke
    ON nave.operation_registrations (operation_id, provider_id) WHERE provider_type = 'spoke';

-- Offers are listed by time.
CREATE INDEX idx_operation_registrations_created_at ON nave.operation_registrations (created_at, id);

-- The set of operations that was taken in whole; none if some of it was refused, so that it is offered again.
ALTER TABLE nave.spokes ADD COLUMN operations_hash text;

CREATE FUNCTION nave.follow_spoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM nave.operation_registrations WHERE provider_type = 'spoke' AND provider_id = OLD.id;
        PERFORM pg_notify('nave_registrations', OLD.id);
        RETURN NULL;
    END IF;
    IF NEW.status <> 'connected' THEN
        UPDATE nave.operation_registrations SET status = 'inactive', deactivated_at = now()
         WHERE provider_type = 'spoke' AND provider_id = NEW.id AND status = 'active';
    END IF;
    PERFORM pg_notify('nave_registrations', NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER trg_spokes_registrations AFTER UPDATE OF status, hub_id, labels, draining ON nave.spokes
    FOR EACH ROW WHEN (
        (OLD.status, OLD.hub_id, OLD.labels, OLD.draining)
        IS DISTINCT FROM (NEW.status, NEW.hub_id, NEW.labels, NEW.draining)
    )
    EXECUTE FUNCTION nave.follow_spoke();

CREATE TRIGGER trg_spokes_forgotten AFTER DELETE ON nave.spokes
    FOR EACH ROW EXECUTE FUNCTION nave.follow_spoke();

-- A hub's id is drawn at each start, so its offers go with its row.
CREATE FUNCTION nave.forget_hub() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM nave.operation_registrations WHERE provider_type = 'hub' AND provider_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER trg_hubs_forgotten AFTER DELETE ON nave.hubs
    FOR EACH ROW EXECUTE FUNCTION nave.forget_hub();
