import Foundation
import HubCore
import HubDomains
import Protocol

/// Takes calls of operations that spokes offer to the spoke that answers them, and its answers back.
///
/// In this order: operation known → access → a provider → access of its version → input valid → asked → answer shaped.
struct CallRouter: Sendable {
    let board: ProviderBoard
    let registry: LinkRegistry
    let whereabouts: Whereabouts
    /// Fails for an input that names what its caller may not see.
    let reach: @Sendable (JSONValue, Caller) async throws(Fault) -> Void
    let shaper: AnswerShaper
    let recorder: CallRecorder

    /// An operation that a caller may run, by the address that it was called by.
    struct Route: Sendable {
        var address: ProviderBoard.Address
        /// How it would be answered now.
        var contract: OperationContract
        /// Whether others offer it in other versions: which one counts is known when its provider is.
        var hasVersions = false

        var kind: OperationKind { contract.spec.type }
    }

    /// Where a call of this name goes; `nil` if no spoke offers it.
    ///
    /// Where several versions are offered, whoever would be asked now, or is named, says how it is answered. What
    /// others offer, or offered before they left, changes nothing; the newest counts where nobody would be asked.
    func route(_ name: String, by caller: Caller? = nil) -> Route? {
        guard let address = board.address(name) else { return nil }
        let versions = board.contracts(of: address.operationId, version: address.version)
        guard let newest = versions.first else { return nil }
        guard versions.count > 1 else { return Route(address: address, contract: newest) }
        // Two names for one spoke are refused later.
        let target = caller.flatMap { try? address.target(of: $0) } ?? CallTarget(spokeName: address.spokeName)
        let ask = ProviderAsk(
            operationId: address.operationId,
            version: address.version,
            target: target,
            nearest: caller?.spokeId
        )
        let named = target.spokeId ?? target.spokeName.flatMap(board.spoke(named:))
        let facts = board.facts(of: address.operationId, only: named, live: live)
        let spoke = ProviderChoice.best(ask, among: facts) ?? named
        let contract = spoke.flatMap { board.contract(of: address.operationId, on: $0) } ?? newest
        return Route(address: address, contract: contract, hasVersions: true)
    }

    /// The spec by which a call will be answered, as far as that can be told before it is let in.
    func spec(of route: Route, _ input: JSONValue, by caller: Caller) async -> OperationSpec {
        // What stands in the way of choosing is said when the choice is made.
        guard route.hasVersions, let ask = try? await ask(route, input, by: caller),
            let spoke = ProviderChoice.best(ask, among: facts(for: ask)),
            let contract = board.contract(of: ask.operationId, on: spoke)
        else { return route.contract.spec }
        return contract.spec
    }

    /// Lets a call in whose caller may run the operation, whose input says what it must and which somebody can answer:
    /// for a door that must say no before it begins to stream.
    func check(_ route: Route, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        try await admit(route, input, by: caller)
        _ = try await choose(route, input, by: caller, besides: [])
    }

    /// Asks a provider and answers as it does.
    ///
    /// When the link breaks under it, another provider is asked if nothing can have happened: of a query never
    /// anything does, and a mutation must not have been sent. The last attempt's fault is the call's.
    ///
    /// - Parameter call: Dispatched just before it is asked for, and told of another provider; when it is aborted, its
    ///   provider is told so.
    func call(
        _ route: Route,
        _ input: JSONValue,
        by caller: Caller,
        within wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        try await admit(route, input, by: caller)
        let end = ContinuousClock.now + wait
        var broken: [SpokeID] = []
        while true {
            let choice: Choice
            do throws(Fault) {
                choice = try await choose(route, input, by: caller, besides: broken)
            } catch  where error.code == .unavailable && !broken.isEmpty {
                throw Fault(
                    .spokeDisconnected,
                    "The link to the provider broke before it had answered, and no other can be asked.",
                    details: error.details
                )
            }
            if let abortion = call?.abortion { throw abortion }
            if let call, broken.isEmpty {
                try await recorder.dispatch(call, to: .spoke(choice.spoke))
            } else {
                call?.provided(by: .spoke(choice.spoke))
            }
            let left = end - ContinuousClock.now
            guard left > .zero else { throw Self.late(route, wait) }
            let request = request(route, choice, input, by: caller, within: left)
            let isLast = broken.count + 1 == Limits.callAttempts
            let result: CallResult
            do throws(Fault) {
                result = try await choice.line.ask(request, within: left, of: call)
            } catch {
                call?.takeBack()
                guard error.code == .spokeDisconnected, !isLast else { throw error }
                broken.append(choice.spoke)
                continue
            }
            switch result {
            case .answered(let envelope): return answer(envelope, route, choice, caller)
            case .completed: throw Fault(.execution, "\(choice.contract.spec.id) ended without an answer.")
            case .failed(let error) where error.code == .spokeDisconnected && route.kind == .query && !isLast:
                broken.append(choice.spoke)
            case .failed(let error):
                if [.timeout, .aborted].contains(error.code) { call?.giveUp() }
                if error.code == .timeout && end <= .now { throw Self.late(route, wait) }
                throw heard(error.fault, choice, caller)
            }
        }
    }

