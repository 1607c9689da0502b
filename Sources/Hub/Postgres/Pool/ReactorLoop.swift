import CPostgres
import Foundation
import Logging
import Protocol

/// What the reactor's thread does: tells the ``PoolMachine`` what happened and carries out what it answers.
///
/// Not Sendable on purpose: made and used on that one thread.
final class ReactorLoop {
    private enum Waiting {
        case statement(Job)
        case lease(@Sendable (Result<Void, Failure>) -> Void)
    }

    private let reactor: Reactor
    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private var pool: PoolMachine
    private var listener: Listener
    private var pipelines: [PoolMachine.ConnectionID: Pipeline] = [:]
    private var leases: [PoolMachine.RequestID: Pipeline] = [:]
    private var waiting: [PoolMachine.RequestID: Waiting] = [:]
    private var closers: [@Sendable () -> Void] = []
    private var backoff = Backoff(first: .milliseconds(50), longest: .seconds(5))
    private var generator = SystemRandomNumberGenerator()
    private var isOver = false

    init(_ reactor: Reactor, _ configuration: DatabaseConfiguration, _ logger: Logger) {
        self.reactor = reactor
        self.configuration = configuration
        self.logger = logger
        pool = PoolMachine(configuration)
        listener = Listener(reactor, configuration, logger)
    }

    private var now: Moment {
        var time = timespec()
        // Cannot fail: the clock and the address are there.
        _ = clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    func run() {
        while !isOver {
            for message in reactor.takeMessages() { receive(message) }
            for pipeline in pipelines.values where pipeline.wantsToWrite { pipeline.flush() }
            // libpq closes the socket of a connection that broke while sending, and `poll` skips closed ones.
            for pipeline in pipelines.values where pipeline.isBroken { lose(pipeline) }
            if isOver { break }
            let watched = Array(pipelines.values)
            var descriptors = watched.map { pipeline in
                let events = Int16(POLLIN) | (pipeline.wantsToWrite ? Int16(POLLOUT) : 0)
                return pollfd(fd: pipeline.descriptor, events: events, revents: 0)
            }
            descriptors.append(listener.pollDescriptor)
            let deadline = [pool.nextDeadline, listener.nextDeadline].compactMap { $0 }.min()
            reactor.gauges.show(pool)
            reactor.sleep(watching: &descriptors, until: deadline, now: now)
            for (pipeline, polled) in zip(watched, descriptors) where polled.revents != 0 {
                if polled.revents & Int16(POLLOUT) != 0 { pipeline.flush() }
                if polled.revents & ~Int16(POLLOUT) != 0 { read(pipeline) }
            }
            listener.wake(isReadable: descriptors[watched.count].revents != 0, at: now)
            if let deadline = pool.nextDeadline, deadline <= now { tell(.deadlineReached) }
        }
        end()
    }

    private func receive(_ message: Reactor.Message) {
        switch message {
        case .submit(let job):
            waiting[job.request] = .statement(job)
            tell(.requested(job.request, .statement))
        case .lease(let request, let done):
            waiting[request] = .lease(done)
            tell(.requested(request, .lease))
        case .submitOnLease(let lease, let job):
            guard let pipeline = leases[lease] else { return job.done(.failure(.leaseOver)) }
            pipeline.submit(job)
        case .release(let lease, let isReusable): release(lease, isReusable)
        case .cancel(let request): cancel(request)
        case .cancelSent(let connection, let pause): cancelSent(connection, after: pause)
        case .connected(let connection, let outcome): connected(connection, outcome)
        case .listenerConnected(let outcome): listener.connected(outcome, at: now)
        case .listen(let subscription): listener.add(subscription)
        case .unlisten(let subscription): listener.remove(subscription)
        case .close(let done):
            closers.append(done)
            listener.close()
            tell(.closing)
        case .stop: isOver = true
        }
    }

    private func tell(_ event: PoolMachine.Event) {
        for action in pool.handle(event, at: now) { carryOut(action) }
    }

    private func carryOut(_ action: PoolMachine.Action) {
        switch action {
        case .open(let connection):
            Connector.connect(configuration, isPipelined: true) { [reactor] in
                reactor.post(.connected(connection, $0))
            }
        case .assign(let request, let connection):
            guard let pipeline = pipelines[connection], let taken = waiting.removeValue(forKey: request) else {
                preconditionFailure("The pool assigned what the reactor does not have")
            }
            switch taken {
            case .statement(let job):
                pipeline.submit(job)
            case .lease(let done):
                pipeline.lease = request
                leases[request] = pipeline
                done(.success(()))
            }
        case .refuse(let request, let reason):
            switch waiting.removeValue(forKey: request) {
            case .statement(let job): job.done(.failure(.refused(reason)))
            case .lease(let done): done(.failure(.refused(reason)))
            case nil: break
            }
        case .close(let connection): pipelines[connection] = nil
        case .closed: isOver = true
        }
    }

    private func end() {
        for pipeline in pipelines.values {
            for flight in pipeline.takeUnanswered() where !flight.isAbandoned {
                flight.job.done(.failure(.refused(.closed)))
            }
        }
        for request in waiting.values {
            switch request {
            case .statement(let job): job.done(.failure(.refused(.closed)))
            case .lease(let done): done(.failure(.refused(.closed)))
            }
        }
        waiting = [:]
        pipelines = [:]
        leases = [:]
        listener.close()
        reactor.end()
        for closer in closers { closer() }
    }
}

// Connections coming, answering and going.
extension ReactorLoop {
    private func connected(_ connection: PoolMachine.ConnectionID, _ outcome: Connector.Outcome) {
        switch outcome {
        case .connection(let handoff):
            backoff.reset()
            pipelines[connection] = Pipeline(number: connection, taking: handoff.raw)
            tell(.opened(connection))
        case .failure(let reason, let isHopeless):
            logger.warning("connecting failed", metadata: ["reason": "\(reason)"])
            let wait = backoff.next(atLeast: .milliseconds(20), using: &generator)
            tell(.openFailed(connection, retryAfter: wait, isHopeless: isHopeless))
        }
    }

