import HubCore
public import Postgres
public import Protocol

/// What the hub remembers about who is in which organisation.
struct MemberStore: Sendable {
    let database: Database

    /// Members by email, behind the last of the page before.
    func list(
        _ organization: OrganizationID,
        level: MembershipLevel?,
        after email: String?,
        limit: Int
    ) async throws(Fault) -> [MemberRecord] {
        try await database.query(SQL.list, [organization, level, email, limit])
    }

    /// Takes an account in; `nil` if it is a member already.
    func add(
        _ account: AccountID,
        to organization: OrganizationID,
        as level: MembershipLevel
    ) async throws(Fault) -> MemberRecord? {
        try await database.transaction { transaction async throws(Fault) -> MemberRecord? in
            let added = try await transaction.execute(SQL.add, [Ids.random(), organization, account, level])
            return added == 1 ? try await transaction.first(SQL.find, [organization, account]) : nil
        }
    }

    /// Changes one membership under the organisation's lock, if the rules of the moment let the actor.
    ///
    /// - Parameters:
    ///   - deed: What is wanted, given the member as it is then.
    ///   - level: The level to set; `nil` ends the membership.
    /// - Throws: `NOT_FOUND` for an account that is no member, and whatever the rules say.
    func change(
        _ account: AccountRecord,
        of organization: OrganizationID,
        to level: MembershipLevel?,
        by actor: AccountID,
        oversees: Bool,
        deed: @Sendable (MembershipRules.Member) -> MembershipRules.Deed
    ) async throws(Fault) -> MemberRecord {
        try await database.transaction { transaction async throws(Fault) -> MemberRecord in
            let owner = try await transaction.first(OrganizationStore.SQL.lock, [organization])
            guard let seen = try await transaction.first(SQL.find, [organization, account.id]) else {
                throw Fault(.notFound, "“\(account.email)” is no member of the organisation; see org.members.")
            }
            let actorLevel = try await transaction.first(SQL.find, [organization, actor])?.membershipLevel
            let member = MembershipRules.Member(level: seen.membershipLevel, answers: owner == account.id.rawValue)
            if let refusal = MembershipRules.refusal(of: deed(member), by: actorLevel, oversees: oversees) {
                throw refusal
            }
            guard let level else {
                try await transaction.execute(SQL.remove, [organization, account.id])
                return seen
            }
            try await transaction.execute(SQL.set, [organization, account.id, level])
            return try await transaction.first(SQL.find, [organization, account.id]) ?? seen
        }
    }

    enum SQL {
        static let list = Statement<MemberRecord>(
            """
            SELECT m.org_id, m.account_id, a.email, a.display_name, a.status, m.membership_level, m.created_at
              FROM nave.organization_members m JOIN nave.accounts a ON a.id = m.account_id
             WHERE m.org_id = $1 AND ($2::text IS NULL OR m.membership_level = $2)
               AND ($3::text IS NULL OR a.email > $3)
             ORDER BY a.email
             LIMIT $4
            """
        )

        static let find = Statement<MemberRecord>(
            """
            SELECT m.org_id, m.account_id, a.email, a.display_name, a.status, m.membership_level, m.created_at
              FROM nave.organization_members m JOIN nave.accounts a ON a.id = m.account_id
             WHERE m.org_id = $1 AND m.account_id = $2
            """
        )

        /// Whoever is a member already stays what they are.
        static let add = Statement<Void>(
            """
            INSERT INTO nave.organization_members (id, org_id, account_id, membership_level) VALUES ($1, $2, $3, $4)
            ON CONFLICT (org_id, account_id) DO NOTHING
            """
        )

        static let put = Statement<Void>(
            """
            INSERT INTO nave.organization_members (id, org_id, account_id, membership_level) VALUES ($1, $2, $3, $4)
            ON CONFLICT (org_id, account_id) DO UPDATE SET membership_level = excluded.membership_level
            """
        )

        static let set = Statement<Void>(
            "UPDATE nave.organization_members SET membership_level = $3 WHERE org_id = $1 AND account_id = $2"
        )

        static let remove = Statement<Void>(
            "DELETE FROM nave.organization_members WHERE org_id = $1 AND account_id = $2"
        )
    }
}

extension MemberRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            orgId: try row["org_id"],
            accountId: try row["account_id"],
            email: try row["email"],
            displayName: try row["display_name"],
            status: try row["status"],
            membershipLevel: try row["membership_level"],
            createdAt: try row["created_at"]
        )
    }
}
