-- The second lock on what belongs to organisations. The hub's gate and the filters of its lists are the first; what is read
-- for a caller who is bound by memberships is read as the role nave_caller, with the setting nave.account_id, and these
-- policies let through what that account may see. The hub itself owns the tables, so no policy binds its own work.

-- Makes the role, which belongs to the server and not to this database, and lets it read what there is. Asked again by
-- every hub: tables may have been added, and a dump brings no roles along. False if the hub's user may not make it.
CREATE FUNCTION nave.admit_callers() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('nave.admit_callers', 0));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nave_caller') THEN
        BEGIN
            CREATE ROLE nave_caller NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- Another database of the server was quicker.
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'nave_caller', 'USAGE') THEN
        EXECUTE format('GRANT nave_caller TO %I', current_user);
    END IF;
    IF EXISTS (SELECT FROM pg_class
                WHERE relnamespace = 'nave'::regnamespace AND relkind IN ('r', 'p', 'v')
                  AND NOT has_table_privilege('nave_caller', oid, 'SELECT')) THEN
        GRANT USAGE ON SCHEMA nave TO nave_caller;
        GRANT SELECT ON ALL TABLES IN SCHEMA nave TO nave_caller;
    END IF;
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN false;
END $$;

CREATE FUNCTION nave.viewer() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('nave.account_id', true);

-- With its owner's eyes: a policy of organization_members that asks organization_members would ask itself.
CREATE FUNCTION nave.organizations_of_viewer() RETURNS SETOF text LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog
    AS $$ SELECT org_id FROM nave.organization_members WHERE account_id = nave.viewer() $$;

ALTER TABLE nave.organization_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_by_members ON nave.organization_members FOR SELECT
    USING (account_id = nave.viewer() OR org_id IN (SELECT nave.organizations_of_viewer()));

ALTER TABLE nave.organizations ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_by_members ON nave.organizations FOR SELECT
    USING (id IN (SELECT nave.organizations_of_viewer()));

ALTER TABLE nave.projects ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_by_members ON nave.projects FOR SELECT
    USING (org_id IS NULL OR EXISTS (
        SELECT FROM nave.organization_members m WHERE m.org_id = projects.org_id AND m.account_id = nave.viewer()));

ALTER TABLE nave.clients ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_by_members ON nave.clients FOR SELECT
    USING (org_id IS NULL OR EXISTS (
        SELECT FROM nave.organization_members m WHERE m.org_id = clients.org_id AND m.account_id = nave.viewer()));

ALTER TABLE nave.audit_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_by_members ON nave.audit_logs FOR SELECT
    USING (org_id IS NULL OR owner_id = nave.viewer() OR EXISTS (
        SELECT FROM nave.organization_members m WHERE m.org_id = audit_logs.org_id AND m.account_id = nave.viewer()));

-- What belongs to a project is seen by those who see the project, and so on down: each policy asks the table above it,
-- whose own policy then answers.
ALTER TABLE nave.workspaces ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_project ON nave.workspaces FOR SELECT
    USING (EXISTS (SELECT FROM nave.projects p WHERE p.id = workspaces.project_id));

ALTER TABLE nave.sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_project ON nave.sessions FOR SELECT
    USING (EXISTS (SELECT FROM nave.projects p WHERE p.id = sessions.project_id));

ALTER TABLE nave.tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_project ON nave.tasks FOR SELECT
    USING (EXISTS (SELECT FROM nave.projects p WHERE p.id = tasks.project_id));

ALTER TABLE nave.salvages ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_project ON nave.salvages FOR SELECT
    USING (EXISTS (SELECT FROM nave.projects p WHERE p.id = salvages.project_id));

ALTER TABLE nave.task_dependencies ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_task ON nave.task_dependencies FOR SELECT
    USING (EXISTS (SELECT FROM nave.tasks t WHERE t.id = task_dependencies.dependent_task_id));

ALTER TABLE nave.client_secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_client ON nave.client_secrets FOR SELECT
    USING (EXISTS (SELECT FROM nave.clients c WHERE c.id = client_secrets.client_id));

ALTER TABLE nave.mappings ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_session ON nave.mappings FOR SELECT
    USING (EXISTS (SELECT FROM nave.sessions s WHERE s.id = mappings.session_id));

ALTER TABLE nave.messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_session ON nave.messages FOR SELECT
    USING (EXISTS (SELECT FROM nave.sessions s WHERE s.id = messages.session_id));

ALTER TABLE nave.parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_session ON nave.parts FOR SELECT
    USING (EXISTS (SELECT FROM nave.sessions s WHERE s.id = parts.session_id));

ALTER TABLE nave.session_output ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_session ON nave.session_output FOR SELECT
    USING (EXISTS (SELECT FROM nave.sessions s WHERE s.id = session_output.session_id));

ALTER TABLE nave.detections ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen_with_session ON nave.detections FOR SELECT
    USING (EXISTS (SELECT FROM nave.sessions s WHERE s.id = detections.session_id));

SELECT nave.admit_callers();
