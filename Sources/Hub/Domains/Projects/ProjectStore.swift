import HubCore
public import Postgres
public import Protocol

/// What the hub remembers about projects.
public struct ProjectStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// Stores a project.
    ///
    /// - Parameter account: Is told of the project that has the repository if it may see that one; `nil` of any.
    /// - Throws: `CONFLICT` when the name or the repository is taken.
    func create(
        _ request: CreateProject,
        in organization: OrganizationID?,
        seenBy account: AccountID?
    ) async throws(Fault) -> ProjectRecord {
        let stored = try await inCallersWords(request.name) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> ProjectRecord? in
                try await take(request.repoUrl, in: transaction, seenBy: account)
                return try await transaction.first(
                    SQL.create,
                    [
                        Ids.random(), request.name, request.repoUrl, request.directory, request.defaultBranch,
                        request.verification, request.settings, request.metadata, request.iconUrl, request.iconColor,
                        organization,
                    ]
                )
            }
        }
        guard let stored else { throw Fault(.execution, "The project was not stored; ask again.") }
        return stored
    }

    /// The project by id or name.
    ///
    /// - Parameter account: Is told only of what is open to it when it misses; `nil` of everything. Whether it may see
    ///   the project itself is settled before (``Reach``).
    /// - Throws: `NOT_FOUND` that names what comes close, `CONFLICT` when several plain directories share the name.
    public func find(_ idOrName: String, seenBy account: AccountID? = nil) async throws(Fault) -> ProjectRecord {
        let found = try await database.query(SQL.find, [idOrName])
        if let byId = found.first(where: { $0.id.rawValue == idOrName }) { return byId }
        guard found.count < 2 else {
            let ids = found.map(\.id.rawValue).joined(separator: ", ")
            throw Fault(.conflict, "Several projects are called “\(idOrName)”; say which by its id: \(ids).")
        }
        guard let project = found.first else { throw try await unknown(idOrName, account) }
        return project
    }

    /// Projects by name, behind the last of the page before.
    ///
    /// - Parameters:
    ///   - organization: Only those of this one.
    ///   - account: Sees what is open to it; `nil` sees everything.
    func list(
        of organization: OrganizationID?,
        seenBy account: AccountID?,
        after cursor: [String]?,
        limit: Int
    ) async throws(Fault) -> [ProjectRecord] {
        try await database.query(SQL.list, [cursor?[0], cursor?[1], limit, organization, account])
    }

    /// The project as changed; what is `nil` stays as it is.
    ///
    /// - Parameters:
    ///   - moves: Whether it goes to another organisation, or to none.
    ///   - organization: The one it goes to.
    ///   - account: As in ``create(_:in:seenBy:)``.
    func update(
        _ id: ProjectID,
        _ request: UpdateProject,
        moves: Bool,
        to organization: OrganizationID?,
        seenBy account: AccountID?
    ) async throws(Fault) -> ProjectRecord? {
        try await inCallersWords(request.name) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> ProjectRecord? in
                try await take(request.repoUrl, for: id, in: transaction, seenBy: account)
                return try await transaction.first(
                    SQL.update,
                    [
                        id, request.name, request.repoUrl, request.directory, request.defaultBranch,
                        request.verification, request.settings, request.metadata, request.iconUrl, request.iconColor,
                        moves, organization,
                    ]
                )
            }
        }
    }

    /// Lets a project have a repository that no other has, however its address is written; nobody takes another one
    /// until the transaction ends.
    ///
    /// All addresses are read: projects are added rarely, and ten thousand of them have a megabyte of addresses.
    private func take(
        _ repository: String?,
        for project: ProjectID? = nil,
        in transaction: Transaction,
        seenBy account: AccountID?
    ) async throws(Fault) {
        guard let repository else { return }
        try await transaction.execute(SQL.lockRepositories)
        let place = RepositoryPlace(of: repository)
        let others = try await transaction.query(SQL.repositories, [project, account])
        let holders = others.filter { RepositoryPlace(of: $0.repository) == place }
        guard !holders.isEmpty else { return }
        // Whoever may not see the project must not learn its name, nor whose it is.
        throw Fault(
            .conflict,
            holders.first(where: \.isSeen).map { "The project “\($0.name)” has this repository; use that one." }
                ?? "A project that you cannot see has this repository; ask an administrator to let you in.",
            details: ["field": "repoUrl"]
        )
    }

    /// How many sessions that are not over, and how many worktrees, a project has.
    func use(of id: ProjectID) async throws(Fault) -> ProjectUse {
        try await database.first(SQL.use, [id]) ?? ProjectUse(sessions: 0, workspaces: 0, salvages: [])
    }

    /// The project that was removed; `nil` if it was gone already, or is in use.
    func delete(_ id: ProjectID, discardingSalvaged: Bool) async throws(Fault) -> ProjectRecord? {
        try await database.first(SQL.delete, [id, discardingSalvaged])
    }

    private func unknown(_ name: String, _ account: AccountID?) async throws(Fault) -> Fault {
        let near = try await database.query(SQL.near, [name, account])
        let hint = near.isEmpty ? "add it with hub project add" : "did you mean \(near.joined(separator: ", "))?"
        return Fault(
            .notFound,
            "There is no project “\(name)”; \(hint)\(near.isEmpty ? "." : "")",
            details: .object(["near": .array(near.map(JSONValue.string))])
        )
    }

    private func inCallersWords<Answer: Sendable>(
        _ name: String?,
        _ body: () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        do {
            return try await body()
        } catch  where error.details?["constraint"]?.stringValue == "unq_projects_name" {
            throw Fault(
                .conflict,
                "There is a project called “\(name ?? "")” already; choose another name.",
                details: ["field": "name"]
            )
        }
    }
}

