import HubCore
import HubDomains
import Protocol
import Synchronization

// Calls of operations that the hub does not answer itself.
extension CallDesk {
    /// Who answers a call besides the hub's own operations.
    enum Way: Sendable {
        case spoke(CallRouter.Route)
        case client(ClientOperation)

        /// Whether it leads over a link.
        var isSpoke: Bool {
            if case .spoke = self { true } else { false }
        }

        /// What is called.
        var spec: OperationSpec {
            switch self {
            case .spoke(let route): route.contract.spec
            case .client(let operation): operation.contract.spec
            }
        }

        /// The version that was asked for by name.
        var version: String? {
            if case .spoke(let route) = self { route.address.version } else { nil }
        }

        /// Whom a call is meant for, by address, header and field together.
        func target(of caller: Caller) -> CallTarget? {
            guard case .spoke(let route) = self else { return nil }
            // Names that contradict each other are refused where a provider is chosen.
            return try? route.address.target(of: caller)
        }

        /// How it answers; asked of every call, so that nothing else of the spec is copied for it.
        var kind: OperationKind {
            switch self {
            case .spoke(let route): route.kind
            case .client(let operation): operation.contract.spec.type
            }
        }

        /// What is called, as the call graph has it: under the operation's name, whichever version answers.
        var subject: CallSubject {
            switch self {
            case .spoke(let route): route.subject
            case .client(let operation): CallSubject(operation.contract.spec)
            }
        }
    }

    /// What is meant by a name at this moment. What is meant for a spoke is not taken to a web service.
    func called(_ name: String, by caller: Caller? = nil) -> Called {
        if let subject = subject(name) { return Called(name: name, subject: subject) }
        let isForSpoke = caller?.target != nil || caller?.spokeName != nil
        if !isForSpoke, let operation = clients.services.operation(name) {
            let way = Way.client(operation)
            return Called(name: name, subject: way.subject, way: way)
        }
        let way = router.route(name, by: caller).map(Way.spoke)
        return Called(name: name, subject: way?.subject, way: way)
    }

    /// How an operation answers; `nil` if there is none of this name.
    func nature(of name: String) -> MCPNature? {
        called(name).subject.map { MCPNature(kind: $0.kind, changes: $0.changes) }
    }

    /// Whether a subscription would be taken in: for a door that must say no before it begins to stream.
    ///
    /// - Fails with what ``subscribe(_:_:by:lastEventId:deliver:)`` would fail with before its first value.
    func checkSubscription(_ name: String, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        let called = called(name, by: caller)
        do throws(Fault) { try await check(called, input, by: caller) } catch {
            try await witness(refusal: error, of: called, input, by: caller)
            throw error
        }
    }

    /// The same, without a line in the trail.
    func check(_ called: Called, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        let name = called.name
        guard let way = called.way else {
            return try await operations.checkSubscription(name, input: input, by: caller)
        }
        guard way.kind == .subscription else {
            throw Fault.askedOtherwise(name, is: way.kind)
        }
        switch way {
        case .spoke(let route): try await router.check(route, input, by: caller)
        case .client(let operation): try await clients.check(operation, input, by: caller)
        }
    }

    /// One query or mutation that somebody else answers. A caller that leaves aborts it there; a mutation leaves its
    /// audit entry all the same.
    func routed(
        _ way: Way,
        _ input: JSONValue,
        by caller: Caller,
        _ wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        switch way.kind {
        case .subscription:
            let name = way.subject.operationId
            throw Fault.askedOtherwise(name, is: .subscription)
        case .query:
            return try await asked(way, input, by: caller, wait, of: call)
        case .mutation:
            return try await mutation(way, input, by: caller, wait, of: call)
        }
    }

    /// Follows a subscription that somebody else answers, to its end.
    func followed(
        _ way: Way,
        _ input: JSONValue,
        by caller: Caller,
        lastEventId: String?,
        of call: OpenCall?,
        deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        guard way.kind == .subscription else {
            let name = way.subject.operationId
            throw Fault.askedOtherwise(name, is: way.kind)
        }
        switch way {
        case .spoke(let route):
            try await router.follow(
                route,
                input,
                by: caller,
                lastEventId: lastEventId,
                of: call,
                deliver: deliver
            )
        case .client(let operation):
            try await clients.follow(operation, input, by: caller, of: call, deliver: deliver)
        }
    }

    /// The node tells who was asked.
    private func asked(
        _ way: Way,
        _ input: JSONValue,
        by caller: Caller,
        _ wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        switch way {
        case .spoke(let route):
            return try await router.call(route, input, by: caller, within: wait, of: call)
        case .client(let operation):
            return try await clients.call(operation, input, by: caller, within: wait, of: call)
        }
    }

    private func mutation(
        _ way: Way,
        _ input: JSONValue,
        by caller: Caller,
        _ wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        let leaving = Leaving()
        let left = "The caller left before \(way.subject.operationId) ended; its provider was told to give it up."
        let spec = await spec(of: way, input, by: caller)
        do {
            return try await withTaskCancellationHandler {
                try await MutationRunner.finish(left: left) { () async throws(Fault) -> Answer in
                    try await operations.recorded(
                        spec,
                        input: input,
                        by: caller,
                        for: way.target(of: caller),
                        version: way.version,
                        of: call
                    ) { () async throws(Fault) -> Answer in
                        try await leaving.abortable { () async throws(Fault) -> Answer in
                            try await asked(way, input, by: caller, wait, of: call)
                        }
                    }
                }
            } onCancel: {
                leaving.leave()
            }
        } catch let fault as Fault {
            // What is repeated for an idempotency key does not know its status any more.
            throw fault.declaredStatus == nil ? spec.heard(fault) : fault
        } catch {
            throw Fault(.aborted, left)
        }
    }

    /// What a mutation is let in by and recorded as.
    private func spec(of way: Way, _ input: JSONValue, by caller: Caller) async -> OperationSpec {
        if case .spoke(let route) = way { await router.spec(of: route, input, by: caller) } else { way.spec }
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
