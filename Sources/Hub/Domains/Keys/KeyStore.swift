public import Postgres
public import Protocol

/// What the hub remembers about API keys, never the keys themselves.
public struct KeyStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// What a key is made with.
    public struct Draft: Sendable {
        public var owner: AccountID
        public var name: String
        public var scopes: [String]
        public var resources: [String: [String]]
        public var ttlSeconds: Int?
        public var session: SessionID?
        public var spoke: SpokeID?
        public var rate: CallRate?

        public init(
            owner: AccountID,
            name: String,
            scopes: [String],
            resources: [String: [String]] = [:],
            ttlSeconds: Int? = nil,
            session: SessionID? = nil,
            spoke: SpokeID? = nil,
            rate: CallRate? = nil
        ) {
            self.owner = owner
            self.name = name
            self.scopes = scopes
            self.resources = resources
            self.ttlSeconds = ttlSeconds
            self.session = session
            self.spoke = spoke
            self.rate = rate
        }

        func values(_ secret: Secret) -> [(any Bindable)?] {
            [
                Ids.random(), owner, name, secret.prefix, secret.digest, scopes, JSON(resources), ttlSeconds, session,
                spoke, rate?.perSecond, rate?.burst,
            ]
        }
    }

    /// Stores a key for this secret.
    public func create(_ draft: Draft, secret: Secret) async throws(Fault) -> KeyRecord {
        try Self.stored(try await database.first(SQL.create, draft.values(secret)))
    }

    /// The same within a transaction: a spoke's or session's credential is made with the row that it is for.
    public func create(
        _ draft: Draft,
        secret: Secret,
        in transaction: Transaction
    ) async throws(Fault) -> KeyRecord {
        try Self.stored(try await transaction.first(SQL.create, draft.values(secret)))
    }

    /// The key by id.
    func find(_ id: KeyID) async throws(Fault) -> KeyRecord? { try await database.first(SQL.find, [id]) }

    /// Keys, newest first, behind the last of the page before.
    func list(
        owner: AccountID?,
        includeRevoked: Bool,
        after last: String?,
        limit: Int
    ) async throws(Fault) -> [KeyRecord] {
        try await database.query(SQL.list, [owner, includeRevoked, last, limit])
    }

    /// The key as revoked, `nil` if there is none of this id.
    func revoke(_ id: KeyID) async throws(Fault) -> KeyRecord? { try await database.first(SQL.revoke, [id]) }

    /// A second key with the first one's rights; the first ends after the overlap.
    /// `nil` if it was revoked, rotated or has expired.
    func rotate(_ id: KeyID, overlapSeconds: Int, secret: Secret) async throws(Fault) -> KeyRecord? {
        try await database.transaction { transaction async throws(Fault) -> KeyRecord? in
            let successor = try await transaction.first(
                SQL.copy,
                [id, Ids.random(), secret.prefix, secret.digest]
            )
            guard let successor else { return nil }
            try await transaction.execute(SQL.retire, [id, successor.id, overlapSeconds])
            return successor
        }
    }

    /// The key as changed; what is `nil` stays as it is, and so does what it may do. `nil` if there is none of this id.
    ///
    /// - Parameter rate: A rate of 0 a second brings the common one back.
    func update(_ request: UpdateKey, rate: CallRate?) async throws(Fault) -> KeyRecord? {
        try await database.first(
            SQL.update,
            [request.id, request.name, request.enabled, rate?.perSecond, rate?.burst]
        )
    }

    /// Those of these keys that would be let in now; for links that stand already.
    public func accepted(among keys: [KeyID]) async throws(Fault) -> Set<KeyID> {
        guard !keys.isEmpty else { return [] }
        return Set(try await database.query(SQL.accepted, [keys.map(\.rawValue)]).map { KeyID($0) })
    }

    /// Notes when keys were last shown: one statement for any number of them.
    func touch(_ uses: [KeyUse]) async throws(Fault) {
        guard !uses.isEmpty else { return }
        try await database.execute(SQL.touch, [uses.map(\.key.rawValue), uses.map(\.at)])
    }

    /// The credential with this digest, whatever state it is in.
    func credential(digest: String) async throws(Fault) -> Credential? {
        try await database.first(SQL.credential, [digest])
    }

    private static func stored(_ record: KeyRecord?) throws(Fault) -> KeyRecord {
        guard let record else { throw Fault(.execution, "The key was not stored; ask again.") }
        return record
    }
}

extension KeyRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            ownerId: try row["owner_id"],
            ownerEmail: try row["owner_email"],
            name: try row["name"],
            prefix: try row["prefix"],
            scopes: try row["scopes"],
            resources: try row.json("resources"),
            enabled: try row["enabled"],
            expiresAt: try row["expires_at"],
            revokedAt: try row["revoked_at"],
            rotatedToId: try row["rotated_to_id"],
            lastUsedAt: try row["last_used_at"],
            sessionId: try row["session_id"],
            spokeId: try row["spoke_id"],
            callsPerSecond: try row["calls_per_second"],
            callsBurst: try row["calls_burst"],
            createdAt: try row["created_at"]
        )
    }
}
