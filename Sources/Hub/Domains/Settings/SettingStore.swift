public import Postgres
public import Protocol

/// What an operator changed of the hub's settings.
public struct SettingStore: Sendable {
    let database: Database

    public init(database: Database) { self.database = database }

    /// What was set of these keys; a key that has its default is not among them.
    public func values(of keys: [String]) async throws(Fault) -> [String: JSONValue] {
        Self.byKey(try await database.query(SQL.values, [keys]))
    }

    /// The value of one key; `nil` if it has its default.
    public func value(of key: String) async throws(Fault) -> JSONValue? { try await values(of: [key])[key] }

    /// What was set, by key: one setting, or all behind a key.
    func list(key: String?, after: String?, limit: Int) async throws(Fault) -> [Setting] {
        try await database.query(SQL.list, [key, after, limit])
    }

    static func byKey(_ settings: some Sequence<Setting>) -> [String: JSONValue] {
        Dictionary(settings.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Rung when a setting changes; the payload is its key.
    public static let channel = "nave_settings"

    /// How often a key without a rate of its own may call: the settings, else what the hub was started with.
    public func callRate(otherwise usual: CallRate) async throws(Fault) -> CallRate {
        let known = try await values(of: RateSetting.allCases.map(\.rawValue))
        return CallRate(
            perSecond: known[RateSetting.callsPerSecond.rawValue]?.numberValue ?? usual.perSecond,
            burst: known[RateSetting.callsBurst.rawValue]?.integerValue.map(Int.init) ?? usual.burst
        )
    }

    /// Stores a value; null removes it.
    func set(_ key: String, to value: JSONValue) async throws(Fault) {
        if value == .null {
            try await database.execute(SQL.remove, [key])
        } else {
            try await database.execute(SQL.set, [key, value])
        }
    }

    struct Setting: RowDecodable {
        let key: String
        let value: JSONValue

        init(_ row: Row) throws(Fault) {
            key = try row["key"]
            value = try row["value"]
        }
    }

    enum SQL {
        static let values = Statement<Setting>(
            "SELECT key, value FROM nave.settings WHERE key = ANY($1)"
        )

        static let list = Statement<Setting>(
            """
            SELECT key, value FROM nave.settings
             WHERE ($1::text IS NULL OR key = $1) AND ($2::text IS NULL OR key > $2)
             ORDER BY key
             LIMIT $3
            """
        )

        /// The bell tells every hub of the database to read its settings anew.
        static let set = Statement<String>(
            """
            WITH kept AS (
                INSERT INTO nave.settings (key, value) VALUES ($1, $2)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value
                RETURNING key
            )
            SELECT pg_notify('nave_settings', key)::text FROM kept
            """
        )

        static let remove = Statement<String>(
            """
            WITH removed AS (DELETE FROM nave.settings WHERE key = $1 RETURNING key)
            SELECT pg_notify('nave_settings', key)::text FROM removed
            """
        )
    }
}
