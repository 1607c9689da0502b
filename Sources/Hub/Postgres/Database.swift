public import Logging
public import Protocol

/// A Postgres database through a pool of pipelined connections.
public final class Database: Sendable {
    /// What a listener is told.
    public enum Notification: Sendable, Hashable {
        /// All channels are heard from here on, after the first connection and after each later one: what was
        /// notified before may have been missed, so read the truth.
        case reconnected
        /// `NOTIFY channel, 'payload'` of a committed transaction.
        case notified(channel: String, payload: String)
    }

    /// Opens nothing yet: connections are made as they are needed.
    public init(_ configuration: DatabaseConfiguration, logger: Logger) {}

    /// All rows of the answer.
    public func query<Row: RowDecodable>(
        _ statement: Statement<Row>,
        _ values: [(any Bindable)?] = []
    ) async throws(Fault) -> [Row] { fatalError() }

    /// The first row of the answer, `nil` if there is none.
    public func first<Row: RowDecodable>(
        _ statement: Statement<Row>,
        _ values: [(any Bindable)?] = []
    ) async throws(Fault) -> Row? { fatalError() }

    /// Runs a statement for its effect and answers how many rows it touched.
    @discardableResult
    public func execute<Row>(
        _ statement: Statement<Row>,
        _ values: [(any Bindable)?] = []
    ) async throws(Fault) -> Int { fatalError() }

    /// Runs the body between BEGIN and COMMIT on a connection of its own; an error rolls back.
    public func transaction<Result: Sendable>(
        _ isolation: Isolation = .readCommitted,
        _ body: @Sendable (Transaction) async throws(Fault) -> Result
    ) async throws(Fault) -> Result { fatalError() }

    /// What is notified on these channels, over a connection of its own that is made anew whenever it is lost.
    public func listen(_ channels: [String]) -> AsyncStream<Notification> { fatalError() }

    /// Whether the database answers: `SELECT 1`.
    public func ping() async throws(Fault) { fatalError() }

    /// What the server says of a statement's parameters and columns.
    public func describe(_ sql: String) async throws(Fault) -> StatementDescription { fatalError() }

    /// Ends all connections; statements under way finish first, waiting ones fail with `UNAVAILABLE`.
    public func close() async { fatalError() }
}
