public import Logging
public import Protocol
import Synchronization

/// A Postgres database through a pool of pipelined connections that one thread drives.
///
/// Statements outside a transaction commit by themselves and run side by side; an error is its statement's alone.
/// A statement is never sent twice behind the caller's back: if its connection breaks it fails with `UNAVAILABLE`.
/// A cancelled task gives up waiting with `ABORTED`; whether its statement took effect is then not known.
public final class Database: Sendable {
    /// What a listener is told.
    public enum Notification: Sendable, Hashable {
        /// All channels are heard from here on, after the first connection and after each later one, or the reader was
        /// too slow: what was notified before may have been missed, so read the truth.
        case reconnected
        /// `NOTIFY channel, 'payload'` of a committed transaction.
        case notified(channel: String, payload: String)
    }

    /// Notifications kept for a slow reader, before the oldest give way to one ``Notification/reconnected``.
    private static let notificationsMax = 1_024

    private let configuration: DatabaseConfiguration
    private let reactor: Reactor
    private let lane: Lane
    private let subscriptionsMade = Atomic(0)

    /// Opens nothing yet: connections are made as they are needed.
    public init(_ configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        reactor = Reactor(configuration, logger: logger)
        lane = Lane(reactor: reactor, logger: logger)
    }

    deinit { reactor.post(.stop) }

    /// How the pool stands.
    public var gauges: PoolGauges { reactor.gauges }

    /// All rows of the answer.
    public func query<Row: RowDecodable>(
        _ statement: Statement<Row>,
        _ values: [(any Bindable)?] = []
    ) async throws(Fault) -> [Row] {
        try await answer(statement.sql, values).rows(Row.self)
    }

    /// The first row of the answer, `nil` if there is none.
    public func first<Row: RowDecodable>(
        _ statement: Statement<Row>,
        _ values: [(any Bindable)?] = []
    ) async throws(Fault) -> Row? {
        try await answer(statement.sql, values).firstRow(Row.self)
    }

    /// Runs a statement for its effect and answers how many rows it touched.
    @discardableResult
    public func execute<Row>(
        _ statement: Statement<Row>,
        _ values: [(any Bindable)?] = []
    ) async throws(Fault) -> Int {
        try await answer(statement.sql, values).affected
    }

    /// Runs the body between BEGIN and COMMIT on a connection of its own. An error rolls back and is thrown on.
    ///
    /// The body runs again, up to ``DatabaseConfiguration/transactionAttempts`` times, after a serialization failure,
    /// a deadlock or a connection lost before COMMIT: it must do nothing but talk to the transaction and compute.
    /// It must not use the database beside its transaction: with all connections taken that would wait for itself.
    @discardableResult
    public func transaction<Result: Sendable>(
        _ isolation: Isolation = .readCommitted,
        _ body: @Sendable (Transaction) async throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        var backoff = Backoff(first: .milliseconds(5), longest: .milliseconds(250))
        var generator = SystemRandomNumberGenerator()
        var attempt = 1
        while true {
            let transaction = Transaction(lane: try await lane.leased(), isolation: isolation)
            switch await transaction.run(body) {
            case .success(let result): return result
            case .failure(let fault):
                let mayRepeat = transaction.isWorthRepeating && !Task.isCancelled
                guard mayRepeat, attempt < configuration.transactionAttempts else { throw fault }
                attempt += 1
                // A cancelled pause is a short pause: the next attempt finds out by itself.
                try? await Task.sleep(for: backoff.next(using: &generator))
            }
        }
    }

    /// What is notified on these channels, over a connection of its own that is made anew whenever it is lost.
    ///
    /// The first element is ``Notification/reconnected``, once the server listens. Ends with ``close()``.
    public func listen(_ channels: [String]) -> AsyncStream<Notification> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Notification.self,
            bufferingPolicy: .bufferingNewest(Self.notificationsMax)
        )
        let number = subscriptionsMade.wrappingAdd(1, ordering: .relaxed).newValue
        continuation.onTermination = { [reactor] _ in reactor.post(.unlisten(number)) }
        reactor.post(.listen(.init(number: number, channels: channels, continuation: continuation)))
        return stream
    }

    /// Whether the database answers: `SELECT 1`.
    public func ping() async throws(Fault) { try await execute(Statement<Void>("SELECT 1")) }

    /// What the server says of a statement's parameters and columns, without running it.
    public func describe(_ sql: String) async throws(Fault) -> StatementDescription {
        let description = try fault(await lane.send(sql, as: .description))
        let types = description.parameterTypes.map(Int64.init) + description.columnTypes.map(Int64.init)
        let names = try await query(
            Statement<String>(
                """
                SELECT format_type(oid::oid, NULL)
                  FROM unnest($1::int8[]) WITH ORDINALITY AS asked (oid, place) ORDER BY place
                """
            ),
            [types]
        )
        let parameterCount = description.parameterTypes.count
        let columns = zip(description.columnNames, names.dropFirst(parameterCount))
        return StatementDescription(
            parameters: Array(names.prefix(parameterCount)),
            columns: columns.map { .init(name: $0, type: $1) }
        )
    }

    /// Ends all connections; statements under way finish first, waiting ones fail with `UNAVAILABLE`.
    public func close() async {
        await withCheckedContinuation { continuation in reactor.post(.close { continuation.resume() }) }
    }

    /// A connection of one's own outside any transaction, for what must not be in one.
    func lease() async throws(Fault) -> Lane { try await lane.leased() }

    private func answer(_ sql: String, _ values: [(any Bindable)?]) async throws(Fault) -> QueryResult {
        try fault(await lane.send(sql, try Parameter.list(values), standpoint: Standpoint.current))
    }

    private func fault(_ result: Swift.Result<QueryResult, Failure>) throws(Fault) -> QueryResult {
        switch result {
        case .success(let answer): return answer
        case .failure(let failure): throw SQLState.fault(failure)
        }
    }
}

extension Parameter {
    /// The most that the protocol's 16-bit count can say.
    private static let countMax = 65_535

    static func list(_ values: [(any Bindable)?]) throws(Fault) -> [Parameter] {
        guard values.count <= countMax else {
            throw Fault(.tooLarge, "A statement takes at most \(countMax) values; pass lists as arrays.")
        }
        var parameters: [Parameter] = []
        parameters.reserveCapacity(values.count)
        for value in values { parameters.append(try value?.parameter() ?? .null) }
        return parameters
    }
}
