public import Logging
public import Protocol

/// One step of a database's history. Never edited once released.
public struct Migration: Sendable, Hashable {
    /// Its place in history, from 1 without gaps.
    public let number: Int
    /// A few words, such as `identity`.
    public let name: String
    /// Any number of statements, run in one transaction.
    public let sql: String

    /// A step of history.
    public init(number: Int, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }
}

/// Brings a database to the newest state that the program knows.
public struct Migrator: Sendable {
    /// Where a database stands.
    public struct Status: Sendable, Hashable {
        /// Numbers already applied.
        public let applied: [Int]
        /// Numbers that ``Migrator/apply()`` would apply.
        public let pending: [Int]
        /// Why ``Migrator/apply()`` would refuse; `nil` if it would not.
        public let trouble: Fault?

        /// Where a database stands.
        public init(applied: [Int], pending: [Int], trouble: Fault?) {
            self.applied = applied
            self.pending = pending
            self.trouble = trouble
        }
    }

    private let database: Database
    private let schema: String
    private let migrations: [Migration]
    private let logger: Logger

    /// - Parameter schema: Where the table `schema_migrations` lives; created if missing.
    public init(_ database: Database, schema: String, migrations: [Migration], logger: Logger) {
        precondition(
            migrations.map(\.number) == Array(1..<migrations.count + 1),
            "Migrations are numbered from 1 without gaps"
        )
        self.database = database
        self.schema = schema
        self.migrations = migrations
        self.logger = logger
    }

    /// Applies what is missing, one transaction each, and answers the numbers applied.
    ///
    /// Any number of programs may call this at a time: an advisory lock lets one work and the others wait.
    /// Fails with `CONFLICT` if an applied migration was edited or the database is newer than the program.
    @discardableResult
    public func apply() async throws(Fault) -> [Int] {
        let lane = try await database.lease()
        // Closing the connection undoes its settings, its lock and a transaction that failed half-way.
        defer { lane.release(isReusable: false) }
        try await run(lane, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0", as: .script)
        try await run(lane, "SELECT pg_advisory_lock(hashtextextended($1, 0))", ["\(schema).schema_migrations"])
        try await run(lane, createTable, as: .script)
        let plan = MigrationPlan(try await known(lane), applied: try await applied(lane))
        if let trouble = plan.trouble { throw trouble }
        for migration in migrations where plan.pending.contains(migration.number) { try await apply(migration, lane) }
        return plan.pending
    }

    /// Where the database stands; changes nothing.
    public func status() async throws(Fault) -> Status {
        let lane = try await database.lease()
        defer { lane.release(isReusable: false) }
        let table = try await run(lane, "SELECT to_regclass($1) IS NOT NULL", [table])
        let exists = try table.firstRow(Bool.self) ?? false
        let plan = MigrationPlan(try await known(lane), applied: exists ? try await applied(lane) : [])
        return Status(applied: plan.applied, pending: plan.pending, trouble: plan.trouble)
    }

    private func apply(_ migration: Migration, _ lane: Lane) async throws(Fault) {
        logger.info("migrating", metadata: ["number": "\(migration.number)", "name": "\(migration.name)"])
        do throws(Fault) {
            try await run(lane, "BEGIN")
            try await run(lane, migration.sql, as: .script)
            try await run(
                lane,
                """
                INSERT INTO \(table) (number, name, checksum)
                VALUES ($1, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex'))
                """,
                [migration.number, migration.name, migration.sql]
            )
            try await run(lane, "COMMIT")
        } catch {
            throw Fault(
                error.code == .unavailable ? .unavailable : .execution,
                "Migration \(migration.number) (\(migration.name)) failed and was undone; the log says why.",
                details: error.details
            )
        }
    }

    /// The database reckons the checksums, so that they are the same whoever asks.
    private func known(_ lane: Lane) async throws(Fault) -> [MigrationPlan.Entry] {
        let sums = try await run(
            lane,
            """
            SELECT encode(sha256(convert_to(sql, 'UTF8')), 'hex')
              FROM unnest($1::text[]) WITH ORDINALITY AS known (sql, place) ORDER BY place
            """,
            [migrations.map(\.sql)]
        )
        let texts = try sums.rows(String.self)
        return zip(migrations, texts).map { .init(number: $0.number, name: $0.name, checksum: $1) }
    }

    private func applied(_ lane: Lane) async throws(Fault) -> [MigrationPlan.Entry] {
        try await run(lane, "SELECT number, name, checksum FROM \(table) ORDER BY number").rows(
            MigrationPlan.Entry.self
        )
    }

    @discardableResult
    private func run(
        _ lane: Lane,
        _ sql: String,
        _ values: [(any Bindable)?] = [],
        as kind: Job.Kind = .statement
    ) async throws(Fault) -> QueryResult {
        switch await lane.send(sql, try Parameter.list(values), as: kind) {
        case .success(let result): return result
        case .failure(let failure): throw SQLState.fault(failure)
        }
    }

    private var quotedSchema: String { "\"\(schema.replacing("\"", with: "\"\""))\"" }
    private var table: String { "\(quotedSchema).schema_migrations" }

    private var createTable: String {
        """
        CREATE SCHEMA IF NOT EXISTS \(quotedSchema);
        CREATE TABLE IF NOT EXISTS \(table) (
            number     integer PRIMARY KEY,
            name       text NOT NULL,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    }
}

/// From the history a program knows and the one a database has: what is missing, or why the two do not fit.
struct MigrationPlan: Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        let number: Int
        let name: String
        let checksum: String
    }

    let applied: [Int]
    let pending: [Int]
    let trouble: Fault?

    init(_ known: [Entry], applied: [Entry]) {
        let expected = Dictionary(known.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
        let newest = known.last?.number ?? 0
        self.applied = applied.map(\.number)
        if let beyond = applied.first(where: { $0.number > newest }) {
            trouble = Fault(
                .conflict,
                """
                The database is newer than this program: it has migration \(beyond.number) (\(beyond.name)), the \
                program knows \(newest); run the newer program.
                """
            )
        } else if let edited = applied.first(where: { expected[$0.number]?.checksum != $0.checksum }) {
            trouble = Fault(
                .conflict,
                """
                Migration \(edited.number) (\(edited.name)) was edited after it was applied; restore its text and put \
                the change into a new migration.
                """
            )
        } else {
            trouble = nil
        }
        let present = Set(self.applied)
        pending = known.map(\.number).filter { !present.contains($0) }
    }
}

extension MigrationPlan.Entry: RowDecodable {
    init(_ row: Row) throws(Fault) {
        number = try row["number"]
        name = try row["name"]
        checksum = try row["checksum"]
    }
}
