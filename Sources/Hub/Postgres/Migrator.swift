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
    }

    /// - Parameter schema: Where the table `schema_migrations` lives; created if missing.
    public init(_ database: Database, schema: String, migrations: [Migration], logger: Logger) {}

    /// Applies what is missing, one transaction each, and answers the numbers applied.
    ///
    /// Fails with `CONFLICT` if an applied migration was edited or the database is newer than the program.
    @discardableResult
    public func apply() async throws(Fault) -> [Int] { fatalError() }

    /// Where the database stands; changes nothing.
    public func status() async throws(Fault) -> Status { fatalError() }
}
