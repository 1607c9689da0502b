import Foundation
import HubCore
public import Postgres
public import Protocol

/// What the hub remembers of its spokes.
public struct SpokeStore: Sendable {
    let database: Database
    let commands: CommandStore
    let tokens: JoinTokenStore
    let keys: KeyStore

    public init(database: Database) {
        self.database = database
        commands = CommandStore(database: database)
        tokens = JoinTokenStore(database: database)
        keys = KeyStore(database: database)
    }

    /// Makes a spoke of a machine that has a join token: its row, the one credential with which it may connect, and the
    /// line in the trail of the account whose token it was.
    ///
    /// - Parameters:
    ///   - address: Where the request came from.
    ///   - requestId: The request that carried it.
    /// - Throws: `UNAUTHENTICATED` for a token that is unknown, spent or expired (which then is not used up);
    ///   `CONFLICT` for a name that another spoke has.
    public func join(
        _ request: JoinRequest,
        from address: String? = nil,
        requestId: String = Ids.random()
    ) async throws(Fault) -> JoinAnswer {
        try validate(request)
        let spoke = SpokeID.random()
        let secret = Secret(.key)
        return try await database.transaction { transaction async throws(Fault) -> JoinAnswer in
            let token = try await tokens.redeem(request.token, in: transaction)
            let labels = (request.labels ?? [:]).merging(token.labels) { _, given in given }
            let isStored = try await transaction.execute(
                SQL.insert,
                [
                    spoke, request.name, request.spokeType ?? .devEnvironment, JSON(labels), JSON(token.labels),
                    "joined, not yet connected",
                ]
            )
            guard isStored == 1 else {
                throw Fault(
                    .conflict,
                    "There is a spoke “\(request.name)” already; join with another --name, or remove that one.",
                    details: ["field": "name"]
                )
            }
            let draft = KeyStore.Draft(
                owner: token.createdBy,
                name: "spoke \(request.name)",
                scopes: ["spoke:link"],
                spoke: spoke
            )
            let key = try await keys.create(draft, secret: secret, in: transaction)
            let identity = Identity(id: spoke.rawValue, scopes: [])
            let joiner = Caller(
                Principal(identity: identity, accountId: token.createdBy, spokeId: spoke),
                from: address,
                requestId: requestId
            )
            let facts: [String: JSONValue] = [
                "joinTokenId": .string(token.id.rawValue), "keyId": .string(key.id.rawValue),
                "spokeName": .string(request.name),
            ]
            try await MutationStore.record(AuditEntry("spoke.join", by: joiner, facts: facts), in: transaction)
            return JoinAnswer(spokeId: spoke, name: request.name, credential: secret.revealed, labels: labels)
        }
    }

    /// The spoke of this id or name.
    public func find(_ idOrName: String) async throws(Fault) -> SpokeRecord? {
        try await database.first(SQL.find, [idOrName])
    }

    /// The same, or `NOT_FOUND` with the names that are near.
    func require(_ idOrName: String) async throws(Fault) -> SpokeRecord {
        if let spoke = try await find(idOrName) { return spoke }
        let names = try await database.query(SQL.names)
        throw Nearness.notFound("spoke", idOrName, among: names, listedBy: "spoke.list")
    }

    func find(_ ids: [SpokeID]) async throws(Fault) -> [SpokeRecord] { try await database.query(SQL.findMany, [ids]) }

    func list(_ request: ListSpokes, after name: String?, limit: Int) async throws(Fault) -> [SpokeRecord] {
        try await database.query(SQL.list, [request.status, name, limit, request.projectId])
    }

    /// Keeps the spoke for one project's sessions, or for none; the next placement heeds it. `nil` if it is gone.
    func keep(_ spoke: SpokeID, for project: ProjectID?) async throws(Fault) -> SpokeRecord? {
        try await database.transaction { transaction async throws(Fault) -> SpokeRecord? in
            try await transaction.execute(SQL.keep, [spoke, project])
            try await transaction.execute(SpawnStore.SQL.wake, [Ending.placementChannel])
            return try await transaction.first(SQL.find, [spoke.rawValue])
        }
    }

    /// What placement knows of every spoke, or only of those that could take a session of the project now.
    func facts(
        for project: ProjectID,
        onlyFree: Bool,
        in transaction: Transaction? = nil
    ) async throws(Fault) -> [SpokeFacts] {
        let rows =
            if let transaction {
                try await transaction.query(SQL.facts, [project, onlyFree, nil])
            } else {
                try await database.query(SQL.facts, [project, onlyFree, nil])
            }
        return rows.map(\.facts)
    }

    /// One spoke's facts under its lock: they hold until the transaction ends.
    func lockedFacts(
        _ spoke: SpokeID,
        for project: ProjectID,
        in transaction: Transaction
    ) async throws(Fault) -> SpokeFacts? {
        guard try await transaction.first(CommandStore.SQL.lock, [spoke]) != nil else { return nil }
        return try await transaction.query(SQL.facts, [project, false, spoke]).first?.facts
    }

    /// Orders the spoke to drain or to take sessions again; the spoke hears of it when it can.
    func setDraining(_ spoke: SpokeID, _ isDraining: Bool) async throws(Fault) -> SpokeRecord? {
        try await database.transaction { transaction async throws(Fault) -> SpokeRecord? in
            let order = DrainSpoke(commandId: .random(), draining: isDraining)
            try await commands.append(.spokeDrain, order, id: order.commandId, to: spoke, in: transaction)
            try await transaction.execute(SQL.drain, [spoke, isDraining])
            return try await transaction.first(SQL.find, [spoke.rawValue])
        }
    }