/// A repository that a project has.
struct HeldRepository: RowDecodable {
    let name: String
    let repository: String
    /// Whether the asker may see the project.
    let isSeen: Bool

    init(_ row: Row) throws(Fault) {
        name = try row["name"]
        repository = try row["repo_url"]
        isSeen = try row["is_seen"]
    }
}

extension ProjectRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            orgId: try row["org_id"],
            name: try row["name"],
            directory: try row["directory"],
            repoUrl: try row["repo_url"],
            vcs: try row["vcs"],
            defaultBranch: try row["default_branch"],
            lastFetchedAt: try row["last_fetched_at"],
            iconUrl: try row["icon_url"],
            iconColor: try row["icon_color"],
            verification: try row["verification"],
            settings: try row["settings"],
            metadata: try row["metadata"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

extension ProjectStore {
    enum SQL {
        static let create = Statement<ProjectRecord>(
            """
            INSERT INTO nave.projects
                (id, name, repo_url, directory, default_branch, verification, settings, metadata, icon_url, icon_color,
                org_id)
            VALUES ($1, $2, $3, $4, coalesce($5, 'main'), coalesce($6::jsonb, '[]'), coalesce($7::jsonb, '{}'),
                coalesce($8::jsonb, '{}'), $9, $10, $11)
            RETURNING id, org_id, name, directory, repo_url, vcs, default_branch, last_fetched_at, icon_url, icon_color,
                verification, settings, metadata, created_at, updated_at
            """
        )

        static let lockRepositories = Statement<String>(
            "SELECT pg_advisory_xact_lock(hashtextextended('nave.repositories', 7420))::text"
        )

        /// All that others have; which of them are the same repository, no index tells.
        static let repositories = Statement<HeldRepository>(
            """
            SELECT name, repo_url,
                   $2::text IS NULL OR org_id IS NULL OR org_id IN (
                    SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $2) AS is_seen
              FROM nave.projects WHERE repo_url IS NOT NULL AND id IS DISTINCT FROM $1::text
             ORDER BY id
            """
        )

        /// An id is looked for first by the caller; two directories may share a name, so that all are needed to tell.
        static let find = Statement<ProjectRecord>(
            """
            SELECT id, org_id, name, directory, repo_url, vcs, default_branch, last_fetched_at, icon_url, icon_color,
                verification, settings, metadata, created_at, updated_at
              FROM nave.projects
             WHERE id = $1 OR name = $1
             ORDER BY id
             LIMIT 20
            """
        )

        static let list = Statement<ProjectRecord>(
            """
            SELECT id, org_id, name, directory, repo_url, vcs, default_branch, last_fetched_at, icon_url, icon_color,
                verification, settings, metadata, created_at, updated_at
              FROM nave.projects
             WHERE ($1::text IS NULL OR (name, id) > ($1, $2)) AND ($4::text IS NULL OR org_id = $4)
               AND ($5::text IS NULL OR org_id IS NULL OR org_id IN (
                    SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $5))
             ORDER BY name, id
             LIMIT $3
            """
        )

        static let update = Statement<ProjectRecord>(
            """
            UPDATE nave.projects
               SET name = coalesce($2, name), repo_url = coalesce($3, repo_url),
                   directory = coalesce($4, directory), default_branch = coalesce($5, default_branch),
                   verification = coalesce($6::jsonb, verification), settings = coalesce($7::jsonb, settings),
                   metadata = coalesce($8::jsonb, metadata), icon_url = coalesce($9, icon_url),
                   icon_color = coalesce($10, icon_color), org_id = CASE WHEN $11 THEN $12 ELSE org_id END
             WHERE id = $1
            RETURNING id, org_id, name, directory, repo_url, vcs, default_branch, last_fetched_at, icon_url, icon_color,
                verification, settings, metadata, created_at, updated_at
            """
        )

        static let use = Statement<ProjectUse>(
            """
            SELECT (SELECT count(*) FROM nave.mappings m JOIN nave.sessions s ON s.id = m.session_id
                     WHERE s.project_id = $1 AND m.status = 'active') AS sessions,
                   (SELECT count(*) FROM nave.workspaces w
                     WHERE w.project_id = $1 AND w.state NOT IN ('removed', 'lost')) AS workspaces,
                   ARRAY(SELECT v.id FROM nave.salvages v
                          WHERE v.project_id = $1 AND v.restored_at IS NULL AND v.expires_at > now()
                          ORDER BY v.created_at LIMIT 20) AS salvages
            """
        )

        /// What is in use stays: a worktree whose project is gone could not be saved from anywhere.
        static let delete = Statement<ProjectRecord>(
            """
            DELETE FROM nave.projects p
             WHERE id = $1
               AND NOT EXISTS (SELECT FROM nave.workspaces w
                                WHERE w.project_id = p.id AND w.state NOT IN ('removed', 'lost'))
               AND NOT EXISTS (SELECT FROM nave.mappings m JOIN nave.sessions s ON s.id = m.session_id
                                WHERE s.project_id = p.id AND m.status = 'active')
               AND ($2 OR NOT EXISTS (SELECT FROM nave.salvages v
                                       WHERE v.project_id = p.id AND v.restored_at IS NULL AND v.expires_at > now()))
            RETURNING id, org_id, name, directory, repo_url, vcs, default_branch, last_fetched_at, icon_url, icon_color,
                verification, settings, metadata, created_at, updated_at
            """
        )

        /// Names that differ in case, contain the text or are contained in it. Only asked after a miss.
        static let near = Statement<String>(
            """
            SELECT name FROM nave.projects
             WHERE (strpos(lower(name), lower($1)) > 0 OR strpos(lower($1), lower(name)) > 0
                    OR left(lower(name), 3) = left(lower($1), 3))
               AND ($2::text IS NULL OR org_id IS NULL OR org_id IN (
                    SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $2))
             ORDER BY abs(length(name) - length($1)), name
             LIMIT 5
            """
        )
    }
}
