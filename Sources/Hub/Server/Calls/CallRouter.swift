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

    /// An operation that a caller may run, by the address that it was called by.
    struct Route: Sendable {
        var address: ProviderBoard.Address
        var contract: OperationContract

        var kind: OperationKind { contract.spec.type }
    }

    /// Where a call of this name goes; `nil` if no spoke offers it.
    func route(_ name: String) -> Route? {
        guard let address = board.address(name),
            let contract = board.contract(of: address.operationId, version: address.version)
        else { return nil }
        return Route(address: address, contract: contract)
    }

    /// Lets a call in whose caller may run the operation, whose input says what it must and which somebody can answer:
    /// for a door that must say no before it begins to stream.
    func check(_ route: Route, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        try await admit(route, input, by: caller)
        _ = try await choose(route, input, by: caller, besides: [])
    }

    /// Asks a provider and answers as it does.
    ///
    /// When the link breaks under it, another provider is asked, if the call may be repeated: a query always, a
    /// mutation only under an idempotency key. The last attempt's fault is the call's.
    ///
    /// - Parameter call: Told each provider before it is asked; when it is aborted, the provider is told so.
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
            let left = end - ContinuousClock.now
            guard left > .zero else { throw Self.late(route, wait) }
            let request = request(route, choice, input, by: caller, within: left)
            if let abortion = call?.abortion { throw abortion }
            call?.provided(by: .spoke(choice.spoke))
            switch await choice.line.ask(request, within: left, of: call) {
            case .answered(let envelope): return answer(envelope, route, choice, caller)
            case .completed: throw Fault(.execution, "\(choice.contract.spec.id) ended without an answer.")
            case .failed(let error) where error.code == .spokeDisconnected && mayRepeat(route, caller, broken):
                broken.append(choice.spoke)
            case .failed(let error):
                if [.timeout, .aborted].contains(error.code) { call?.giveUp() }
                throw error.code == .timeout && end <= .now ? Self.late(route, wait) : error.fault
            }
        }
    }

    /// Follows a subscription on a provider to its end. `deliver` holds the provider back.
    ///
    /// - Parameter call: Told the provider before it is asked.
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
        call?.provided(by: .spoke(choice.spoke))
        do throws(Fault) {
            try await choice.line.follow(request, of: call) { (envelope) async throws(Fault) in
                let id = envelope["meta"]?["eventId"]?.stringValue
                try await deliver(StreamedValue(id: id, answer: answer(envelope, route, choice, caller)))
            }
        } catch {
            call?.giveUp()
            throw error
        }
    }

    private func mayRepeat(_ route: Route, _ caller: Caller, _ broken: [SpokeID]) -> Bool {
        (route.kind == .query || caller.idempotencyKey != nil) && broken.count + 1 < Limits.callAttempts
    }

    private func admit(_ route: Route, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        try route.contract.spec.accessControl.check(caller.identity)
        try Self.checkSize(input)
        try await reach(input, caller)
        if let session = caller.target?.sessionId { try await reach(["sessionId": .string(session.rawValue)], caller) }
    }

    /// A body over HTTP may be larger than what a link carries.
    private static func checkSize(_ input: JSONValue) throws(Fault) {
        // Escapes make a text at most six times as long: only what comes near is written out to be measured.
        guard input.weight > inputMax / 8, input.serialized().count > inputMax else { return }
        throw Fault(.tooLarge, "An input for a spoke has at most \(inputMax) bytes; send less at a time.")
    }

    /// A frame, less what a request needs besides its input.
    private static let inputMax = Limits.frameBytes - (64 << 10)

    private static func late(_ route: Route, _ wait: Duration) -> Fault {
        Fault(
            .timeout,
            "\(route.address.operationId) did not end within \(wait.milliseconds) ms; allow more with X-Deadline."
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
        let operation = route.address.operationId
        // Who is meant by name, or holds what the call is about, is the only one to look at.
        let only = ask.holder ?? ask.target.spokeId ?? ask.target.spokeName.flatMap(board.spoke(named:))
        let facts = board.facts(of: operation, only: only, live: live).filter { !broken.contains($0.id) }
        guard let spoke = ProviderChoice.best(ask, among: facts),
            let line = registry.link(to: spoke)?.line,
            let contract = board.contract(of: operation, on: spoke)
        else {
            let everyone = board.facts(of: operation, everyone: true, live: live)
            throw ProviderChoice.unavailable(ask, among: everyone, namedMax: Limits.providersNamed)
        }
        if contract.spec.version != route.contract.spec.version {
            try contract.spec.accessControl.check(caller.identity)
        }
        let violations = contract.violations(in: input)
        guard violations.isEmpty else { throw .invalid(violations) }
        return Choice(spoke: spoke, line: line, contract: contract)
    }

    private func ask(_ route: Route, _ input: JSONValue, by caller: Caller) async throws(Fault) -> ProviderAsk {
        var target = caller.target ?? CallTarget()
        for name in [caller.spokeName, route.address.spokeName].compactMap(\.self) {
            guard target.spokeName == nil || target.spokeName == name else {
                throw .invalid("spokeName", "names another spoke than the address or the header; name one.")
            }
            target.spokeName = name
        }
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
            target: target,
            holder: holder,
            nearest: caller.spokeId
        )
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

extension JSONValue {
    /// About the bytes that it has as JSON, without writing them.
    fileprivate var weight: Int {
        switch self {
        case .null, .bool: 5
        case .integer, .number: 12
        case .string(let text): text.utf8.count + 2
        case .array(let elements): elements.reduce(2) { $0 + $1.weight + 1 }
        case .object(let members): members.reduce(2) { $0 + $1.key.utf8.count + $1.value.weight + 4 }
        }
    }
}
