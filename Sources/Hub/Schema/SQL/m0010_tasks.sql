-- What is to be done, and what has to be done before it.

CREATE TABLE nave.tasks (
    id text NOT NULL CONSTRAINT pk_tasks PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    project_id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    path text,
    body text,
    status text NOT NULL DEFAULT 'pending',
    -- Estimates that were not made stay null; computing fills in what coordination.md says.
    scope text,
    risk text,
    impact text,
    level text,
    priority text,
    tags text[] NOT NULL DEFAULT '{}',
    assignee text,
    due_at timestamptz,
    -- Why somebody left the task in order without having done it: {reason, at, by, …}; empty otherwise.
    safe_exit jsonb NOT NULL DEFAULT '{}',
    -- What initiatives bring besides; phase_id and initiative_id come with the tables that they refer to.
    parent_task_id text,
    type text NOT NULL DEFAULT 'auto',
    category text,
    sort_order integer NOT NULL DEFAULT 0,
    summary text,
    retry_count integer NOT NULL DEFAULT 0,
    queued_at timestamptz,
    -- The mapping that brought the task to its state; null where a person, or an agent by itself, did.
    mapping_id text,
    CONSTRAINT fk_tasks_project_id FOREIGN KEY (project_id) REFERENCES nave.projects (id) ON DELETE CASCADE,
    CONSTRAINT fk_tasks_parent_task_id FOREIGN KEY (parent_task_id) REFERENCES nave.tasks (id) ON DELETE CASCADE,
    CONSTRAINT fk_tasks_mapping_id FOREIGN KEY (mapping_id) REFERENCES nave.mappings (id) ON DELETE SET NULL,
    CONSTRAINT chk_tasks_status CHECK (status IN ('pending', 'in-progress', 'completed', 'failed', 'blocked')),
    CONSTRAINT chk_tasks_scope CHECK (scope IN ('single', 'narrow', 'moderate', 'broad', 'system')),
    CONSTRAINT chk_tasks_risk CHECK (risk IN ('trivial', 'low', 'medium', 'high', 'critical')),
    CONSTRAINT chk_tasks_impact CHECK (impact IN ('isolated', 'component', 'phase', 'project')),
    CONSTRAINT chk_tasks_level CHECK (
        level IN ('planning', 'decomposition', 'implementation', 'review', 'research')),
    CONSTRAINT chk_tasks_priority CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT chk_tasks_type CHECK (type IN ('auto')),
    CONSTRAINT chk_tasks_category CHECK (
        category IN ('execute', 'research', 'discuss', 'plan', 'detail', 'refine', 'verify', 'merge', 'review')),
    CONSTRAINT chk_tasks_parent CHECK (parent_task_id <> id),
    CONSTRAINT chk_tasks_retry_count CHECK (retry_count >= 0),
    CONSTRAINT chk_tasks_safe_exit CHECK (jsonb_typeof(safe_exit) = 'object'),
    -- A slug is typed on command lines and becomes a file's and a branch's name.
    CONSTRAINT chk_tasks_slug CHECK (slug NOT LIKE '-%' AND slug <> '')
);

CREATE UNIQUE INDEX unq_tasks_project_slug ON nave.tasks (project_id, slug);
CREATE INDEX idx_tasks_project_id ON nave.tasks (project_id);
CREATE INDEX idx_tasks_project_status ON nave.tasks (project_id, status);
CREATE INDEX idx_tasks_status ON nave.tasks (status);
CREATE INDEX idx_tasks_active ON nave.tasks (status) WHERE status IN ('pending', 'in-progress', 'blocked');
CREATE INDEX idx_tasks_path ON nave.tasks (path text_pattern_ops);
CREATE INDEX idx_tasks_priority ON nave.tasks (priority);
CREATE INDEX idx_tasks_assignee ON nave.tasks (assignee);
CREATE INDEX idx_tasks_due_at ON nave.tasks (due_at);
CREATE INDEX idx_tasks_tags ON nave.tasks USING gin (tags);
CREATE INDEX idx_tasks_parent_task_id ON nave.tasks (parent_task_id);
CREATE INDEX idx_tasks_mapping_id ON nave.tasks (mapping_id);
CREATE INDEX idx_tasks_created_at ON nave.tasks (created_at, id);
-- In the order in which tasks are claimed.
CREATE INDEX idx_tasks_claim ON nave.tasks (
    project_id, (CASE priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END), created_at, slug)
    WHERE status = 'pending' AND safe_exit = '{}';

CREATE TRIGGER trg_tasks_touch BEFORE UPDATE ON nave.tasks
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

CREATE TRIGGER trg_tasks_stay_over BEFORE UPDATE OF status ON nave.tasks
    FOR EACH ROW WHEN (OLD.status = 'completed' AND NEW.status <> 'completed') EXECUTE FUNCTION nave.stay_over();

CREATE TABLE nave.task_dependencies (
    id text NOT NULL CONSTRAINT pk_task_dependencies PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    depends_on_task_id text NOT NULL,
    dependent_task_id text NOT NULL,
    quality_retention double precision,
    CONSTRAINT fk_task_dependencies_depends_on_task_id
        FOREIGN KEY (depends_on_task_id) REFERENCES nave.tasks (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_dependencies_dependent_task_id
        FOREIGN KEY (dependent_task_id) REFERENCES nave.tasks (id) ON DELETE CASCADE,
    CONSTRAINT chk_task_dependencies_itself CHECK (depends_on_task_id <> dependent_task_id),
    CONSTRAINT chk_task_dependencies_quality_retention CHECK (quality_retention BETWEEN 0 AND 1)
);

CREATE UNIQUE INDEX unq_task_dependencies_depends_on_task
    ON nave.task_dependencies (depends_on_task_id, dependent_task_id);
CREATE INDEX idx_task_dependencies_depends_on_task_id ON nave.task_dependencies (depends_on_task_id);
CREATE INDEX idx_task_dependencies_dependent_task_id ON nave.task_dependencies (dependent_task_id);

CREATE TRIGGER trg_task_dependencies_touch BEFORE UPDATE ON nave.task_dependencies
    FOR EACH ROW EXECUTE FUNCTION nave.touch();

-- Both ends in one project. The application says this better; the database says it to everyone.
CREATE FUNCTION nave.task_dependencies_stay_in_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM nave.tasks a, nave.tasks b
                WHERE a.id = NEW.depends_on_task_id AND b.id = NEW.dependent_task_id
                  AND a.project_id <> b.project_id) THEN
        RAISE EXCEPTION 'tasks of different projects cannot depend on each other'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'trg_task_dependencies_stay_in_project';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER trg_task_dependencies_stay_in_project
    BEFORE INSERT OR UPDATE OF depends_on_task_id, dependent_task_id ON nave.task_dependencies
    FOR EACH ROW EXECUTE FUNCTION nave.task_dependencies_stay_in_project();

-- Left out where mappings were made, because tasks were not there yet. What they name until here is nothing.
UPDATE nave.mappings SET task_id = NULL WHERE task_id IS NOT NULL;
ALTER TABLE nave.mappings
    ADD CONSTRAINT fk_mappings_task_id FOREIGN KEY (task_id) REFERENCES nave.tasks (id) ON DELETE SET NULL;