    private func read(_ pipeline: Pipeline) {
        var landed = 0
        var isWorn = false
        let isWell = pipeline.receive { flight in
            if flight.job.kind != .script, let error = flight.error, SQLState.wearsOut(error.state) { isWorn = true }
            if repeats(flight, on: pipeline) { return }
            if pipeline.lease == nil { landed += 1 }
            answer(flight, on: pipeline)
        }
        if isWorn, isWell { tell(.worn(pipeline.number)) }
        for _ in 0..<landed { tell(.finished(pipeline.number)) }
        guard isWell else { return lose(pipeline) }
        pipeline.resume()
        if pipeline.wantsToWrite { pipeline.flush() }
    }

    /// A plan that the server gave up was not run: outside a transaction the statement is sent again without one.
    private func repeats(_ flight: Pipeline.Flight, on pipeline: Pipeline) -> Bool {
        guard flight.error?.isStalePlan == true, pipeline.lease == nil, !flight.job.isRepeated, !flight.isAbandoned
        else { return false }
        var job = flight.job
        job.isRepeated = true
        pipeline.submit(job)
        return true
    }

    private func answer(_ flight: Pipeline.Flight, on pipeline: Pipeline) {
        guard !flight.isAbandoned else { return }
        if let error = flight.error {
            flight.job.done(.failure(.server(error)))
        } else if let result = flight.result {
            flight.job.done(.success(result))
        } else {
            flight.job.done(.failure(.lost("The server answered nothing")))
        }
    }

    private func lose(_ pipeline: Pipeline) {
        let reason = pipeline.reason
        logger.warning("connection lost", metadata: ["reason": "\(reason)"])
        pipelines[pipeline.number] = nil
        if let lease = pipeline.lease { leases[lease] = nil }
        for flight in pipeline.takeUnanswered() where !flight.isAbandoned {
            flight.job.done(.failure(flight.error.map { .server($0) } ?? .lost(reason)))
        }
        tell(.lost(pipeline.number))
    }

    private func release(_ lease: PoolMachine.RequestID, _ isReusable: Bool) {
        guard let pipeline = leases.removeValue(forKey: lease) else { return }
        pipeline.lease = nil
        // A transaction left open, or an answer still to come, must not reach the next user.
        if !isReusable || !pipeline.isIdleInSession {
            for flight in pipeline.takeUnanswered() { flight.job.done(.failure(.leaseOver)) }
            tell(.worn(pipeline.number))
        }
        tell(.released(pipeline.number))
    }
}

// Cancelling.
extension ReactorLoop {
    private func cancel(_ request: PoolMachine.RequestID) {
        if let taken = waiting.removeValue(forKey: request) {
            switch taken {
            case .statement(let job):
                tell(.withdrawn(request, .statement))
                job.done(.failure(.abandoned))
            case .lease(let done):
                tell(.withdrawn(request, .lease))
                done(.failure(.abandoned))
            }
            return
        }
        for pipeline in pipelines.values {
            guard let found = pipeline.abandon(request) else { continue }
            // On a shared connection the caller goes at once; in a transaction ROLLBACK needs to know the outcome.
            if pipeline.lease == nil { found.job.done(.failure(.abandoned)) }
            // Others behind it could be hit instead: then it is left to end by itself or by its timeout.
            guard pipeline.lease != nil || found.isAlone else { return }
            pipeline.cancelsUnderWay += 1
            tell(.held(pipeline.number))
            sendCancel(on: pipeline, after: .zero)
            return
        }
    }

    private func sendCancel(on pipeline: Pipeline, after pause: Duration) {
        Connector.cancel(pipeline.raw, after: pause) { [reactor, number = pipeline.number] in
            reactor.post(.cancelSent(number, after: pause))
        }
    }

    /// A server that had not yet begun the statement when the cancellation reached it has ignored it: it is told again
    /// for as long as the statement runs. Nothing else was sent meanwhile, so nothing else can be hit.
    private func cancelSent(_ connection: PoolMachine.ConnectionID, after pause: Duration) {
        guard let pipeline = pipelines[connection] else { return }
        if pipeline.inFlight > 0 {
            return sendCancel(on: pipeline, after: min(max(pause * 2, .milliseconds(5)), .milliseconds(500)))
        }
        pipeline.cancelsUnderWay -= 1
        guard pipeline.cancelsUnderWay == 0 else { return }
        tell(.freed(connection))
        pipeline.resume()
    }
}
