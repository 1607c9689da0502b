public import Postgres
public import Protocol

/// What the hub remembers about accounts.
public struct AccountStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// Whether nobody can get in yet: there is no administrator.
    public func isFirstStart() async throws(Fault) -> Bool {
        try await database.first(SQL.findByEmail, [Self.administrator]) == nil
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
                SQL.create,
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

    /// The email of the account that a hub makes on its first start.
    public static let administrator = "admin"

    enum SQL {
        /// Two hubs may start at once on a fresh database: one of them makes the account.
        static let create = Statement<AccountRecord>(
            """
            INSERT INTO nave.accounts (id, email, display_name, access_level)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (email) DO NOTHING
            RETURNING id, email, display_name, access_level, status, created_at
            """
        )

        static let find = Statement<AccountRecord>(
            "SELECT id, email, display_name, access_level, status, created_at FROM nave.accounts WHERE id = $1"
        )

        static let findByEmail = Statement<AccountRecord>(
            "SELECT id, email, display_name, access_level, status, created_at FROM nave.accounts WHERE email = $1"
        )
    }
}

extension AccountRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            email: try row["email"],
            displayName: try row["display_name"],
            accessLevel: try row["access_level"],
            status: try row["status"],
            createdAt: try row["created_at"]
        )
    }
}
