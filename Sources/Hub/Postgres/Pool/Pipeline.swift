import CPostgres
import Glibc
import Protocol

/// One libpq connection in pipeline mode. Not Sendable on purpose: only the reactor's thread ever touches it.
///
/// Every job is followed by a Sync, so it is a transaction of its own (or a step of the one that is open) and its
/// errors stay its own. In pipeline mode each command answers with results and then NULL, and a Sync with one result
/// and no NULL after it.
final class Pipeline {
    /// A job that was sent and not yet answered.
    struct Flight {
        var job: Job
        /// Nobody waits for the answer any more.
        var isAbandoned = false
        /// Commands in front of the one whose result counts.
        var commandsBefore = 0
        var commandsDone = 0
        /// The name under which this flight prepares its statement.
        var prepares = false
        var result: QueryResult?
        var error: ServerError?
    }

    /// So many NULLs without a result between them belong to no command: nothing more will come.
    private static let nullsMax = 3
    /// Statements kept prepared; beyond this number they are sent as they are. Programs have a few hundred.
    private static let preparedMax = 1_000

    private enum Prepared {
        /// Sent; later uses do not rely on it until the server said yes.
        case underWay(String)
        case ready(String)
    }

    let number: PoolMachine.ConnectionID
    let raw: OpaquePointer
    /// The lease that has this connection, if any.
    var lease: PoolMachine.RequestID?
    /// Cancellations on their way to the server; nothing is sent until they are through.
    var cancelsUnderWay = 0
    private(set) var wantsToWrite = false
    private var flights: [Flight] = []
    private var head = 0
    private var backlog: [Job] = []
    private var prepared: [String: Prepared] = [:]
    private var namesGiven = 0
    /// The name of the prepared statement that takes a standpoint, once that was sent.
    private var standpointName: String?
    private var isRunningScript = false
    /// NULLs since the last result. One ends each command; libpq goes on with them when its connection is over.
    private var nullsInARow = 0

    init(number: PoolMachine.ConnectionID, taking raw: OpaquePointer) {
        self.number = number
        self.raw = raw
    }

    deinit { PQfinish(raw) }

    var descriptor: Int32 { PQsocket(raw) }
    var isBroken: Bool { PQstatus(raw) != CONNECTION_OK || descriptor < 0 }
    var inFlight: Int { flights.count - head }
    var isIdleInSession: Bool { inFlight == 0 && backlog.isEmpty && PQtransactionStatus(raw) == PQTRANS_IDLE }
    var reason: String { String(cString: PQerrorMessage(raw)) }

    /// Sends a job, or keeps it until what must come first is through.
    func submit(_ job: Job) {
        guard cancelsUnderWay == 0, backlog.isEmpty, !isRunningScript else { return backlog.append(job) }
        if case .script = job.kind, inFlight > 0 { return backlog.append(job) }
        send(job)
    }

    /// Sends what was kept back, as far as that is allowed.
    func resume() {
        while !backlog.isEmpty, cancelsUnderWay == 0, !isRunningScript {
            if case .script = backlog[0].kind, inFlight > 0 { return }
            send(backlog.removeFirst())
        }
    }

    func flush() { wantsToWrite = PQflush(raw) == 1 }

    /// The flight of a request that is cancelled, and whether it is the only one here.
    func abandon(_ request: PoolMachine.RequestID) -> (job: Job, isAlone: Bool)? {
        guard let index = flights[head...].firstIndex(where: { $0.job.request == request }) else { return nil }
        guard !flights[index].isAbandoned else { return nil }
        flights[index].isAbandoned = lease == nil
        return (flights[index].job, inFlight == 1)
    }

    /// Everything not answered, when the connection is lost.
    func takeUnanswered() -> [Flight] {
        let unanswered = Array(flights[head...]) + backlog.map { Flight(job: $0) }
        flights = []
        head = 0
        backlog = []
        return unanswered
    }
}

// Sending.
extension Pipeline {
    private func send(_ job: Job) {
        var flight = Flight(job: job)
        var isSent = true
        if let opening = job.opening {
            isSent = PQsendQueryParams(raw, opening, 0, nil, nil, nil, nil, 1) == 1
            flight.commandsBefore += 1
        }
        if let standpoint = job.standpoint { isSent = isSent && take(standpoint, for: &flight) }
        switch job.kind {
        case .statement:
            isSent = isSent && sendStatement(&flight) && PQpipelineSync(raw) == 1
        case .description:
            flight.commandsBefore += 1
            isSent = isSent && PQsendPrepare(raw, "", job.sql, 0, nil) == 1
            isSent = isSent && PQsendDescribePrepared(raw, "") == 1 && PQpipelineSync(raw) == 1
        case .script:
            isRunningScript = true
            isSent = isSent && PQexitPipelineMode(raw) == 1 && PQsendQuery(raw, job.sql) == 1
        }
        flights.append(flight)
        wantsToWrite = true
        // What libpq cannot even queue leaves the pipeline in an unknown state: give the connection up.
        if !isSent { shutdown() }
    }

