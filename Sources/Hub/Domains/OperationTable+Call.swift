import Foundation
import HubCore
import Logging
public import Protocol
import Synchronization

extension OperationTable {
    /// Runs a query or mutation and answers with its output.
    ///
    /// Run a mutation in a task that is not cancelled because its consumer left: once begun it is to be finished and
    /// recorded. The caller's deadline is enforced by whoever waits.
    ///
    /// - Parameter begin: Told when the handler is about to run: the call was let in, and waits for nothing more.
    /// - Throws: `OPERATION_NOT_FOUND`; `UNAUTHENTICATED` or `ACCESS_DENIED`; `VALIDATION_ERROR` with every violation;
    ///   `CONFLICT` for an idempotency key of another input or of a call still under way; whatever the handler throws.
    public func call(
        _ name: String,
        input: JSONValue,
        by caller: Caller,
        begin: @Sendable () async throws(Fault) -> Void = { () async throws(Fault) in }
    ) async throws(Fault) -> Answer {
        let entry = try entry(name)
        guard let answering = entry.answering else {
            throw Fault.askedOtherwise(name, is: .subscription)
        }
        let data: [UInt8]
        if entry.spec.type == .mutation {
            let secret = entry.answersSecret
            let hasBegun = Mutex(false)
            var call = Mutation(spec: entry.spec, input: input, caller: caller, answersSecret: secret)
            call.hasBegun = { hasBegun.withLock(\.self) }
            data = try await mutate(call) { () async throws(Fault) in
                try await begin()
                hasBegun.withLock { $0 = true }
                return try await answering(input, caller)
            } admit: { () throws(Fault) in
                try entry.admit(input, from: caller)
            }
        } else {
            try entry.admit(input, from: caller)
            try await reach.check(Belongings(of: input), for: caller)
            try await begin()
            data = try await secondLock.reading(for: caller, name) { () async throws(Fault) in
                try await answering(input, caller)
            }
        }
        return Answer(data: data, operationId: name, requestId: caller.requestId)
    }

    /// Runs a mutation that somebody else carries out, with the idempotency and the audit trail of the hub's own.
    ///
    /// - Parameters:
    ///   - target: Whom it is meant for. Together with the version it is part of what an idempotency key stands for.
    ///   - version: The version that was asked for.
    ///   - call: Knows whether anybody was asked.
    ///   - work: Lets the caller in, carries it out and answers. Not run again for a repeated idempotency key:
    ///   then the first outcome is the answer, as the hub's own word.
    public func recorded(
        _ spec: OperationSpec,
        input: JSONValue,
        by caller: Caller,
        for target: CallTarget? = nil,
        version: String? = nil,
        of call: OpenCall?,
        work: @escaping @Sendable () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        let first = Mutex<Answer?>(nil)
        var mutation = Mutation(spec: spec, input: input, caller: caller, answersSecret: false)
        mutation.target = target
        mutation.version = version
        mutation.isOwn = false
        // Without a call nobody can say.
        mutation.hasBegun = { call?.isHandedOver ?? true }
        let data = try await mutate(mutation) { () async throws(Fault) in
            let answer = try await work()
            first.withLock { $0 = answer }
            return answer.data
        } admit: { () throws(Fault) in
            try caller.check(spec.accessControl)
        }
        return first.withLock { $0 } ?? Answer(data: data, operationId: spec.id, requestId: caller.requestId)
    }

    /// Lets a call pass whose input names nothing that its caller may not see.
    ///
    /// - Throws: `NOT_FOUND` for what the caller may not see, `TOO_LARGE` for a call that names too many things.
    public func checkReach(_ input: JSONValue, for caller: Caller) async throws(Fault) {
        try await reach.check(Belongings(of: input), for: caller)
    }

    /// Runs a subscription until it ends, the consumer leaves (`deliver` throws, or the task is cancelled) or it fails.
    ///
    /// - Parameters:
    ///   - lastEventId: The id of the last value that the consumer has, to go on behind it.
    ///   - begin: Told when the handler is about to run.
    ///   - deliver: Takes one value; suspends until the consumer has room for it.
    public func subscribe(
        _ name: String,
        input: JSONValue,
        lastEventId: String? = nil,
        by caller: Caller,
        begin: @Sendable () async throws(Fault) -> Void = { () async throws(Fault) in },
        deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        let entry = try entry(name)
        guard let streaming = entry.streaming else {
            throw Fault.askedOtherwise(name, is: entry.spec.type)
        }
        try entry.admit(input, from: caller)
        try await reach.check(Belongings(of: input), for: caller)
        try await begin()
        try await secondLock.reading(for: caller, name) { () async throws(Fault) in
            try await streaming(input, caller, lastEventId, deliver)
        }
    }

    /// Whether a subscription would be taken in: for a door that must say no before it begins to stream.
    ///
    /// - Throws: what ``subscribe(_:input:lastEventId:by:deliver:)`` would throw before its first value.
    public func checkSubscription(_ name: String, input: JSONValue, by caller: Caller) async throws(Fault) {
        let entry = try entry(name)
        guard entry.streaming != nil else {
            throw Fault.askedOtherwise(name, is: entry.spec.type)
        }
        try entry.admit(input, from: caller)
        try await reach.check(Belongings(of: input), for: caller)
    }

    /// What the table answers, by id.
    public var specs: [OperationSpec] { entries.values.map(\.spec).sorted { $0.id < $1.id } }

    /// One operation's spec.
    public func spec(of name: String) -> OperationSpec? { entries[name]?.spec }

    /// Whether an operation's answer is stored nowhere.
    public func answersSecret(_ name: String) -> Bool { entries[name]?.answersSecret ?? false }

    private func entry(_ name: String) throws(Fault) -> Entry {
        guard let entry = entries[name] else {
            throw Fault(.operationNotFound, "There is no operation “\(name)”; list them with operation.list.")
        }
        return entry
    }
}

extension OperationTable.Entry {
    /// Lets a call in whose caller may run the operation and whose input says what it must.
    func admit(_ input: JSONValue, from caller: Caller) throws(Fault) {
        try caller.check(spec.accessControl)
        let violations = self.input.violations(in: input)
        guard violations.isEmpty else { throw .invalid(violations) }
    }
}
