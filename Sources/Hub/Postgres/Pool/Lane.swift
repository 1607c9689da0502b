import Logging
import Protocol

/// Sends jobs to the reactor and waits for their answers: the seam between tasks and the reactor's thread.
struct Lane: Sendable {
    let reactor: Reactor
    let logger: Logger
    /// The lease whose connection is used; `nil` for any connection.
    var lease: PoolMachine.RequestID?

    /// Runs one job. A cancelled task gives it up with ``Failure/abandoned``, unless it must be seen through.
    func send(
        _ sql: String,
        _ parameters: [Parameter] = [],
        as kind: Job.Kind = .statement,
        opening: String? = nil,
        standpoint: Standpoint? = nil,
        isCancellable: Bool = true
    ) async -> Result<QueryResult, Failure> {
        let request = reactor.makeRequest()
        let post: @Sendable (CheckedContinuation<Result<QueryResult, Failure>, Never>) -> Void = { continuation in
            let job = Job(
                request: request,
                kind: kind,
                sql: sql,
                parameters: parameters,
                opening: opening,
                standpoint: standpoint
            ) {
                continuation.resume(returning: $0)
            }
            if let lease { reactor.post(.submitOnLease(lease, job)) } else { reactor.post(.submit(job)) }
        }
        let result = await wait(request, isCancellable: isCancellable, post)
        if case .failure(let failure) = result { failure.log(sql, to: logger) }
        return result
    }

    /// Takes a connection for itself; must be followed by ``release(isReusable:)``.
    func leased() async throws(Fault) -> Lane {
        let request = reactor.makeRequest()
        let result: Result<Void, Failure> = await wait(request, isCancellable: true) { continuation in
            reactor.post(.lease(request) { continuation.resume(returning: $0) })
        }
        if case .failure(let failure) = result { throw SQLState.fault(failure) }
        return Lane(reactor: reactor, logger: logger, lease: request)
    }

    /// Gives the connection back; one that is not reusable is closed.
    func release(isReusable: Bool) {
        guard let lease else { return }
        reactor.post(.release(lease, isReusable: isReusable))
    }

    private func wait<Value: Sendable>(
        _ request: PoolMachine.RequestID,
        isCancellable: Bool,
        _ post: @Sendable (CheckedContinuation<Result<Value, Failure>, Never>) -> Void
    ) async -> Result<Value, Failure> {
        guard isCancellable else { return await withCheckedContinuation(post) }
        guard !Task.isCancelled else { return .failure(.abandoned) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                post(continuation)
                // Cancelled before the request was posted: its first cancellation found nothing.
                if Task.isCancelled { reactor.post(.cancel(request)) }
            }
        } onCancel: {
            reactor.post(.cancel(request))
        }
    }
}
