public import Postgres
public import Protocol

/// What the hub remembers about roles.
struct RoleStore: Sendable {
    let database: Database

    /// Roles that inherit from each other, at most; a chain is as long as a person can follow.
    static let depth = 16

    /// The role by id or name, or `NOT_FOUND` with the names that are near.
    func require(_ idOrName: String) async throws(Fault) -> RoleRecord {
        if let found = try await database.first(SQL.find, [idOrName]) { return found }
        throw try await Nearness.notFound(
            "role",
            idOrName,
            among: database.query(SQL.names),
            listedBy: "role.list"
        )
    }

    /// Roles by name, behind the last of the page before.
    func list(mode: RoleMode?, after name: String?, limit: Int) async throws(Fault) -> [RoleRecord] {
        try await database.query(SQL.list, [mode, name, limit])
    }

    /// The role and those from which it inherits, nearest first.
    func chain(of role: RoleID) async throws(Fault) -> [RoleRecord] {
        try await database.query(SQL.chain, [role, Self.depth])
    }

    /// Stores a role.
    ///
    /// - Throws: `CONFLICT` when the name is taken.
    func create(_ request: CreateRole, parent: RoleID?) async throws(Fault) -> RoleRecord {
        try await inCallersWords(request.name) { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> RoleRecord in
                let id = RoleID.random()
                try await transaction.execute(
                    SQL.create,
                    [
                        id, request.name, request.description, request.mode, request.temperature, request.prompt,
                        request.model, JSON(request.permissions ?? []), request.tools ?? [:], parent,
                    ]
                )
                try await checkChain(of: id, in: transaction)
                return try Self.stored(try await transaction.first(SQL.find, [id.rawValue]))
            }
        }
    }

    /// The role as changed; what is `nil` stays as it is.
    ///
    /// - Parameters:
    ///   - moves: Whether it inherits from another role from now on, or from none.
    ///   - parent: From which.
    /// - Throws: `CONFLICT` with the circle, if it would inherit from itself.
    func update(
        _ role: RoleRecord,
        _ request: UpdateRole,
        moves: Bool,
        to parent: RoleID?
    ) async throws(Fault) -> RoleRecord {
        let id = role.id
        if parent == id { throw Self.circle([role.name, role.name]) }
        return try await inCallersWords(request.name ?? "") { () async throws(Fault) in
            try await database.transaction { transaction async throws(Fault) -> RoleRecord in
                if moves { try await transaction.execute(SQL.lock) }
                try await transaction.execute(
                    SQL.update,
                    [
                        id, request.name, request.description, request.mode, request.temperature, request.prompt,
                        request.model, request.permissions.map { JSON($0) }, request.tools, moves, parent,
                    ]
                )
                if moves { try await checkChain(of: id, in: transaction) }
                return try Self.stored(try await transaction.first(SQL.find, [id.rawValue]))
            }
        }
    }

    /// Removes the role unless something uses it; what does, otherwise.
    func delete(_ id: RoleID, detaching: Bool) async throws(Fault) -> RoleUse? {
        try await database.transaction { transaction async throws(Fault) -> RoleUse? in
            try await transaction.execute(SQL.lock)
            let use = try await transaction.first(SQL.use, [id]) ?? RoleUse(children: [], sessions: 0)
            guard use.sessions == 0, detaching || use.children.isEmpty else { return use }
            try await transaction.execute(SQL.delete, [id])
            return nil
        }
    }

    private func checkChain(of id: RoleID, in transaction: Transaction) async throws(Fault) {
        let names = try await transaction.query(SQL.chain, [id, Self.depth + 1])
        if let again = names.dropFirst().firstIndex(where: { $0.id == id }) {
            throw Self.circle(names[...again].map(\.name))
        }
        guard names.count <= Self.depth else {
            throw Fault(
                .conflict,
                "At most \(Self.depth) roles inherit from each other; choose a parent nearer to the top.",
                details: ["field": "parent"]
            )
        }
    }

    private static func circle(_ names: [String]) -> Fault {
        Fault(
            .conflict,
            "A role cannot inherit from itself: \(names.joined(separator: " → ")).",
            details: ["field": "parent", "cycle": .array(names.map(JSONValue.string))]
        )
    }

    private static func stored(_ record: RoleRecord?) throws(Fault) -> RoleRecord {
        guard let record else { throw Fault(.notFound, "The role was removed meanwhile; list them with role.list.") }
        return record
    }

    private func inCallersWords<Answer: Sendable>(
        _ name: String,
        _ body: () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        do {
            return try await body()
        } catch {
            guard error.details?["constraint"] == "unq_roles_name" else { throw error }
            throw Fault(
                .conflict,
                "There is a role called “\(name)” already; choose another name.",
                details: ["field": "name"]
            )
        }
    }

    enum SQL {
        static let find = Statement<RoleRecord>(
            """
            SELECT r.*, p.name AS parent FROM nave.roles r LEFT JOIN nave.roles p ON p.id = r.parent_id
             WHERE r.id = $1 OR r.name = $1
             ORDER BY r.id = $1 DESC LIMIT 1
            """
        )

        static let names = Statement<String>("SELECT name FROM nave.roles ORDER BY name LIMIT 1000")

        static let list = Statement<RoleRecord>(
            """
            SELECT r.*, p.name AS parent FROM nave.roles r LEFT JOIN nave.roles p ON p.id = r.parent_id
             WHERE ($1::text IS NULL OR r.mode = $1) AND ($2::text IS NULL OR r.name > $2)
             ORDER BY r.name
             LIMIT $3
            """
        )

        /// Bounded, so that a circle ends: its first role then comes twice.
        static let chain = Statement<RoleRecord>(
            """
            WITH RECURSIVE up (id, parent_id, place) AS (
                SELECT id, parent_id, 1 FROM nave.roles WHERE id = $1
                UNION ALL
                SELECT r.id, r.parent_id, up.place + 1 FROM up JOIN nave.roles r ON r.id = up.parent_id
                 WHERE up.place < $2::integer
            )
            SELECT r.*, p.name AS parent
              FROM up JOIN nave.roles r ON r.id = up.id LEFT JOIN nave.roles p ON p.id = r.parent_id
             ORDER BY up.place
            """
        )

        /// Who inherits from whom changes one after the other: two changes that are right alone may close a circle.
        static let lock = Statement<String>("SELECT pg_advisory_xact_lock(hashtextextended('nave.roles', 7420))::text")

        static let create = Statement<Void>(
            """
            INSERT INTO nave.roles
                (id, name, description, mode, temperature, prompt, model, permissions, tools, parent_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10)
            """
        )

        static let update = Statement<Void>(
            """
            UPDATE nave.roles
               SET name = coalesce($2, name), description = coalesce($3, description), mode = coalesce($4, mode),
                   temperature = coalesce($5, temperature), prompt = coalesce($6, prompt),
                   model = coalesce($7, model), permissions = coalesce($8::jsonb, permissions),
                   tools = coalesce($9::jsonb, tools), parent_id = CASE WHEN $10 THEN $11 ELSE parent_id END
             WHERE id = $1
            """
        )

        static let use = Statement<RoleUse>(
            """
            SELECT ARRAY(SELECT c.name FROM nave.roles c WHERE c.parent_id = r.id ORDER BY c.name LIMIT 20) AS children,
                   (SELECT count(*) FROM nave.sessions s
                     WHERE s.role_name = r.name AND s.status IN ('busy', 'retry')) AS sessions
              FROM nave.roles r WHERE r.id = $1
            """
        )

        static let delete = Statement<Void>("DELETE FROM nave.roles WHERE id = $1")
    }
}

/// What stands in the way of removing a role.
struct RoleUse: RowDecodable {
    let children: [String]
    let sessions: Int64

    init(children: [String], sessions: Int64) {
        self.children = children
        self.sessions = sessions
    }

    init(_ row: Row) throws(Fault) {
        self.init(children: try row["children"], sessions: try row["sessions"])
    }
}

extension RoleMode: Bindable, ColumnDecodable {}

extension RoleRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            id: try row["id"],
            name: try row["name"],
            description: try row["description"],
            mode: try row["mode"],
            temperature: try row["temperature"],
            prompt: try row["prompt"],
            model: try row["model"],
            permissions: try row.json("permissions"),
            tools: try row["tools"],
            parentId: try row["parent_id"],
            parent: try row["parent"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}
