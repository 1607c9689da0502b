public import Postgres
public import Protocol

/// What the hub remembers of clients' secrets: sealed, never in the clear.
struct SecretStore: Sendable {
    let database: Database
    let seal: SecretSeal

    /// How many secrets one step of a rotation seals anew; each step is a transaction of its own.
    static let batch = 100

    /// Seals and stores a secret; replaces the one of the same key.
    func set(_ request: SetSecret, of client: ClientID) async throws(Fault) -> SecretRecord {
        try await claimVersion()
        let sealed = try seal.seal(request.value, client: client, key: request.key)
        let stored = try await database.first(
            SQL.set,
            [Ids.random(), client, request.key, JSON(sealed), request.ttlSeconds]
        )
        guard let stored else { throw Fault(.notFound, "The client was removed meanwhile; list them.") }
        return stored
    }

    /// A secret in the clear, for whoever reaches the service; never for an answer. `nil` if none is of use.
    func reveal(_ key: String, of client: ClientID) async throws(Fault) -> String? {
        guard let row = try await database.first(SQL.sealed, [client, key]) else { return nil }
        return try seal.open(row.value, client: client, key: key)
    }

    /// Secrets by client and key, behind the last of the page before.
    func list(
        of client: ClientID?,
        seenBy account: AccountID?,
        after cursor: [String]?,
        limit: Int
    ) async throws(Fault) -> [SecretRecord] {
        try await database.query(SQL.list, [client, account, cursor?[0], cursor?[1], limit])
    }

    /// Forgets a secret; `nil` if there is none of this key.
    func delete(_ key: String, of client: ClientID) async throws(Fault) -> SecretRecord? {
        try await database.first(SQL.delete, [client, key])
    }

    /// Seals anew what older keys sealed, in steps that are all or nothing: interrupted anywhere, the next call goes on
    /// with what is left. What cannot be opened is left as it is and counted as remaining.
    func rotate(limit: Int?) async throws(Fault) -> RotateSecrets.Output {
        guard let version = seal.version else { throw SecretSeal.noKeys }
        try await claimVersion()
        var (rotated, last, isDone): (Int, String?, Bool) = (0, nil, false)
        while !isDone, !Task.isCancelled, rotated < limit ?? .max {
            let size = min(Self.batch, (limit ?? .max) - rotated)
            let after = last
            let step = try await database.transaction { transaction async throws(Fault) -> Step in
                try await self.step(version, after: after, size: size, in: transaction)
            }
            rotated += step.rotated
            last = step.last
            isDone = step.last == nil
        }
        let remaining = try await database.first(SQL.remaining, [version]) ?? 0
        return RotateSecrets.Output(keyVersion: version, rotated: rotated, remaining: Int(remaining))
    }

    /// What one step did, and the last row it looked at; none if there are no more.
    private struct Step: Sendable {
        var rotated: Int
        var last: String?
    }

    private func step(
        _ version: String,
        after last: String?,
        size: Int,
        in transaction: Transaction
    ) async throws(Fault) -> Step {
        let rows = try await transaction.query(SQL.stale, [version, last, size])
        var anew: [(id: String, value: SealedSecret)] = []
        for row in rows {
            do throws(Fault) {
                let plain = try seal.open(row.value, client: row.client, key: row.key)
                anew.append((row.id, try seal.seal(plain, client: row.client, key: row.key)))
            } catch {
                // Damaged, or of a key that is gone: it stays for a person to look at.
                continue
            }
        }
        if !anew.isEmpty {
            try await transaction.execute(SQL.reseal, [anew.map(\.id), anew.map { JSON($0.value) }])
        }
        return Step(rotated: anew.count, last: rows.count < size ? nil : rows.last?.id)
    }

    /// Of two hubs with different keys of one version the second is told, before it seals what the first cannot open.
    private func claimVersion() async throws(Fault) {
        guard let version = seal.version, let mine = seal.fingerprint(of: version) else { throw SecretSeal.noKeys }
        try await database.execute(SQL.claim, ["secrets.key.\(version)", JSONValue.string(mine)])
        let known = try await database.first(SQL.claimed, ["secrets.key.\(version)"])
        guard known == mine else {
            throw Fault(
                .conflict,
                "This hub's secret key \(version) is not the one that seals this database; give it the file of the "
                    + "hub that was first."
            )
        }
    }

