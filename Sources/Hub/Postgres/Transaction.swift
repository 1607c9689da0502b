public import Protocol

/// One connection between BEGIN and COMMIT, as the body of ``Database/transaction(_:_:)`` sees it.
public struct Transaction: Sendable {
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
}

/// How much of other transactions a transaction may see.
public enum Isolation: Sendable {
    /// Each statement sees what was committed before it began.
    case readCommitted
    /// All statements see what was committed before the first.
    case repeatableRead
    /// As if transactions ran one after the other; expect retries.
    case serializable
}
