public import Protocol
import Synchronization

/// One connection between BEGIN and COMMIT, as the body of ``Database/transaction(_:_:)`` sees it.
///
/// Statements run in the order in which they are asked for. After an error every further one fails, too: let it out.
public struct Transaction: Sendable {
    private final class State: Sendable {
        struct Facts {
            var hasBegun = false
            var isOver = false
            var isWorthRepeating = false
        }
        let facts = Mutex(Facts())
    }

    private let lane: Lane
    private let isolation: Isolation
    private let state = State()

    init(lane: Lane, isolation: Isolation) {
        self.lane = lane
        self.isolation = isolation
    }

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

    /// Whether a statement failed in a way that may be gone at the next attempt.
    var isWorthRepeating: Bool { state.facts.withLock { $0.isWorthRepeating } }

    /// Runs the body, then COMMIT or ROLLBACK, and gives the connection back.
    func run<Answer: Sendable>(
        _ body: @Sendable (Transaction) async throws(Fault) -> Answer
    ) async -> Result<Answer, Fault> {
        do throws(Fault) {
            let answer = try await body(self)
            try await commit()
            return .success(answer)
        } catch {
            await rollBack()
            return .failure(error)
        }
    }

    /// `BEGIN` goes out together with the first statement: if it fails, so does the statement.
    private func answer(_ sql: String, _ values: [(any Bindable)?]) async throws(Fault) -> QueryResult {
        let parameters = try Parameter.list(values)
        let (isOver, isFirst) = state.facts.withLock { facts in
            defer { facts.hasBegun = true }
            return (facts.isOver, !facts.hasBegun)
        }
        guard !isOver else {
            throw Fault(.execution, "The transaction is over; use it only inside its body.")
        }
        return try take(
            await lane.send(
                sql,
                parameters,
                opening: isFirst ? isolation.begin : nil,
                standpoint: Standpoint.current
            )
        )
    }

    private func commit() async throws(Fault) {
        let hasBegun = state.facts.withLock { facts in
            facts.isOver = true
            return facts.hasBegun
        }
        guard hasBegun else { return lane.release(isReusable: true) }
        let result = await lane.send("COMMIT", isCancellable: false)
        if case .failure(let failure) = result, SQLState.leavesDoubt(failure) {
            // Whether it is committed is not known: the one case that must not begin again.
            state.facts.withLock { $0.isWorthRepeating = false }
            throw SQLState.fault(.lost("during COMMIT"))
        }
        // COMMIT of a transaction in which a statement failed succeeds, as a ROLLBACK.
        guard try take(result).commandTag == "COMMIT" else {
            throw Fault(.execution, "A statement of the transaction failed, so nothing of it was stored.")
        }
        lane.release(isReusable: true)
    }

    /// Also follows a COMMIT that failed; the server then only warns.
    private func rollBack() async {
        let hasBegun = state.facts.withLock { facts in
            facts.isOver = true
            return facts.hasBegun
        }
        guard hasBegun else { return lane.release(isReusable: true) }
        let result = await lane.send("ROLLBACK", isCancellable: false)
        // A connection that cannot even roll back is closed, which rolls back.
        if case .success = result { lane.release(isReusable: true) } else { lane.release(isReusable: false) }
    }

    private func take(_ result: Result<QueryResult, Failure>) throws(Fault) -> QueryResult {
        switch result {
        case .success(let answer): return answer
        case .failure(let failure):
            if SQLState.isWorthRepeating(failure) { state.facts.withLock { $0.isWorthRepeating = true } }
            // Nothing is stored before COMMIT, so a lost connection leaves no doubt here.
            if case .lost = failure { throw SQLState.fault(.leaseOver) }
            throw SQLState.fault(failure)
        }
    }
}

/// How much of other transactions a transaction may see.
public enum Isolation: Sendable {
    /// Each statement sees what was committed before it began.
    case readCommitted
    /// All statements see what was committed before the first.
    case repeatableRead
    /// As if transactions ran one after the other; expect retries.
    case serializable

    var begin: String {
        switch self {
        case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        }
    }
}
