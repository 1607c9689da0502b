import Logging
import Protocol

/// SQLSTATE to Fault: what a failed statement means to a caller.
///
/// Source of the codes: PostgreSQL documentation, appendix A.
enum SQLState {
    /// A retry might work after this long.
    static let retryAfterMilliseconds: Int64 = 1_000

    /// The fault for a caller; the server's own words stay in the log.
    static func fault(_ failure: Failure) -> Fault {
        switch failure {
        case .server(let error): fault(error)
        case .refused(let reason): fault(reason)
        case .lost:
            unavailable(
                "The connection to the database broke before it answered; see whether the change was made and retry.",
                ["outcome": "unknown"]
            )
        case .leaseOver: unavailable("The transaction's connection is gone and nothing of it was stored; try again.")
        case .abandoned: Fault(.aborted, "The statement was given up because its caller was cancelled.")
        }
    }

    private static func fault(_ error: ServerError) -> Fault {
        let facts = details(error)
        let code = error.state
        switch code {
        case "23505", "23P01":
            return Fault(.conflict, "Something with the same key is already there; change the key.", details: facts)
        case "23503", "23001":
            return Fault(
                .conflict,
                "It refers to something that is not there, or is still referred to.",
                details: facts
            )
        case "23514":
            return Fault(.validation, "The database refuses this combination of values; correct them.", details: facts)
        case "23502":
            return Fault(.validation, "A value is missing that is required; give it.", details: facts)
        case "22001", "22003", "22021", "22P05", "22008", "54000":
            return Fault(.validation, "A value is too long, too large or not allowed; correct it.", details: facts)
        case "57014", "55P03":
            return Fault(.timeout, "The database took too long; try again or ask for less.", details: facts)
        case "40001", "40P01":
            return unavailable("Too many others changed the same things; try again.", facts.members)
        case _ where isUnavailable(code):
            return unavailable("The database is not ready; try again.", facts.members)
        default:
            return Fault(.execution, "The database refused a statement; the hub's log says why.", details: facts)
        }
    }

    private static func fault(_ reason: PoolMachine.Refusal) -> Fault {
        switch reason {
        case .waitedTooLong: unavailable("No connection to the database came free in time; try again.")
        case .lineTooLong: unavailable("Too many statements wait for the database; try again.")
        case .cannotConnect:
            unavailable(
                "The database refuses connections; check its address, name and password: the log says what it said.",
                ["cause": "configuration"]
            )
        case .closed: unavailable("This hub is closing its database; ask another or try again.")
        }
    }

    /// Connection troubles (08), too few resources (53), the server going or coming (57P0x), read-only after failover.
    static func isUnavailable(_ code: String) -> Bool {
        code.hasPrefix("08") || code.hasPrefix("53") || code.hasPrefix("57P") || code == "25006" || code == "25P03"
    }

    /// The connection answers, but its server is not the one to talk to any more.
    static func wearsOut(_ code: String) -> Bool { code == "25006" || code.hasPrefix("57P") || code == "25P03" }

    /// A transaction that failed so may simply begin again.
    static func isWorthRepeating(_ failure: Failure) -> Bool {
        switch failure {
        case .server(let error):
            error.isStalePlan || ["40001", "40P01"].contains(error.state) || wearsOut(error.state)
        case .lost, .leaseOver: true
        case .refused, .abandoned: false
        }
    }

    /// The server may have done what it was asked before the connection ended.
    static func leavesDoubt(_ failure: Failure) -> Bool {
        switch failure {
        case .server(let error): error.state.hasPrefix("57P") || error.state.hasPrefix("08")
        case .lost: true
        case .leaseOver, .refused, .abandoned: false
        }
    }

    static func unavailable(_ message: String, _ more: [String: JSONValue] = [:]) -> Fault {
        let wait: [String: JSONValue] = ["retryAfterMilliseconds": .integer(retryAfterMilliseconds)]
        return Fault(.unavailable, message, details: .object(wait.merging(more) { first, _ in first }))
    }

    private static func details(_ error: ServerError) -> JSONValue {
        var facts: [String: JSONValue] = ["sqlstate": .string(error.state)]
        if let constraint = error.constraint { facts["constraint"] = .string(constraint) }
        if let table = error.table { facts["table"] = .string(table) }
        if let column = error.column { facts["column"] = .string(column) }
        return .object(facts)
    }
}

extension Failure {
    /// Writes down what the caller is not told. What a caller can cause is for those who look closely.
    func log(_ sql: String, to logger: Logger) {
        switch self {
        case .server(let error):
            let fault = SQLState.fault(self)
            let level: Logger.Level = fault.code == .execution ? .error : fault.code == .unavailable ? .warning : .debug
            logger.log(
                level: level,
                "statement failed",
                metadata: ["sqlstate": "\(error.state)", "reason": "\(error.message)", "sql": "\(sql.prefix(500))"]
            )
        case .lost(let reason): logger.warning("connection lost", metadata: ["reason": "\(reason)"])
        case .refused, .leaseOver, .abandoned: logger.debug("statement not run", metadata: ["reason": "\(self)"])
        }
    }
}

extension JSONValue {
    fileprivate var members: [String: JSONValue] {
        guard case .object(let members) = self else { return [:] }
        return members
    }
}
