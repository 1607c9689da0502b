import CPostgres
import Foundation
import Logging
import Protocol

/// Makes connections on threads of its own.
///
/// Not with `PQconnectPoll` on the reactor's thread: libpq looks names up with a blocking `getaddrinfo` there, and
/// only the blocking form gives each of several hosts its own `connect_timeout` (libpq, `PQconnectStartParams`).
enum Connector {
    /// A connection that is ready for its user, or why there is none.
    enum Outcome: Sendable {
        case connection(Handoff)
        case failure(reason: String, isHopeless: Bool)

        /// Nobody wants the connection any more.
        func discard() {
            if case .connection(let handoff) = self { PQfinish(handoff.raw) }
        }
    }

    /// A `PGconn` on its way from the connecting thread to the reactor's.
    ///
    /// Sendable because it is in one place at a time: the sender forgets it when it posts it.
    struct Handoff: @unchecked Sendable {
        let raw: OpaquePointer
    }

    private static let queue = DispatchQueue(label: "postgres.connect", attributes: .concurrent)

    /// Connects and prepares the session; `done` is called on another thread.
    static func connect(
        _ configuration: DatabaseConfiguration,
        isPipelined: Bool,
        _ done: @escaping @Sendable (Outcome) -> Void
    ) {
        queue.async { done(connect(configuration, isPipelined: isPipelined)) }
    }

    /// Asks the server, after a pause, to cancel what runs on a connection; `done` follows when it has been told.
    static func cancel(_ raw: OpaquePointer, after pause: Duration, _ done: @escaping @Sendable () -> Void) {
        guard let request = PQgetCancel(raw) else { return done() }
        let handoff = Handoff(raw: request)
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(pause.nanoseconds))) {
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                // If the server cannot be told, the statement runs into its own timeout.
                _ = PQcancel(handoff.raw, buffer.baseAddress, Int32(buffer.count))
            }
            PQfreeCancel(handoff.raw)
            done()
        }
    }

    /// Whether a server accepts connections there, found out on another thread.
    static func answers(_ connectionString: String) async -> Bool {
        await withCheckedContinuation { continuation in
            queue.async {
                let raw = PQconnectdb(connectionString + " connect_timeout=5")
                continuation.resume(returning: PQstatus(raw) == CONNECTION_OK)
                PQfinish(raw)
            }
        }
    }

    private static func connect(_ configuration: DatabaseConfiguration, isPipelined: Bool) -> Outcome {
        guard let raw = open(configuration) else { return .failure(reason: "Out of memory", isHopeless: false) }
        guard PQstatus(raw) == CONNECTION_OK else {
            let reason = String(cString: PQerrorMessage(raw))
            PQfinish(raw)
            return .failure(reason: reason, isHopeless: isHopeless(reason))
        }
        // Notices would go to stderr; statements that matter are judged by their result.
        _ = PQsetNoticeReceiver(raw, { _, _ in }, nil)
        let result = PQexec(raw, settings(configuration))
        let isReady = PQresultStatus(result) == PGRES_COMMAND_OK && PQsetnonblocking(raw, 1) == 0
        PQclear(result)
        guard isReady, !isPipelined || PQenterPipelineMode(raw) == 1 else {
            let reason = String(cString: PQerrorMessage(raw))
            PQfinish(raw)
            return .failure(reason: reason, isHopeless: false)
        }
        return .connection(Handoff(raw: raw))
    }

    /// Later parameters win over earlier ones, so that the connection string has the last word where it speaks.
    private static func open(_ configuration: DatabaseConfiguration) -> OpaquePointer? {
        let connectSeconds = max(2, configuration.connectTimeout.components.seconds)
        let parameters: [(String, String)] = [
            ("connect_timeout", "\(connectSeconds)"),
            // A peer that vanished without a word is noticed after 10 + 3 × 5 seconds.
            ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "25000"),
            ("fallback_application_name", configuration.applicationName),
            ("dbname", configuration.connectionString),
            // Values go in and out as UTF-8, whatever the string or the environment says.
            ("client_encoding", "UTF8"),
        ]
        let keywords = parameters.map { strdup($0.0) }
        let values = parameters.map { strdup($0.1) }
        defer { for text in keywords + values { free(text) } }
        let terminated = (keywords + [nil]).map { UnsafePointer($0) }
        return PQconnectdbParams(terminated, (values + [nil]).map { UnsafePointer($0) }, 1)
    }

    /// The planner's defaults are for disks that turn and for long statements; where nobody chose others, a table that
    /// was small when its plan was made would be read whole ever after, and short statements compiled.
    private static func settings(_ configuration: DatabaseConfiguration) -> String {
        """
        SET statement_timeout = \(configuration.statementTimeout.milliseconds);
        SET idle_in_transaction_session_timeout = \(configuration.idleInTransactionTimeout.milliseconds);
        SET timezone = 'UTC';
        SET jit = off;
        DO $$BEGIN IF current_setting('random_page_cost') = '4' THEN SET random_page_cost = 1.1; END IF; END$$
        """
    }

    /// Troubles that only a person ends. A reason in another language is taken for one that passes: callers then wait
    /// for their time instead of failing at once.
    private static func isHopeless(_ reason: String) -> Bool {
        let hopeless = [
            "authentication failed", "does not exist", "no pg_hba.conf entry", "invalid connection option",
            "missing \"=\"", "invalid URI", "no password supplied", "is not permitted to log in",
        ]
        // Of several hosts one may only be starting.
        let passing = ["starting up", "shutting down", "Connection refused", "timeout expired", "No such file"]
        return hopeless.contains(where: reason.contains) && !passing.contains(where: reason.contains)
    }
}