    /// Follows a subscription on a provider to its end. `deliver` holds the provider back.
    ///
    /// - Parameter call: Dispatched just before it is asked for.
    func follow(
        _ route: Route,
        _ input: JSONValue,
        by caller: Caller,
        lastEventId: String?,
        of call: OpenCall?,
        deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        try await admit(route, input, by: caller)
        let choice = try await choose(route, input, by: caller, besides: [])
        var request = request(route, choice, input, by: caller, within: nil)
        if let lastEventId { request.metadata = ["lastEventId": .string(lastEventId)] }
        if let call { try await recorder.dispatch(call, to: .spoke(choice.spoke)) }
        do throws(Fault) {
            try await choice.line.follow(request, of: call) { (envelope) async throws(Fault) in
                let id = envelope["meta"]?["eventId"]?.stringValue
                try await deliver(StreamedValue(id: id, answer: answer(envelope, route, choice, caller)))
            }
        } catch {
            call?.giveUp()
            throw heard(error, choice, caller)
        }
    }

    private func admit(_ route: Route, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        // Of several versions the one that is chosen says who may.
        if !route.hasVersions { try caller.check(route.contract.spec.accessControl) }
        try Self.checkSize(input)
        try await reach(input, caller)
        if let session = caller.target?.sessionId { try await reach(["sessionId": .string(session.rawValue)], caller) }
    }

    /// A body over HTTP may be larger than what a link carries.
    private static func checkSize(_ input: JSONValue) throws(Fault) {
        guard !input.fits(in: inputMax) else { return }
        throw Fault(.tooLarge, "An input for a spoke has at most \(inputMax) bytes; send less at a time.")
    }

    /// A frame, less what a request needs besides its input.
    private static let inputMax = Limits.frameBytes - (64 << 10)

    private static func late(_ route: Route, _ wait: Duration) -> Fault {
        Fault(
            .timeout,
            "\(route.address.operationId) did not end within \(wait.milliseconds) ms; allow more time."
        )
    }
}

// MARK: - Choosing

extension CallRouter {
    /// Who answers a call, and by which contract.
    private struct Choice {
        let spoke: SpokeID
        let line: CallLine
        let contract: OperationContract
    }

    private func choose(
        _ route: Route,
        _ input: JSONValue,
        by caller: Caller,
        besides broken: [SpokeID]
    ) async throws(Fault) -> Choice {
        let ask = try await ask(route, input, by: caller)
        guard let spoke = ProviderChoice.best(ask, among: facts(for: ask), besides: broken),
            let line = registry.link(to: spoke)?.line,
            let contract = board.contract(of: ask.operationId, on: spoke)
        else {
            if route.hasVersions { try caller.check(route.contract.spec.accessControl) }
            let everyone = board.facts(of: ask.operationId, everyone: true, live: live)
            throw ProviderChoice.unavailable(ask, among: everyone, namedMax: Limits.providersNamed)
        }
        // An offer may have changed since the route was found.
        if route.hasVersions || contract.spec.version != route.contract.spec.version {
            try caller.check(contract.spec.accessControl)
        }
        let violations = contract.violations(in: input)
        guard violations.isEmpty else { throw .invalid(violations) }
        return Choice(spoke: spoke, line: line, contract: contract)
    }

    private func ask(_ route: Route, _ input: JSONValue, by caller: Caller) async throws(Fault) -> ProviderAsk {
        let target = try route.address.target(of: caller)
        var holder: SpokeID?
        if let session = target.sessionId {
            holder = try await whereabouts.spoke(of: .init(session: session))
            if holder == nil {
                throw Fault(.notFound, "The session \(session) is on no spoke; see hub status.")
            }
        } else if let subject = Whereabouts.subject(of: input) {
            holder = try await whereabouts.spoke(of: subject)
        }
        return ProviderAsk(
            operationId: route.address.operationId,
            version: route.address.version,
            kind: route.kind,
            target: target,
            holder: holder,
            nearest: caller.spokeId
        )
    }

    /// The spokes to choose among. Who is meant by name, or holds what the call is about, is the only one to look at.
    private func facts(for ask: ProviderAsk) -> [ProviderFacts] {
        let only = ask.holder ?? ask.target.spokeId ?? ask.target.spokeName.flatMap(board.spoke(named:))
        return board.facts(of: ask.operationId, only: only, live: live)
    }

    private func live(_ spoke: SpokeID) -> (calls: Int, isBehind: Bool, cpu: Double)? {
        guard let link = registry.link(to: spoke) else { return nil }
        let load = link.line.load
        return (load.calls, load.isBehind, link.cpu)
    }
}

// MARK: - Asking and answering

extension CallRouter {
    private func request(
        _ route: Route,
        _ choice: Choice,
        _ input: JSONValue,
        by caller: Caller,
        within wait: Duration?
    ) -> CallRequested {
        let now = Date().milliseconds
        return CallRequested(
            requestId: caller.requestId,
            operationId: route.address.operationId,
            input: input,
            parentRequestId: caller.parentRequestId,
            deadline: wait.map { now + $0.milliseconds },
            idleTimeout: caller.idleTimeout?.milliseconds,
            sessionId: caller.sessionId,
            identity: caller.identity,
            idempotencyKey: caller.idempotencyKey,
            traceparent: caller.traceparent,
            timestamp: now
        )
    }

    private func heard(_ fault: Fault, _ choice: Choice, _ caller: Caller) -> Fault {
        shaper.heard(fault, by: choice.contract, from: .spoke(choice.spoke), request: caller.requestId)
    }

    private func answer(_ envelope: JSONValue, _ route: Route, _ choice: Choice, _ caller: Caller) -> Answer {
        let data = shaper.shaped(
            envelope["data"] ?? .null,
            by: choice.contract,
            from: .spoke(choice.spoke),
            request: caller.requestId
        )
        var origin: [String: JSONValue] = [:]
        if case .object(let meta) = envelope["meta"] { origin = meta }
        return Answer(
            data: data.serialized(),
            operationId: route.address.operationId,
            requestId: caller.requestId,
            provider: choice.spoke,
            tree: data,
            origin: origin
        )
    }
}
