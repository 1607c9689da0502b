-- What work is done on: a git repository by URL (or absolute path, which git takes as well), or a plain directory.
CREATE TABLE nave.projects (
    id text NOT NULL CONSTRAINT pk_projects PRIMARY KEY,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    org_id text CONSTRAINT fk_projects_org_id REFERENCES nave.organizations (id) ON DELETE SET NULL,
    name text NOT NULL,
    directory text,
    repo_url text,
    vcs text NOT NULL DEFAULT 'git' CONSTRAINT chk_projects_vcs CHECK (vcs IN ('git')),
    default_branch text NOT NULL DEFAULT 'main',
    last_fetched_at timestamptz,
    icon_url text,
    icon_color text,
    verification jsonb NOT NULL DEFAULT '[]',
    settings jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT chk_projects_settings CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT chk_projects_place CHECK (repo_url IS NOT NULL OR directory IS NOT NULL),
    -- The application says this better; the database says it to everyone.
    CONSTRAINT chk_projects_options CHECK (
        name NOT LIKE '-%' AND coalesce(repo_url, '') NOT LIKE '-%'
        AND coalesce(directory, '') NOT LIKE '-%' AND default_branch NOT LIKE '-%')
);
CREATE UNIQUE INDEX unq_projects_name ON nave.projects (name) WHERE repo_url IS NOT NULL;
CREATE UNIQUE INDEX unq_projects_repo_url ON nave.projects (repo_url) WHERE repo_url IS NOT NULL;
CREATE INDEX idx_projects_org_id ON nave.projects (org_id);
CREATE INDEX idx_projects_name_id ON nave.projects (name, id);
CREATE TRIGGER trg_projects_touch BEFORE UPDATE ON nave.projects
    FOR EACH ROW EXECUTE FUNCTION nave.touch();
