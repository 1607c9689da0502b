/// One SQL text and the row it answers with.
///
/// The text is a literal in the program, never assembled: values go in as `$1`, `$2`, …. It is prepared once per
/// connection, under a name that the client keeps by the text. `Statement<Void>` answers with no rows.
///
///     static let count = Statement<Int64>("SELECT count(*) FROM nave.sessions WHERE project_id = $1")
public struct Statement<Row: Sendable>: Sendable {
    /// The SQL, with `$n` for values.
    public let sql: String

    /// Takes a literal SQL text of one command.
    public init(_ sql: String) { self.sql = sql }
}

/// What a database says about a statement before it ever ran: for tests that compare it with the program.
public struct StatementDescription: Sendable, Hashable {
    /// One column of the answer.
    public struct Column: Sendable, Hashable {
        /// The name as in `row["name"]`.
        public let name: String
        /// The type as Postgres spells it, such as `timestamp with time zone`.
        public let type: String
    }

    /// The types of `$1`, `$2`, … as Postgres spells them.
    public let parameters: [String]
    /// The columns of the answer; empty for a command without rows.
    public let columns: [Column]
}
