public import Protocol

/// One row of an answer.
///
///     init(_ row: Row) throws(Fault) {
///         id = try row["id"]
///         title = try row["title"]            // String? for a column that may be NULL
///         settings = try row.json("settings") // any Decodable from jsonb
///     }
public struct Row: Sendable {
    let result: QueryResult
    let index: Int32

    /// The column of this name as a Swift value.
    ///
    /// Fails with `EXECUTION_ERROR` if there is no such column, if it is NULL and the value is not optional, or if its
    /// type is another one: all three are mistakes of the program, found by the first test that runs the statement.
    public subscript<Value: ColumnDecodable>(_ name: String) -> Value {
        get throws(Fault) { try Value(cell(name)) }
    }

    /// The column at this place, counted from zero.
    public subscript<Value: ColumnDecodable>(_ position: Int) -> Value {
        get throws(Fault) {
            guard position >= 0, position < Int(result.columnCount) else {
                throw Fault(.execution, "The answer has no column at \(position); correct the statement or its row.")
            }
            return try Value(result.cell(row: index, column: Int32(position)))
        }
    }

    /// A json or jsonb column as any `Decodable` value.
    public func json<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws(Fault) -> Value {
        let cell = try cell(name)
        return try WireCoder.value(type, from: cell.jsonBytes())
    }

    /// The same for a column that may be NULL.
    public func json<Value: Decodable>(
        _ name: String,
        as type: Value?.Type = Value?.self
    ) throws(Fault) -> Value? {
        let cell = try cell(name)
        guard cell.bytes != nil else { return nil }
        return try WireCoder.value(Value.self, from: cell.jsonBytes())
    }

    private func cell(_ name: String) throws(Fault) -> Cell {
        guard let column = result.column(named: name) else {
            throw Fault(.execution, "The answer has no column “\(name)”; correct the statement or its row.")
        }
        return result.cell(row: index, column: column)
    }
}

/// A value made from one row.
public protocol RowDecodable: Sendable {
    /// Reads the columns it needs.
    init(_ row: Row) throws(Fault)
}

extension RowDecodable where Self: ColumnDecodable {
    /// A single column is a row by itself: `Statement<Int64>("SELECT count(*) …")`.
    public init(_ row: Row) throws(Fault) { self = try row[0] }
}
