import HubCore
import HubDomains
import Protocol

/// Every call leaves its node in the call graph, and can be aborted while it is under way.
extension CallDesk {
    /// Runs a call between its node's beginning and its end.
    ///
    /// - Parameters:
    ///   - called: What is called; what nobody offers is no call.
    ///   - outcome: What the node says of an answer.
    ///   - work: Gets the call, to dispatch it once it is let in, and to be told of an abort.
    /// - Fails with `aborted` when the call is aborted, with `unavailable` if a mutation cannot be written down.
    func recorded<Value: Sendable>(
        _ called: Called,
        _ input: JSONValue,
        by caller: Caller,
        outcome: @Sendable (Value) -> CallOutcome,
        _ work: @escaping @Sendable (OpenCall?) async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        guard let subject = called.subject else { return try await work(nil) }
        let call = try await recorder.open(subject, input: .value(input), by: caller, waits: true)
        do throws(Fault) {
            // A query of a spoke is given up where it waits for its answer; whatever else runs is cancelled.
            let value =
                if called.way?.isSpoke == true, subject.kind == .query {
                    try await work(call)
                } else {
                    try await AbortableRun.value(of: call) { () async throws(Fault) in try await work(call) }
                }
            // Who is told to stop may answer with what there is; the caller asked for more than that.
            if let abortion = call.abortion { throw abortion }
            recorder.leave(call, outcome(value))
            return value
        } catch {
            let fault = call.abortion ?? error
            recorder.leave(call, .failed(fault))
            throw fault
        }
    }

    /// The hub's own operation as a subject; `nil` if the hub answers none of this name.
    func subject(_ name: String) -> CallSubject? {
        operations.spec(of: name).map { spec in
            CallSubject(spec, answersSecret: operations.answersSecret(name))
        }
    }

    /// Runs a mutation of the hub's own to its end, whoever leaves, and closes its call only then.
    func detached(
        _ call: OpenCall?,
        _ work: @escaping @Sendable () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        guard let call else { return try await work() }
        do throws(Fault) {
            let answer = try await work()
            recorder.close(call, .answered(answer.data))
            return answer
        } catch {
            recorder.close(call, .failed(error))
            throw error
        }
    }
}

extension CallRouter.Route {
    /// What is called, as the call graph has it: under the operation's name, whichever version answers.
    var subject: CallSubject {
        // Asked of every call: only of subscriptions is more of the spec looked at.
        if kind == .subscription { return CallSubject(contract.spec, as: address.operationId, isSpokes: true) }
        return CallSubject(operationId: address.operationId, kind: kind, isSpokes: true)
    }
}

extension CallProvider {
    static func spoke(_ id: SpokeID) -> CallProvider { CallProvider(type: .spoke, id: id.rawValue) }

    static func client(_ id: ClientID) -> CallProvider { CallProvider(type: .client, id: id.rawValue) }
}