    private func validate(_ request: JoinRequest) throws(Fault) {
        var violations = Wording.violations(ofName: request.name, at: "name")
        if (request.labels ?? [:]).count > 64 {
            violations.append(.init(path: "labels", message: "must be 64 at most."))
        }
        for (key, value) in request.labels ?? [:] {
            violations += Wording.violations(ofName: key, at: "labels")
            violations += Wording.violations(ofText: value, at: "labels.\(key)", bytes: Limits.nameBytes)
        }
        guard violations.isEmpty else { throw .invalid(violations) }
    }
}

extension SpokeStore {
    /// A spoke as placement sees it.
    struct FactsRow: RowDecodable {
        var facts: SpokeFacts

        init(_ row: Row) throws(Fault) {
            let status: SpokeStatus = try row["status"]
            let since: Date? = try row["disconnected_at"]
            let load: [String: Double] = try row.json("load")
            var shares: HostLoad?
            if let cpu = load["cpu"], let memory = load["memory"], let disk = load["disk"] {
                shares = HostLoad(cpu: cpu, memory: memory, disk: disk)
            }
            facts = SpokeFacts(
                id: try row["id"],
                name: try row["name"],
                isConnected: status == .connected,
                disconnectedSince: since?.wireText,
                isDraining: try row["draining"],
                pausedReason: try row["paused_reason"],
                projectId: try row["project_id"],
                isTrusted: try row["is_trusted"],
                labels: try row.json("labels"),
                agents: try row.json("agents"),
                slots: try row["slots"],
                busy: try row["busy"],
                load: shares,
                isWarm: try row["is_warm"]
            )
        }
    }

    enum SQL {
        /// A name that is taken inserts nothing, so that the answer can say so in the caller's words.
        static let insert = Statement<Void>(
            """
            INSERT INTO nave.spokes
                   (id, name, spoke_type, labels, join_labels, status, disconnected_at, disconnect_reason)
            VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, 'disconnected', now(), $6)
            ON CONFLICT (name) DO NOTHING
            """
        )

        static let find = Statement<SpokeRecord>(
            """
            SELECT s.*, (SELECT count(*) FROM nave.mappings m WHERE m.spoke_id = s.id AND m.status = 'active') AS busy
              FROM nave.spokes s
             WHERE s.id = $1 OR s.name = $1
             ORDER BY s.id = $1 DESC
             LIMIT 1
            """
        )

        static let findMany = Statement<SpokeRecord>(
            """
            SELECT s.*, (SELECT count(*) FROM nave.mappings m WHERE m.spoke_id = s.id AND m.status = 'active') AS busy
              FROM nave.spokes s
             WHERE s.id = ANY ($1::text[])
            """
        )

        static let names = Statement<String>("SELECT name FROM nave.spokes ORDER BY name LIMIT 1000")

        static let list = Statement<SpokeRecord>(
            """
            SELECT s.*, (SELECT count(*) FROM nave.mappings m WHERE m.spoke_id = s.id AND m.status = 'active') AS busy
              FROM nave.spokes s
             WHERE ($1::text IS NULL OR s.status = $1) AND ($2::text IS NULL OR s.name > $2)
               AND ($4::text IS NULL OR s.project_id = $4)
             ORDER BY s.name
             LIMIT $3
            """
        )

        /// A slot is taken by an active mapping: from the transaction that places a session to the one that ends it. An
        /// organisation's project is at home only where a member or an administrator joined the machine, or where the
        /// machine is kept for it.
        static let facts = Statement<FactsRow>(
            """
            SELECT s.id, s.name, s.status, s.disconnected_at, s.draining, s.paused_reason, s.project_id, s.labels,
                   s.agents, s.slots, s.load, coalesce(b.busy, 0) AS busy,
                   EXISTS (SELECT FROM nave.workspaces w WHERE w.spoke_id = s.id AND w.project_id = $1) AS is_warm,
                   s.project_id IS NOT DISTINCT FROM $1 OR NOT EXISTS (
                   SELECT FROM nave.projects p
                    WHERE p.id = $1 AND p.org_id IS NOT NULL AND NOT EXISTS (
                          SELECT FROM nave.api_keys k JOIN nave.accounts a ON a.id = k.owner_id
                           WHERE k.spoke_id = s.id
                             AND (a.access_level = 'admin' OR EXISTS (
                                  SELECT FROM nave.organization_members m
                                   WHERE m.org_id = p.org_id AND m.account_id = a.id)))
                   ) AS is_trusted
              FROM nave.spokes s
              LEFT JOIN LATERAL (
                   SELECT count(*) AS busy FROM nave.mappings m WHERE m.spoke_id = s.id AND m.status = 'active'
                   ) b ON true
             WHERE ($3::text IS NULL OR s.id = $3)
               AND (NOT $2 OR (s.status = 'connected' AND NOT s.draining AND s.paused_reason IS NULL
                               AND b.busy < s.slots))
            """
        )

        static let keep = Statement<Void>("UPDATE nave.spokes SET project_id = $2 WHERE id = $1")

        static let drain = Statement<Void>("UPDATE nave.spokes SET draining = $2 WHERE id = $1")
    }
}
