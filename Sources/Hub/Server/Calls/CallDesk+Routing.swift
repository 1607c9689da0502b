import HubCore
import HubDomains
import Protocol
import Synchronization

// Calls of operations that the hub does not answer itself.
extension CallDesk {
    /// What is meant by a name at this moment.
    func called(_ name: String) -> Called {
        if let subject = subject(name) { return Called(name: name, subject: subject) }
        let route = router.route(name)
        return Called(name: name, subject: route?.subject, route: route)
    }

    /// How an operation answers; `nil` if there is none of this name.
    func kind(of name: String) -> OperationKind? { called(name).subject?.kind }

    /// Whether a subscription would be taken in: for a door that must say no before it begins to stream.
    ///
    /// - Fails with what ``subscribe(_:_:by:lastEventId:deliver:)`` would fail with before its first value.
    func checkSubscription(_ name: String, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        guard let route = called(name).route else {
            return try await operations.checkSubscription(name, input: input, by: caller)
        }
        guard route.kind == .subscription else {
            throw Fault(.validation, "\(name) is a \(route.kind.rawValue); call it with /v1/call/\(name).")
        }
        try await router.check(route, input, by: caller)
    }

    /// One query or mutation that a spoke answers. A caller that leaves aborts it there; a mutation leaves its audit
    /// entry all the same.
    func routed(
        _ route: CallRouter.Route,
        _ input: JSONValue,
        by caller: Caller,
        _ wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        switch route.kind {
        case .subscription:
            let name = route.address.operationId
            throw Fault(.validation, "\(name) is a subscription; ask for it with /v1/subscribe/\(name).")
        case .query:
            return try await router.call(route, input, by: caller, within: wait, of: call)
        case .mutation:
            return try await mutation(route, input, by: caller, wait, of: call)
        }
    }

    private func mutation(
        _ route: CallRouter.Route,
        _ input: JSONValue,
        by caller: Caller,
        _ wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        let leaving = Leaving()
        do {
            return try await withTaskCancellationHandler {
                try await MutationRunner.finish { () async throws(Fault) -> Answer in
                    try await operations.recorded(route.contract.spec, input: input, by: caller) {
                        () async throws(Fault) -> Answer in
                        try await leaving.abortable { () async throws(Fault) -> Answer in
                            try await router.call(route, input, by: caller, within: wait, of: call)
                        }
                    }
                }
            } onCancel: {
                leaving.leave()
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.aborted, "The caller left before \(route.address.operationId) ended.")
        }
    }
}

/// Carries the word that a caller has left to work that its cancellation does not reach.
private final class Leaving: Sendable {
    private struct State {
        var hasLeft = false
        var task: Task<Answer, any Error>?
    }

    private let state = Mutex(State())

    func leave() {
        let task = state.withLock { state in
            state.hasLeft = true
            return state.task
        }
        task?.cancel()
    }

    /// Runs the work, cancelled as soon as the caller leaves.
    func abortable(_ work: @escaping @Sendable () async throws(Fault) -> Answer) async throws(Fault) -> Answer {
        let task = state.withLock { state in
            // Not a child of whoever records it: its end is recorded whatever becomes of the caller.
            let task = Task { try await work() }
            if state.hasLeft { task.cancel() }
            state.task = task
            return task
        }
        do {
            return try await task.value
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.aborted, "The caller left before the call ended.")
        }
    }
}
