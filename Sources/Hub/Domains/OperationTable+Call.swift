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
            throw Fault(.validation, "\(name) is a subscription; ask for it with /v1/subscribe/\(name).")
        }
        let data: [UInt8]
        if entry.spec.type == .mutation {
            let secret = entry.answersSecret
            data = try await mutate(entry.spec, answersSecret: secret, input, caller) { () async throws(Fault) in
                try await begin()
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
    /// - Parameter work: Lets the caller in, carries it out and answers. Not run again for a repeated idempotency key:
    ///   then the first outcome is the answer, as the hub's own word.
    public func recorded(
        _ spec: OperationSpec,
        input: JSONValue,
        by caller: Caller,
        work: @escaping @Sendable () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        let first = Mutex<Answer?>(nil)
        let data = try await mutate(spec, answersSecret: false, input, caller) { () async throws(Fault) in
            let answer = try await work()
            first.withLock { $0 = answer }
            return answer.data
        } admit: { () throws(Fault) in
            try spec.accessControl.check(caller.identity)
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
            throw Fault(.validation, "\(name) is a \(entry.spec.type.rawValue); call it with /v1/call/\(name).")
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
            throw Fault(.validation, "\(name) is a \(entry.spec.type.rawValue); call it with /v1/call/\(name).")
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
        try spec.accessControl.check(caller.identity)
        let violations = self.input.violations(in: input)
        guard violations.isEmpty else { throw .invalid(violations) }
    }
}

// MARK: - Mutations

extension OperationTable {
    private func mutate(
        _ spec: OperationSpec,
        answersSecret: Bool,
        _ input: JSONValue,
        _ caller: Caller,
        answering: () async throws(Fault) -> [UInt8],
        admit: () throws(Fault) -> Void
    ) async throws(Fault) -> [UInt8] {
        let digest = InputDigest.of(input, for: spec.id)
        var about = Belongings(of: input)
        var held: String?
        func record(_ outcome: FirstOutcome, fault: Fault? = nil) async {
            let line = AuditEntry(
                action: spec.id,
                caller: caller,
                digest: digest,
                about: about,
                account: input["account"]?.stringValue,
                outcome: AuditOutcome(fault),
                code: fault?.code
            )
            await self.record(line, fault: fault, held: held, outcome: outcome)
        }
        do {
            try admit()
            try await reach.check(about, for: caller)
            if let key = caller.idempotencyKey {
                if let before = try await firstOutcome(key, digest: digest, caller: caller) {
                    return try Self.repeated(before, of: spec)
                }
                held = key
            }
            let data = try await answering()
            if spec.id == CreateOrganization.name {
                // Only the answer says which one it is; if it cannot be read, the line belongs to none.
                let made: OrganizationRecord? = try? WireCoder.value(from: data)
                about = Belongings(of: made.map { ["org": .string($0.id.rawValue)] } ?? [:])
            }
            let outcome = answersSecret ? FirstOutcome.secret : .answered(data)
            await record(outcome)
            return data
        } catch {
            // A repeated failure leaves a line of its own: somebody asked again.
            await record(.failed(error), fault: error)
            throw error
        }
    }

    private static func repeated(_ outcome: FirstOutcome, of spec: OperationSpec) throws(Fault) -> [UInt8] {
        switch outcome {
        case .answered(let data): return data
        case .failed(let fault): throw fault
        case .secret:
            throw Fault(
                .conflict,
                "\(spec.id) was done before under this idempotency key; its secret is shown only once."
            )
        }
    }

    /// The outcome of an earlier call under this key; `nil` if the key is now this call's to use.
    private func firstOutcome(_ key: String, digest: String, caller: Caller) async throws(Fault) -> FirstOutcome? {
        guard Wording.violations(ofName: key, at: "").isEmpty, key.utf8.count <= Limits.idempotencyKeyBytes else {
            throw .invalid("Idempotency-Key", "must be 1 to \(Limits.idempotencyKeyBytes) printable bytes.")
        }
        let left = caller.deadline.map { Duration.seconds(min(max($0.timeIntervalSinceNow, 0), 3_600)) }
        let end = ContinuousClock.now + min(Limits.idempotencyWait, left ?? Limits.idempotencyWait)
        var pause = Duration.milliseconds(10)
        while true {
            switch try await mutations.reserve(key, digest: digest, caller: caller) {
            case .fresh: return nil
            case .done(let outcome): return outcome
            case .otherInput:
                throw Fault(.conflict, "This idempotency key was used for another input; choose another key.")
            case .underWay:
                guard ContinuousClock.now + pause < end else {
                    throw Fault(
                        .conflict,
                        "The first call under this idempotency key is still under way; ask again later.",
                        details: ["retryAfterMilliseconds": 1_000]
                    )
                }
            }
            do {
                try await Task.sleep(for: pause)
            } catch {
                throw Fault(.aborted, "The call was aborted while it waited for the first one's outcome.")
            }
            pause = min(pause * 2, .milliseconds(250))
        }
    }

    /// Leaves the trail. What was done is done: if it cannot be recorded, the log is the second memory.
    private func record(_ line: AuditEntry, fault: Fault?, held: String?, outcome: FirstOutcome) async {
        do {
            if let held, let fault, Self.isPassing(fault) {
                try await mutations.release(held, caller: line.caller)
                try await mutations.record(line)
            } else {
                try await recordOnce(line, held, outcome)
            }
        } catch {
            logger.error(
                "audit entry could not be written",
                metadata: [
                    "operation": "\(line.action)", "account": "\(line.caller.accountId)",
                    "request": "\(line.caller.requestId)", "outcome": "\(line.outcome.rawValue)", "fault": "\(error)",
                ]
            )
        }
    }

    private func recordOnce(_ line: AuditEntry, _ held: String?, _ outcome: FirstOutcome) async throws(Fault) {
        guard let held else { return try await mutations.record(line) }
        do throws(Fault) {
            try await mutations.record(line, key: held, outcome: outcome)
        } catch {
            guard error.code != .unavailable else { throw error }
            // An answer that jsonb cannot hold (U+0000 in a text) must not cost the audit entry.
            try await mutations.record(line)
            throw error
        }
    }

    /// Faults that say nothing about the mutation itself: another attempt may do better.
    private static func isPassing(_ fault: Fault) -> Bool {
        [.unavailable, .timeout, .aborted, .rateLimited, .spokeDisconnected, .unknown].contains(fault.code)
    }
}

extension AuditOutcome {
    /// What a mutation's end is called in the trail.
    fileprivate init(_ fault: Fault?) {
        self =
            switch fault?.code {
            case nil: .succeeded
            case .accessDenied?, .unauthenticated?: .denied
            case .some: .failed
            }
    }
}
