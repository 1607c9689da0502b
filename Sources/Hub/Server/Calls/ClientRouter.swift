import HubCore
import HubDomains
import Protocol
import WebTransport

/// Calls of operations that clients' web services offer: answered by the hub itself, over HTTP.
///
/// In this order: operation known → access → seen → input valid → can be called → secret opened → asked → answer
/// shaped.
struct ClientRouter: Sendable {
    let services: ClientServices
    let outbound: OutboundRules
    let shaper: AnswerShaper
    let recorder: CallRecorder

    /// Lets a call in whose caller may run the operation and whose input says what it must.
    func check(_ operation: ClientOperation, _ input: JSONValue, by caller: Caller) async throws(Fault) {
        try caller.check(operation.contract.spec.accessControl)
        try await services.admit(caller, to: operation)
        let violations = operation.contract.violations(in: input)
        guard violations.isEmpty else { throw .invalid(violations) }
        _ = try operation.request()
    }

    /// One request and its answer. A cancelled task ends it.
    ///
    /// - Parameter call: Dispatched just before the service is asked.
    func call(
        _ operation: ClientOperation,
        _ input: JSONValue,
        by caller: Caller,
        within wait: Duration,
        of call: OpenCall?
    ) async throws(Fault) -> Answer {
        try await check(operation, input, by: caller)
        let (exchange, addition) = try await exchange(operation, within: wait)
        if let call { try await recorder.dispatch(call, to: .client(operation.client.id)) }
        do throws(Fault) {
            return shaped(
                try await exchange.answer(input, with: addition, trace: caller.traceparent),
                operation,
                caller
            )
        } catch {
            throw heard(error, operation, caller)
        }
    }

    /// Follows a stream of events to its end. `deliver` holds the service back.
    func follow(
        _ operation: ClientOperation,
        _ input: JSONValue,
        by caller: Caller,
        of call: OpenCall?,
        deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        do throws(Fault) {
            try await check(operation, input, by: caller)
            let (exchange, addition) = try await exchange(operation, within: Limits.callDeadline)
            if let call { try await recorder.dispatch(call, to: .client(operation.client.id)) }
            guard let idle = caller.idleTimeout else {
                return try await exchange.follow(input, with: addition, trace: caller.traceparent) {
                    (value, id) async throws(Fault) in
                    try await deliver(StreamedValue(id: id, answer: shaped(value, operation, caller)))
                }
            }
            let listening = Listening(for: idle)
            let silent = Fault(.timeout, "\(operation.contract.spec.id) said nothing for \(idle.milliseconds) ms.")
            try await listening.bound(otherwise: silent) { () async throws(Fault) in
                try await exchange.follow(input, with: addition, trace: caller.traceparent) {
                    (value, id) async throws(Fault) in
                    listening.busy()
                    defer { listening.heard() }
                    try await deliver(StreamedValue(id: id, answer: shaped(value, operation, caller)))
                }
            }
        } catch {
            throw heard(error, operation, caller)
        }
    }

    private func exchange(
        _ operation: ClientOperation,
        within wait: Duration
    ) async throws(Fault) -> (WebExchange, WebAddition) {
        let (plan, server, service) = try operation.request()
        let exchange = WebExchange(
            operation.client.name,
            at: server,
            plan,
            within: min(wait, service.timeoutSeconds.map { .seconds($0) } ?? Limits.clientPatience),
            answerBytes: Limits.clientAnswerBytes,
            sending: GuardedWeb(outbound).sending
        )
        return (exchange, try await services.addition(to: service, of: operation.client))
    }

    private func heard(_ fault: Fault, _ operation: ClientOperation, _ caller: Caller) -> Fault {
        shaper.heard(fault, by: operation.contract, from: .client(operation.client.id), request: caller.requestId)
    }

    private func shaped(_ answer: WebAnswer, _ operation: ClientOperation, _ caller: Caller) -> Answer {
        let data = shaper.shaped(
            answer.data,
            by: operation.contract,
            from: .client(operation.client.id),
            request: caller.requestId
        )
        var origin = answer.meta
        origin["clientId"] = .string(operation.client.id.rawValue)
        return Answer(
            data: data.serialized(),
            operationId: operation.contract.spec.id,
            requestId: caller.requestId,
            tree: data,
            origin: origin
        )
    }
}
