public import Postgres
public import Protocol

/// What the hub remembers about join tokens, never the tokens themselves.
public struct JoinTokenStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// What a spoke brings from its token.
    public struct Redemption: RowDecodable {
        public let id: JoinTokenID
        /// The account that answers for the spoke.
        public let createdBy: AccountID
        public let labels: [String: String]

        public init(_ row: Row) throws(Fault) {
            id = try row["id"]
            createdBy = try row["created_by"]
            labels = try row.json("labels")
        }
    }

    /// Stores a token for this secret.
    func create(
        _ secret: Secret,
        by account: AccountID,
        ttlSeconds: Int,
        uses: Int,
        labels: [String: String]
    ) async throws(Fault) -> JoinTokenRecord {
        let stored = try await database.first(
            SQL.create,
            [Ids.random(), secret.prefix, secret.digest, JSON(labels), uses, ttlSeconds, account]
        )
        guard let stored else { throw Fault(.execution, "The token was not stored; ask again.") }
        return stored
    }

    /// The tokens that are still accepted.
    ///
    /// - Parameter cursor: Behind which expiry and id to go on.
    func list(_ cursor: CreationCursor) async throws(Fault) -> [JoinTokenRecord] {
        try await database.query(SQL.list, cursor.values)
    }

    /// The token as revoked, `nil` if there is none of this id.
    func revoke(_ id: JoinTokenID) async throws(Fault) -> JoinTokenRecord? {
        try await database.first(SQL.revoke, [id])
    }

    /// Takes one use of a token, in the transaction that makes the spoke and its credential: all three are, or none.
    ///
    /// - Throws: `UNAUTHENTICATED` for a token that is unknown, used up or expired, and says which.
    public func redeem(_ token: String, in transaction: Transaction) async throws(Fault) -> Redemption {
        guard let secret = Secret(token, kind: .joinToken) else {
            throw Fault(.unauthenticated, "This is not a join token; make one with hub token create.")
        }
        if let redeemed = try await transaction.first(SQL.redeem, [secret.digest]) { return redeemed }
        let why = try await transaction.first(SQL.refusal, [secret.digest]) ?? "is not known here"
        throw Fault(.unauthenticated, "The join token \(why); make another with hub token create.")
    }

    /// Removes tokens that ended long ago; answers how many.
    public func prune() async throws(Fault) -> Int { try await database.execute(SQL.prune) }

    enum SQL {
        static let create = Statement<JoinTokenRecord>(
            """
            INSERT INTO nave.join_tokens (id, prefix, token_hash, labels, uses_left, expires_at, created_by)
            VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6::float8), $7)
            RETURNING id, prefix, labels, uses_left, expires_at, created_by, created_at
            """
        )

        static let list = Statement<JoinTokenRecord>(
            """
            SELECT id, prefix, labels, uses_left, expires_at, created_by, created_at
              FROM nave.join_tokens
             WHERE uses_left > 0 AND expires_at > now()
               AND ($1::int8 IS NULL
                    OR (expires_at, id) > ('epoch'::timestamptz + $1::int8 * interval '1 microsecond', $2::text))
             ORDER BY expires_at, id
             LIMIT $3
            """
        )

        /// No uses left says it, whatever the clock says.
        static let revoke = Statement<JoinTokenRecord>(
            """
            UPDATE nave.join_tokens SET uses_left = 0 WHERE id = $1
            RETURNING id, prefix, labels, uses_left, expires_at, created_by, created_at
            """
        )

        /// One guarded statement: of two spokes with a single-use token one finds no use left. A locked account's
        /// tokens are not accepted either.
        static let redeem = Statement<Redemption>(
            """
            UPDATE nave.join_tokens AS token
               SET uses_left = uses_left - 1
              FROM nave.accounts AS account
             WHERE token.token_hash = $1 AND token.uses_left > 0 AND token.expires_at > now()
               AND account.id = token.created_by AND account.status = 'active'
            RETURNING token.id, token.created_by, token.labels
            """
        )

        static let refusal = Statement<String>(
            """
            SELECT CASE WHEN uses_left = 0 THEN 'was used up or revoked'
                        WHEN expires_at <= now() THEN 'has expired'
                        ELSE 'belongs to an account that is locked' END
              FROM nave.join_tokens WHERE token_hash = $1
            """
        )

        /// A month after the end nobody asks any more why a token was refused.
        static let prune = Statement<Void>(
            """
            DELETE FROM nave.join_tokens
             WHERE id IN (SELECT id FROM nave.join_tokens WHERE expires_at < now() - interval '30 days' LIMIT 1000)
            """
        )
    }
}

extension JoinTokenRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            prefix: try row["prefix"],
            labels: try row.json("labels"),
            usesLeft: try row["uses_left"],
            expiresAt: try row["expires_at"],
            createdBy: try row["created_by"],
            createdAt: try row["created_at"]
        )
    }
}
