import Postgres
import Protocol

/// Where branches are that sessions worked on.
struct LandingStore: Sendable {
    let database: Database

    /// A worktree, or what is left of one, from whose branch something can be landed.
    struct LandingPlace: RowDecodable {
        var workspace: WorkspaceID
        var branch: String?
        var defaultBranch: String
        /// The session that worked there last.
        var session: SessionID?
        /// A session that works there now.
        var busy: SessionID?
        var spoke: SpokeID?
        var spokeName: String?
        var isConnected: Bool

        init(_ row: Row) throws(Fault) {
            workspace = try row["workspace_id"]
            branch = try row["branch"]
            defaultBranch = try row["default_branch"]
            session = try row["session_id"]
            busy = try row["busy"]
            spoke = try row["spoke_id"]
            spokeName = try row["spoke_name"]
            isConnected = try row["is_connected"]
        }
    }

    /// Where a session worked; `nil` if it has no worktree any more that the hub knows of.
    func place(of session: SessionID) async throws(Fault) -> LandingPlace? {
        try await database.first(SQL.ofSession, [session])
    }

    /// The worktree that a branch of a project was last worked on in.
    func place(of branch: String, in project: ProjectID) async throws(Fault) -> LandingPlace? {
        try await database.first(SQL.ofBranch, [project, branch])
    }

    enum SQL {
        static let ofSession = Statement<LandingPlace>(
            """
            SELECT s.id AS session_id, w.id AS workspace_id, w.branch, p.default_branch, w.spoke_id,
                   k.name AS spoke_name, coalesce(k.status = 'connected', false) AS is_connected,
                   (SELECT m.session_id FROM nave.mappings m
                     WHERE m.workspace_id = w.id AND m.status = 'active' LIMIT 1) AS busy
              FROM nave.sessions s
              JOIN nave.workspaces w ON w.id = s.workspace_id
              JOIN nave.projects p ON p.id = w.project_id
              LEFT JOIN nave.spokes k ON k.id = w.spoke_id
             WHERE s.id = $1
            """
        )

        /// What is still there as a worktree comes before what is only a branch.
        static let ofBranch = Statement<LandingPlace>(
            """
            SELECT (SELECT s.id FROM nave.sessions s
                     WHERE s.workspace_id = w.id ORDER BY s.created_at DESC LIMIT 1) AS session_id,
                   w.id AS workspace_id, w.branch, p.default_branch, w.spoke_id, k.name AS spoke_name,
                   coalesce(k.status = 'connected', false) AS is_connected,
                   (SELECT m.session_id FROM nave.mappings m
                     WHERE m.workspace_id = w.id AND m.status = 'active' LIMIT 1) AS busy
              FROM nave.workspaces w
              JOIN nave.projects p ON p.id = w.project_id
              LEFT JOIN nave.spokes k ON k.id = w.spoke_id
             WHERE w.project_id = $1 AND w.branch = $2
             ORDER BY w.state = 'removed', w.created_at DESC LIMIT 1
            """
        )
    }
}
