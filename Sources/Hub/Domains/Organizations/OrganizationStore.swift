public import Postgres
public import Protocol

/// What the hub remembers about organisations.
struct OrganizationStore: Sendable {
    let database: Database

    /// The organisation by id or slug, with the level that the account has in it.
    func find(_ idOrSlug: String, for account: AccountID) async throws(Fault) -> OrganizationRecord? {
        try await database.first(SQL.find, [idOrSlug, account])
    }

    /// The same, if the account may see it: as a member, or because it looks after all of them.
    ///
    /// - Throws: `NOT_FOUND`, in the same words whether it is not there or not to be seen.
    func require(_ idOrSlug: String, for caller: Caller) async throws(Fault) -> OrganizationRecord {
        let found = try await find(idOrSlug, for: caller.accountId)
        if let found, found.membershipLevel != nil || caller.overseesOrganizations { return found }
        throw Self.unknown(idOrSlug)
    }

    /// Organisations by slug, behind the last of the page before: the account's own, or all.
    func list(
        for account: AccountID,
        all: Bool,
        after slug: String?,
        limit: Int
    ) async throws(Fault) -> [OrganizationRecord] {
        try await database.query(SQL.list, [account, all, slug, limit])
    }

    /// Stores an organisation with its owner as first member, both or none.
    ///
    /// - Throws: `CONFLICT` when the name or the slug is taken.
    func create(_ request: CreateOrganization, slug: String, owner: AccountID) async throws(Fault) -> OrganizationRecord
    {
        try await inCallersWords(name: request.name, slug: slug) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> OrganizationRecord in
                let id = OrganizationID.random()
                try await transaction.execute(SQL.create, [id, request.name, slug, owner, request.giteaOrgName])
                try await transaction.execute(MemberStore.SQL.add, [Ids.random(), id, owner, MembershipLevel.owner])
                return try Self.stored(try await transaction.first(SQL.find, [id.rawValue, owner]))
            }
        }
    }

    /// The organisation as changed; what is `nil` stays as it is.
    func update(
        _ id: OrganizationID,
        _ request: UpdateOrganization,
        for account: AccountID
    ) async throws(Fault) -> OrganizationRecord {
        try await inCallersWords(name: request.name, slug: request.slug) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> OrganizationRecord in
                try await transaction.execute(SQL.update, [id, request.name, request.slug, request.giteaOrgName])
                return try Self.stored(try await transaction.first(SQL.find, [id.rawValue, account]))
            }
        }
    }

    /// Removes the organisation unless projects or clients are in it, or with `detaching` whatever is; `false` if
    /// something is.
    func delete(_ id: OrganizationID, detaching: Bool) async throws(Fault) -> Bool {
        try await database.execute(SQL.delete, [id, detaching]) == 1
    }

    /// What is in the organisation: the names of some projects and clients, for whoever wants to remove it.
    func contents(of id: OrganizationID) async throws(Fault) -> OrganizationContents? {
        try await database.first(SQL.contents, [id])
    }

    /// Hands the organisation on: the new owner becomes a member with level owner, the former one stays as admin.
    ///
    /// - Throws: `CONFLICT` if somebody else handed it on meanwhile.
    func transfer(
        _ organization: OrganizationRecord,
        to account: AccountID,
        for caller: AccountID
    ) async throws(Fault) -> OrganizationRecord {
        let id = organization.id
        return try await database.transaction { transaction async throws(Fault) -> OrganizationRecord in
            let former = organization.ownerId
            guard try await transaction.first(SQL.lock, [id]) == former.rawValue else {
                throw Fault(.conflict, "The organisation was handed on meanwhile; look at it again.")
            }
            try await transaction.execute(MemberStore.SQL.put, [Ids.random(), id, account, MembershipLevel.owner])
            try await transaction.execute(SQL.own, [id, account])
            try await transaction.execute(MemberStore.SQL.set, [id, former, MembershipLevel.admin])
            return try Self.stored(try await transaction.first(SQL.find, [id.rawValue, caller]))
        }
    }

    static func unknown(_ idOrSlug: String) -> Fault {
        Fault(.notFound, "There is no organisation “\(idOrSlug.prefix(100))”; list yours with org.list.")
    }

    private static func stored(_ record: OrganizationRecord?) throws(Fault) -> OrganizationRecord {
        guard let record else { throw Fault(.notFound, "The organisation was removed meanwhile; list yours.") }
        return record
    }

    private func inCallersWords<Answer: Sendable>(
        name: String?,
        slug: String?,
        _ body: () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        do {
            return try await body()
        } catch {
            let (field, value): (String, String?) =
                switch error.details?["constraint"]?.stringValue {
                case "unq_organizations_name": ("name", name)
                case "unq_organizations_slug": ("slug", slug)
                default: throw error
                }
            throw Fault(
                .conflict,
                "There is an organisation with the \(field) “\(value ?? "")” already; choose another.",
                details: ["field": .string(field)]
            )
        }
    }

    enum SQL {
        static let find = Statement<OrganizationRecord>(
            """
            SELECT o.id, o.name, o.slug, o.owner_id, o.gitea_org_name, o.created_at, o.updated_at,
                   (SELECT m.membership_level FROM nave.organization_members m
                     WHERE m.org_id = o.id AND m.account_id = $2) AS membership_level,
                   (SELECT count(*) FROM nave.organization_members m WHERE m.org_id = o.id) AS members,
                   (SELECT count(*) FROM nave.projects p WHERE p.org_id = o.id) AS projects
              FROM nave.organizations o
             WHERE o.id = $1 OR o.slug = $1
             ORDER BY o.id = $1 DESC LIMIT 1
            """
        )

        static let list = Statement<OrganizationRecord>(
            """
            SELECT o.id, o.name, o.slug, o.owner_id, o.gitea_org_name, o.created_at, o.updated_at,
                   own.membership_level,
                   (SELECT count(*) FROM nave.organization_members m WHERE m.org_id = o.id) AS members,
                   (SELECT count(*) FROM nave.projects p WHERE p.org_id = o.id) AS projects
              FROM nave.organizations o
              LEFT JOIN nave.organization_members own ON own.org_id = o.id AND own.account_id = $1
             WHERE ($2 OR own.id IS NOT NULL) AND ($3::text IS NULL OR o.slug > $3)
             ORDER BY o.slug
             LIMIT $4
            """
        )

        static let create = Statement<Void>(
            """
            INSERT INTO nave.organizations (id, name, slug, owner_id, gitea_org_name) VALUES ($1, $2, $3, $4, $5)
            """
        )

        static let update = Statement<Void>(
            """
            UPDATE nave.organizations
               SET name = coalesce($2, name), slug = coalesce($3, slug),
                   gitea_org_name = coalesce($4, gitea_org_name)
             WHERE id = $1
            """
        )

        /// What belongs to an organisation that goes would be open to everyone: nobody shall do that by the way.
        static let delete = Statement<Void>(
            """
            DELETE FROM nave.organizations o
             WHERE o.id = $1
               AND ($2 OR NOT (EXISTS (SELECT FROM nave.projects p WHERE p.org_id = o.id)
                               OR EXISTS (SELECT FROM nave.clients c WHERE c.org_id = o.id)))
            """
        )

        static let contents = Statement<OrganizationContents>(
            """
            SELECT ARRAY(SELECT name FROM nave.projects WHERE org_id = $1 ORDER BY name, id LIMIT 20) AS projects,
                   ARRAY(SELECT name FROM nave.clients WHERE org_id = $1 ORDER BY name LIMIT 20) AS clients
            """
        )

        /// Changes of one organisation's members happen one after the other.
        static let lock = Statement<String>("SELECT owner_id FROM nave.organizations WHERE id = $1 FOR UPDATE")

        static let own = Statement<Void>("UPDATE nave.organizations SET owner_id = $2 WHERE id = $1")
    }
}

/// What stands in the way of removing an organisation.
struct OrganizationContents: RowDecodable {
    let projects: [String]
    let clients: [String]

    init(_ row: Row) throws(Fault) {
        projects = try row["projects"]
        clients = try row["clients"]
    }
}

extension OrganizationRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            name: try row["name"],
            slug: try row["slug"],
            ownerId: try row["owner_id"],
            giteaOrgName: try row["gitea_org_name"],
            membershipLevel: try row["membership_level"],
            members: try row["members"],
            projects: try row["projects"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}