    struct SealedRow: RowDecodable {
        let id: String
        let client: ClientID
        let key: String
        let value: SealedSecret

        init(_ row: Row) throws(Fault) {
            id = try row["id"]
            client = try row["client_id"]
            key = try row["key"]
            value = try row.json("value")
        }
    }

    enum SQL {
        static let set = Statement<SecretRecord>(
            """
            WITH stored AS (
                INSERT INTO nave.client_secrets (id, client_id, key, value, expires_at)
                SELECT $1, c.id, $3, $4::jsonb, now() + make_interval(secs => $5::float8)
                  FROM nave.clients c WHERE c.id = $2
                ON CONFLICT (client_id, key) DO UPDATE
                   SET value = excluded.value, expires_at = excluded.expires_at
                RETURNING client_id, key, value, expires_at, created_at, updated_at
            )
            SELECT s.client_id, c.name AS client, s.key, s.value->>'keyVersion' AS key_version, s.expires_at,
                   s.created_at, s.updated_at, pg_notify('nave_clients', s.client_id)::text AS rung
              FROM stored s JOIN nave.clients c ON c.id = s.client_id
            """
        )

        static let sealed = Statement<SealedRow>(
            """
            SELECT s.id, s.client_id, s.key, s.value
              FROM nave.client_secrets s JOIN nave.clients c ON c.id = s.client_id
             WHERE s.client_id = $1 AND s.key = $2 AND c.enabled AND (s.expires_at IS NULL OR s.expires_at > now())
            """
        )

        static let list = Statement<SecretRecord>(
            """
            SELECT s.client_id, c.name AS client, s.key, s.value->>'keyVersion' AS key_version, s.expires_at,
                   s.created_at, s.updated_at
              FROM nave.client_secrets s JOIN nave.clients c ON c.id = s.client_id
             WHERE ($1::text IS NULL OR s.client_id = $1)
               AND ($2::text IS NULL OR c.org_id IS NULL OR c.org_id IN (
                    SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $2))
               AND ($3::text IS NULL OR (c.name, s.key) > ($3, $4))
             ORDER BY c.name, s.key
             LIMIT $5
            """
        )

        static let delete = Statement<SecretRecord>(
            """
            WITH gone AS (
                DELETE FROM nave.client_secrets WHERE client_id = $1 AND key = $2
                RETURNING client_id, key, value, expires_at, created_at, updated_at
            )
            SELECT s.client_id, c.name AS client, s.key, s.value->>'keyVersion' AS key_version, s.expires_at,
                   s.created_at, s.updated_at, pg_notify('nave_clients', s.client_id)::text AS rung
              FROM gone s JOIN nave.clients c ON c.id = s.client_id
            """
        )

        /// Rows that another rotation works on are its own.
        static let stale = Statement<SealedRow>(
            """
            SELECT id, client_id, key, value FROM nave.client_secrets
             WHERE value->>'keyVersion' <> $1 AND ($2::text IS NULL OR id > $2)
             ORDER BY id
             LIMIT $3
               FOR UPDATE SKIP LOCKED
            """
        )

        static let reseal = Statement<Void>(
            """
            UPDATE nave.client_secrets s SET value = anew.value
              FROM unnest($1::text[], $2::jsonb[]) AS anew (id, value)
             WHERE s.id = anew.id
            """
        )

        static let remaining = Statement<Int64>(
            "SELECT count(*) FROM nave.client_secrets WHERE value->>'keyVersion' <> $1"
        )

        static let claim = Statement<Void>(
            "INSERT INTO nave.settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"
        )

        static let claimed = Statement<String>("SELECT value #>> '{}' FROM nave.settings WHERE key = $1")
    }
}

extension SecretRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            clientId: try row["client_id"],
            client: try row["client"],
            key: try row["key"],
            keyVersion: try row["key_version"],
            expiresAt: try row["expires_at"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}
