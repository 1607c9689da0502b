import Logging
import Postgres
import Protocol
import Synchronization

/// The second lock on what belongs to organisations, behind ``Reach`` and the lists' own filters: what a caller reads
/// that is bound by its memberships is read as a role of the database that sees no other rows (migration “viewers”).
///
/// Queries and subscriptions alone are run so. A mutation reads and writes what is nobody's or others' (places,
/// journals, commands), so there is no one in whose place it could do that; its names pass the gate.
final class SecondLock: Sendable {
    private let database: Database
    private let logger: Logger
    /// Whether the role is there; `nil` until that was asked.
    private let isThere = Mutex<Bool?>(nil)

    static let role = "nave_caller"
    static let setting = "nave.account_id"

    init(database: Database, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// Runs what reads for a caller so that it sees what the caller may see. Who oversees everything reads freely.
    func reading<Value: Sendable>(
        for caller: Caller,
        _ operation: String,
        _ work: () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        guard let account = caller.confinedTo, !Self.oversees(caller, operation), try await stands() else {
            return try await work()
        }
        let standpoint = Standpoint(role: Self.role, setting: Self.setting, value: account.rawValue)
        let result = await Standpoint.$current.withValue(standpoint) { () async -> Result<Value, Fault> in
            do throws(Fault) { return .success(try await work()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Whoever looks after the audit trail sees the lines of all organisations, though not their rows.
    private static func oversees(_ caller: Caller, _ operation: String) -> Bool {
        operation == ListAudit.name && caller.identity.holds("audit:admin")
    }

    /// Asked once: the role may have to be made, as after a database was moved to another server.
    private func stands() async throws(Fault) -> Bool {
        if let known = isThere.withLock({ $0 }) { return known }
        let found = try await database.first(Statement<Bool>("SELECT nave.admit_callers()")) ?? false
        let isNews = isThere.withLock { known in
            defer { known = found }
            return known == nil
        }
        if isNews, !found {
            logger.warning(
                "The database's user may not make the role nave_caller: what organisations own has one lock only.",
                metadata: ["remedy": "CREATE ROLE nave_caller NOLOGIN; GRANT nave_caller TO the hub's user"]
            )
        }
        return found
    }
}
