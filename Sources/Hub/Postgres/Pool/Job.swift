import CPostgres
import Protocol

/// One thing for a connection to do, and whom to tell.
struct Job: Sendable {
    enum Kind: Sendable {
        /// A prepared statement with values.
        case statement
        /// Any number of statements in one text without values; needs the connection to itself.
        case script
        /// Only asks what the statement takes and answers with.
        case description
    }

    let request: PoolMachine.RequestID
    let kind: Kind
    let sql: String
    let parameters: [Parameter]
    /// Sent in front of it, in the same breath: `BEGIN …` of a transaction's first statement.
    var opening: String?
    /// In whose place it is run, if not as the database's own user.
    var standpoint: Standpoint?
    /// Whether it was already sent once with a plan that the server had given up since.
    var isRepeated = false
    /// Called once, on the reactor's thread.
    let done: @Sendable (Result<QueryResult, Failure>) -> Void
}

extension Job {
    /// By what a prepared statement is known: a plan for one role is none for another.
    var preparedKey: String { standpoint.map { "\($0.role)\u{0}\(sql)" } ?? sql }
}

/// Why a job has no result.
enum Failure: Error, Sendable, Hashable {
    /// The server said no.
    case server(ServerError)
    /// The pool could not serve it.
    case refused(PoolMachine.Refusal)
    /// The connection broke before the answer came: whether the statement took effect is not known.
    case lost(String)
    /// The transaction's connection is gone, or the transaction is over.
    case leaseOver
    /// The caller does not want the answer any more.
    case abandoned
}

/// What the server says of a failed statement, without the parts that may quote values.
struct ServerError: Sendable, Hashable {
    let state: String
    let message: String
    let constraint: String?
    let table: String?
    let column: String?

    init(_ result: OpaquePointer) {
        // The field codes are the characters of `PG_DIAG_…` in postgres_ext.h.
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
            return String(cString: text)
        }
        state = field("C") ?? ""
        message = field("M") ?? String(cString: PQresultErrorMessage(result))
        constraint = field("n")
        table = field("t")
        column = field("c")
    }

    /// The server replaced its plan, as after a migration: the statement was not run and may be sent again.
    var isStalePlan: Bool { state == "26000" || (state == "0A000" && message.contains("cached plan")) }
}
