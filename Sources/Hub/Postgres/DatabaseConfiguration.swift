/// Where the database is, and how much of it this process may use.
public struct DatabaseConfiguration: Sendable, Hashable {
    /// A libpq connection string: `postgresql://…`, or `host=… dbname=…`; several hosts with
    /// `target_session_attrs=read-write` follow a failover. May hold a password: never log it.
    public var connectionString: String
    /// Connections of the pool, opened as they are needed; one more listens. At least 1.
    public var connections = 8
    /// Statements that may be under way on one connection at a time; the next waits for a place.
    public var pipelineDepth = 64
    /// Statements and transactions that may wait for a connection; one more is told to come back.
    public var waitingMax = 20_000
    /// How long one of them waits until it fails with `UNAVAILABLE`.
    public var waitLongest = Duration.seconds(10)
    /// How long one statement may run at the server until it fails with `TIMEOUT`; zero for ever.
    public var statementTimeout = Duration.seconds(30)
    /// How long a transaction may sit between two statements before the server ends its connection.
    public var idleInTransactionTimeout = Duration.seconds(60)
    /// How long connecting to one host may take, in whole seconds (libpq counts in seconds; at least 2).
    public var connectTimeout = Duration.seconds(5)
    /// How long an unused connection is kept; one is kept for ever.
    public var idleLongest = Duration.seconds(300)
    /// How often a transaction begins in all, while it ends in a serialization failure, a deadlock or a connection lost
    /// before COMMIT.
    public var transactionAttempts = 5
    /// The name under which the connections appear in `pg_stat_activity`.
    public var applicationName = "nave"

    /// A configuration with the defaults above.
    public init(_ connectionString: String) { self.connectionString = connectionString }
}
