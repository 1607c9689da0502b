public import Postgres
public import Protocol

/// What the hub remembers about accounts.
public struct AccountStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// Whether nobody can get in yet: there is no administrator, whatever it is called by now.
    public func isFirstStart() async throws(Fault) -> Bool {
        try await database.first(SQL.hasAdministrator) != true
    }

    /// Makes the first administrator with a key that may do everything, and a first join token, all or nothing.
    ///
    /// Write both secrets to their files before calling this: a crash in between leaves files that open nothing and are
    /// written anew, the other way round would leave a hub that nobody can enter.
    ///
    /// - Returns: `false` if another hub on this database was quicker; its secrets are the ones that count.
    public func begin(
        key: Secret,
        joinToken: Secret,
        joinTokenSeconds: Int = 86_400
    ) async throws(Fault) -> Bool {
        let (keys, tokens) = (KeyStore(database: database), JoinTokenStore.SQL.self)
        return try await database.transaction { transaction async throws(Fault) -> Bool in
            let made = try await transaction.first(
                SQL.begin,
                [Ids.random(), Self.administrator, "Administrator", AccessLevel.admin]
            )
            guard let made else { return false }
            let draft = KeyStore.Draft(owner: made.id, name: "first administrator", scopes: [Identity.everything])
            _ = try await keys.create(draft, secret: key, in: transaction)
            _ = try await transaction.first(
                tokens.create,
                [
                    Ids.random(), joinToken.prefix, joinToken.digest, JSON([String: String]()), 1, joinTokenSeconds,
                    made.id,
                ]
            )
            return true
        }
    }

    /// The account by id.
    public func find(_ id: AccountID) async throws(Fault) -> AccountRecord? {
        try await database.first(SQL.find, [id])
    }

    /// The account by id or email, or `NOT_FOUND`.
    func require(_ idOrEmail: String) async throws(Fault) -> AccountRecord {
        if let found = try await database.first(SQL.findByEither, [idOrEmail]) { return found }
        throw Fault(.notFound, "There is no account “\(idOrEmail.prefix(100))”; list them with account.list.")
    }

    /// Stores an account.
    ///
    /// - Throws: `CONFLICT` when the email is taken.
    func create(_ request: CreateAccount) async throws(Fault) -> AccountRecord {
        let stored = try await database.first(
            SQL.create,
            [
                Ids.random(), request.email, request.displayName, request.accessLevel ?? .user, request.giteaUsername,
            ]
        )
        guard let stored else { throw Self.taken(request.email) }
        return stored
    }

    /// Accounts by email, behind the last of the page before.
    func list(_ request: ListAccounts, after email: String?, limit: Int) async throws(Fault) -> [AccountRecord] {
        try await database.query(
            SQL.list,
            [request.status, request.accessLevel, request.text, email, limit]
        )
    }

    /// The account as changed; what is `nil` stays as it is. `nil` if it is gone, or if the change would leave the hub
    /// without an active administrator.
    func update(_ id: AccountID, _ request: UpdateAccount) async throws(Fault) -> AccountRecord? {
        do {
            return try await database.transaction { transaction async throws(Fault) -> AccountRecord? in
                try await transaction.execute(SQL.lockAdministrators)
                return try await transaction.first(
                    SQL.update,
                    [id, request.email, request.displayName, request.accessLevel, request.giteaUsername]
                )
            }
        } catch {
            guard error.details?["constraint"] == "unq_accounts_email" else { throw error }
            throw Self.taken(request.email ?? "")
        }
    }

    /// The account in its new state; `nil` if it cannot get there from where it is, or if the hub would be left without
    /// an active administrator. Rings the bell that makes every hub forget its keys and close its links.
    func move(
        _ id: AccountID,
        to status: AccountStatus,
        from origins: [AccountStatus]
    ) async throws(Fault) -> AccountRecord? {
        try await database.transaction { transaction async throws(Fault) -> AccountRecord? in
            try await transaction.execute(SQL.lockAdministrators)
            return try await transaction.first(SQL.move, [id, status, origins.map(\.rawValue)])
        }
    }

    /// Removes the account with its keys and memberships; what stands in the way otherwise, which is nothing but itself
    /// if it is the last active administrator. Rings the bell that makes every hub forget its keys.
    func delete(_ id: AccountID) async throws(Fault) -> AccountUse? {
        try await database.transaction { transaction async throws(Fault) -> AccountUse? in
            try await transaction.execute(SQL.lockAdministrators)
            if let use = try await transaction.first(SQL.use, [id]), !use.isEmpty { return use }
            return try await transaction.first(SQL.delete, [id]) == nil ? AccountUse() : nil
        }
    }

    private static func taken(_ email: String) -> Fault {
        Fault(.conflict, "There is an account with the email “\(email)” already.", details: ["field": "email"])
    }

    /// The email of the account that a hub makes on its first start.
    public static let administrator = "admin"
}

extension AccountRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            email: try row["email"],
            displayName: try row["display_name"],
            accessLevel: try row["access_level"],
            status: try row["status"],
            giteaUsername: try row["gitea_username"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}