    /// Role and setting, in front of the statement: one Sync, one transaction.
    private func take(_ standpoint: Standpoint, for flight: inout Flight) -> Bool {
        flight.commandsBefore += 1
        return ParameterArena.withArrays(standpoint.parameters) { arrays in
            if flight.job.isRepeated {
                return PQsendQueryParams(
                    raw,
                    Standpoint.sql,
                    3,
                    nil,
                    arrays.values,
                    arrays.lengths,
                    arrays.formats,
                    1
                )
            }
            let name: String
            if let standpointName {
                name = standpointName
            } else {
                namesGiven += 1
                name = "s\(namesGiven)"
                standpointName = name
                flight.commandsBefore += 1
                guard PQsendPrepare(raw, name, Standpoint.sql, 0, nil) == 1 else { return 0 }
            }
            return PQsendQueryPrepared(raw, name, 3, arrays.values, arrays.lengths, arrays.formats, 1)
        } == 1
    }

    private func sendStatement(_ flight: inout Flight) -> Bool {
        let job = flight.job
        let count = Int32(job.parameters.count)
        let key = job.preparedKey
        switch job.isRepeated ? nil : prepared[key] {
        case .ready(let name):
            return ParameterArena.withArrays(job.parameters) {
                PQsendQueryPrepared(raw, name, count, $0.values, $0.lengths, $0.formats, 1)
            } == 1
        case nil where !job.isRepeated && prepared.count < Self.preparedMax:
            namesGiven += 1
            let name = "s\(namesGiven)"
            prepared[key] = .underWay(name)
            flight.commandsBefore += 1
            flight.prepares = true
            guard PQsendPrepare(raw, name, job.sql, 0, nil) == 1 else { return false }
            return ParameterArena.withArrays(job.parameters) {
                PQsendQueryPrepared(raw, name, count, $0.values, $0.lengths, $0.formats, 1)
            } == 1
        case .underWay, nil:
            return ParameterArena.withArrays(job.parameters) {
                PQsendQueryParams(raw, job.sql, count, nil, $0.values, $0.lengths, $0.formats, 1)
            } == 1
        }
    }

    /// Ends the connection as if the network had: the reactor finds it broken and clears up in one place.
    func shutdown() {
        // Fails only if the network was quicker.
        _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

// Receiving.
extension Pipeline {
    /// Reads what came and calls `done` with each flight that is answered; `false` if the connection is broken.
    func receive(_ done: (Flight) -> Void) -> Bool {
        let isReadable = PQconsumeInput(raw) == 1
        while head < flights.count, PQisBusy(raw) == 0 {
            guard let result = PQgetResult(raw) else {
                nullsInARow += 1
                guard nullsInARow < Self.nullsMax else {
                    shutdown()
                    return false
                }
                commandEnded(done)
                continue
            }
            nullsInARow = 0
            guard take(result, done) else { return false }
        }
        return isReadable && !isBroken
    }

    /// A NULL: the results of one command are complete.
    private func commandEnded(_ done: (Flight) -> Void) {
        guard isRunningScript else {
            flights[head].commandsDone += 1
            return
        }
        isRunningScript = false
        // Fails only on a broken connection, which the reactor finds out by itself.
        _ = PQenterPipelineMode(raw)
        land(done)
    }

    private func take(_ result: OpaquePointer, _ done: (Flight) -> Void) -> Bool {
        let isCounted = flights[head].commandsDone == flights[head].commandsBefore
        let isPreparation = flights[head].prepares && flights[head].commandsDone == flights[head].commandsBefore - 1
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            land(done)
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            if isPreparation, case .underWay(let name) = prepared[flights[head].job.preparedKey] {
                prepared[flights[head].job.preparedKey] = .ready(name)
            }
            if isCounted { flights[head].result = QueryResult(taking: result) } else { PQclear(result) }
        case PGRES_PIPELINE_ABORTED:
            if isPreparation { prepared[flights[head].job.preparedKey] = nil }
            PQclear(result)
        case PGRES_FATAL_ERROR:
            if isPreparation { prepared[flights[head].job.preparedKey] = nil }
            let error = ServerError(result)
            PQclear(result)
            guard !error.state.isEmpty else {
                // Not the server's word but libpq's own, as when the connection is reset before the server's was read.
                shutdown()
                return false
            }
            if flights[head].error == nil { flights[head].error = error }
            return !isBroken
        default:
            // COPY has a protocol of its own that a pipeline cannot carry.
            PQclear(result)
            shutdown()
            return false
        }
        return true
    }

    private func land(_ done: (Flight) -> Void) {
        let flight = flights[head]
        flights[head].result = nil
        head += 1
        if head == flights.count {
            flights.removeAll(keepingCapacity: true)
            head = 0
        }
        if flight.error?.isStalePlan == true {
            prepared[flight.job.preparedKey] = nil
            if flight.job.standpoint != nil { standpointName = nil }
        }
        done(flight)
    }
}
