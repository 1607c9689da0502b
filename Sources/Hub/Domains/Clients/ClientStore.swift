public import Postgres
public import Protocol

/// What the hub remembers about services outside.
struct ClientStore: Sendable {
    let database: Database

    /// Stores a client.
    ///
    /// - Throws: `CONFLICT` when the name is taken.
    func create(
        _ request: CreateClient,
        owner: AccountID,
        in organization: OrganizationID?
    ) async throws(Fault) -> ClientRecord {
        let stored = try await database.first(
            SQL.create,
            [
                Ids.random(), request.name, request.type, request.config ?? [:], request.enabled ?? true, owner,
                organization,
            ]
        )
        guard let stored else { throw Self.taken(request.name) }
        return stored
    }

    /// The client by id or name, if the account may see it; `nil` sees everything.
    func require(_ idOrName: String, seenBy account: AccountID?) async throws(Fault) -> ClientRecord {
        if let found = try await database.first(SQL.find, [idOrName, account]) { return found }
        throw Fault(.notFound, "There is no client “\(idOrName.prefix(100))”; list them with client.list.")
    }

    /// Clients by name, behind the last of the page before.
    func list(
        _ request: ListClients,
        seenBy account: AccountID?,
        after name: String?,
        limit: Int
    ) async throws(Fault) -> [ClientRecord] {
        try await database.query(SQL.list, [request.type, request.enabled, account, name, limit])
    }

    /// The client as changed; what is `nil` stays as it is. `nil` if it is gone.
    func update(_ id: ClientID, _ request: UpdateClient, owner: AccountID?) async throws(Fault) -> ClientRecord? {
        do {
            return try await database.first(SQL.update, [id, request.name, request.config, request.enabled, owner])
        } catch {
            guard error.details?["constraint"] == "unq_clients_name" else { throw error }
            throw Self.taken(request.name ?? "")
        }
    }

    /// Forgets the client; its secrets and what it offers go with it.
    func delete(_ id: ClientID) async throws(Fault) { _ = try await database.first(SQL.delete, [id]) }

    private static func taken(_ name: String) -> Fault {
        Fault(.conflict, "There is a client called “\(name)” already; choose another name.", details: ["field": "name"])
    }

    enum SQL {
        /// A name that is taken inserts nothing, so that the answer can say so in the caller's words.
        static let create = Statement<ClientRecord>(
            """
            INSERT INTO nave.clients (id, name, type, config, enabled, owner_id, org_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (name) DO NOTHING
            RETURNING id, name, type, config, enabled, owner_id, org_id, created_at, updated_at,
                '{}'::text[] AS secrets, NULL::jsonb AS offer, pg_notify('nave_clients', id)::text AS rung
            """
        )

        static let find = Statement<ClientRecord>(
            """
            SELECT c.id, c.name, c.type, c.config, c.enabled, c.owner_id, c.org_id, c.created_at, c.updated_at,
                   ARRAY(SELECT s.key FROM nave.client_secrets s WHERE s.client_id = c.id ORDER BY s.key) AS secrets,
                   c.metadata->'offer' AS offer
              FROM nave.clients c
             WHERE (c.id = $1 OR c.name = $1)
               AND ($2::text IS NULL OR c.org_id IS NULL OR c.org_id IN (
                    SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $2))
             ORDER BY c.id = $1 DESC LIMIT 1
            """
        )

        static let list = Statement<ClientRecord>(
            """
            SELECT c.id, c.name, c.type, c.config, c.enabled, c.owner_id, c.org_id, c.created_at, c.updated_at,
                   ARRAY(SELECT s.key FROM nave.client_secrets s WHERE s.client_id = c.id ORDER BY s.key) AS secrets,
                   c.metadata->'offer' AS offer
              FROM nave.clients c
             WHERE ($1::text IS NULL OR c.type = $1) AND ($2::boolean IS NULL OR c.enabled = $2)
               AND ($3::text IS NULL OR c.org_id IS NULL OR c.org_id IN (
                    SELECT m.org_id FROM nave.organization_members m WHERE m.account_id = $3))
               AND ($4::text IS NULL OR c.name > $4)
             ORDER BY c.name
             LIMIT $5
            """
        )

        static let update = Statement<ClientRecord>(
            """
            UPDATE nave.clients c
               SET name = coalesce($2, name), config = coalesce($3::jsonb, config), enabled = coalesce($4, enabled),
                   owner_id = coalesce($5, owner_id)
             WHERE id = $1
            RETURNING c.id, c.name, c.type, c.config, c.enabled, c.owner_id, c.org_id, c.created_at, c.updated_at,
                ARRAY(SELECT s.key FROM nave.client_secrets s WHERE s.client_id = c.id ORDER BY s.key) AS secrets,
                c.metadata->'offer' AS offer, pg_notify('nave_clients', c.id)::text AS rung
            """
        )

        static let delete = Statement<String>(
            """
            WITH gone AS (
                DELETE FROM nave.clients WHERE id = $1 RETURNING id
            ), offers AS (
                DELETE FROM nave.operation_registrations r USING gone
                 WHERE r.provider_type = 'client' AND r.provider_id = gone.id
            )
            SELECT pg_notify('nave_clients', id)::text FROM gone
            """
        )
    }
}

extension ClientType: Bindable, ColumnDecodable {}

extension ClientRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            name: try row["name"],
            type: try row["type"],
            config: try row["config"],
            enabled: try row["enabled"],
            ownerId: try row["owner_id"],
            orgId: try row["org_id"],
            secrets: try row["secrets"],
            offer: try row.json("offer", as: ClientOffer?.self),
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}
