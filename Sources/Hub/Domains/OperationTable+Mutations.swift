import Foundation
import HubCore
import Logging
public import Protocol

extension OperationTable {
    /// A mutation as it is asked for.
    struct Mutation: Sendable {
        let spec: OperationSpec
        let input: JSONValue
        let caller: Caller
        let answersSecret: Bool
        /// Whom it is meant for, and in which version, as far as its caller said.
        var target: CallTarget?
        var version: String?
        /// Whether the hub carries it out itself.
        var isOwn = true
        /// Whether whoever carries it out was asked to.
        var hasBegun: @Sendable () -> Bool = { true }

        var digest: String { InputDigest.of(input, for: spec.id) }

        /// What its idempotency key stands for: the input, and to whom it goes.
        var keyDigest: String {
            let target = target.flatMap { $0.isOpen ? nil : JSONValue(encoding: $0) }
            guard target != nil || version != nil else { return digest }
            let asked: JSONValue = [
                "input": input, "target": target ?? .null, "version": version.map(JSONValue.string) ?? .null,
            ]
            return InputDigest.of(asked, for: spec.id)
        }

        /// Whether this end says that nothing was begun, so that another attempt under the same key may do better.
        ///
        /// Whoever was handed a mutation may have done it, whatever became of the answer, unless it was too busy to
        /// look at it. The hub's own say so themselves when it is not known what the database did.
        func leavesNothing(_ fault: Fault) -> Bool {
            guard hasBegun() else { return Self.passing.contains(fault.code) }
            let isUnknown = fault.details?["outcome"]?.stringValue == "unknown"
            return fault.code == .rateLimited || isOwn && fault.code == .unavailable && !isUnknown
        }

        /// The fault as its key keeps it: one that passes by itself must not be waited for.
        func kept(_ fault: Fault) -> Fault {
            guard Self.passing.contains(fault.code), !leavesNothing(fault) else { return fault }
            let advice = " It may have been done all the same: see to that, then take another idempotency key."
            return Fault(fault.code, fault.message + advice, details: fault.details)
        }

        /// Faults that say nothing about the mutation itself.
        private static let passing: Set<Fault.Code> = [
            .unavailable, .timeout, .aborted, .rateLimited, .spokeDisconnected, .unknown,
        ]
    }

    /// Runs a mutation once for each idempotency key, and leaves its line, whatever becomes of it.
    func mutate(
        _ mutation: Mutation,
        answering: () async throws(Fault) -> [UInt8],
        admit: () throws(Fault) -> Void
    ) async throws(Fault) -> [UInt8] {
        let (spec, caller) = (mutation.spec, mutation.caller)
        var about = Belongings(of: mutation.input)
        var held: String?
        do {
            try admit()
            try await reach.check(about, for: caller)
            if let key = caller.idempotencyKey {
                if let (before, request) = try await firstOutcome(key, digest: mutation.keyDigest, caller: caller) {
                    return try before.repeated(spec.id, request: request)
                }
                held = key
            }
            let data = try await answering()
            let made = mutation.made(data)
            // Only the answer says which one it is; if it cannot be read, the line belongs to none.
            if spec.id == CreateOrganization.name { about = Belongings(of: made.map { ["org": .string($0)] } ?? [:]) }
            let outcome = mutation.answersSecret ? FirstOutcome.secret : .answered(data)
            await record(mutation.line(about, made: made), of: caller, held.map { ($0, outcome) })
            return data
        } catch {
            // A repeated failure leaves a line of its own: somebody asked again.
            let fault = held == nil ? error : mutation.kept(error)
            let line = mutation.line(about, fault)
            if let held, mutation.leavesNothing(error) {
                await release(held, line, of: caller)
            } else {
                await record(line, of: caller, held.map { ($0, .failed(fault)) })
            }
            throw fault
        }
    }

    /// The outcome of an earlier call under this key, and that call's id; `nil` if the key is now this call's to use.
    private func firstOutcome(
        _ key: String,
        digest: String,
        caller: Caller
    ) async throws(Fault) -> (FirstOutcome, String)? {
        guard !key.isEmpty, Wording.violations(ofText: key, at: "", bytes: Limits.requestIdBytes).isEmpty else {
            throw .invalid("Idempotency-Key", "must be 1 to \(Limits.requestIdBytes) printable bytes.")
        }
        let left = caller.deadline.map { Duration.seconds(min(max($0.timeIntervalSinceNow, 0), 3_600)) }
        let end = ContinuousClock.now + min(Limits.idempotencyWait, left ?? Limits.idempotencyWait)
        var pause = Duration.milliseconds(10)
        while true {
            switch try await mutations.reserve(key, digest: digest, caller: caller) {
            case .fresh: return nil
            case .done(let outcome, let request): return (outcome, request)
            case .otherInput:
                throw Fault(
                    .conflict,
                    "This idempotency key was used for another input, target or version; choose another key."
                )
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
}

extension OperationTable.Mutation {
    /// Its line in the trail.
    fileprivate func line(_ about: Belongings, _ fault: Fault? = nil, made: String? = nil) -> AuditEntry {
        var names = NamedInput.names(in: input, isOwn: isOwn)
        if let made { names["newId"] = [made] }
        return AuditEntry(
            spec.id,
            by: caller,
            digest: digest,
            about: about,
            account: input["account"]?.stringValue,
            names: names,
            fault: fault
        )
    }

    /// The id of what it made.
    fileprivate func made(_ data: [UInt8]) -> String? {
        guard isOwn, NamedInput.makes(spec.id) else { return nil }
        // An answer that cannot be read has no id; its caller has it all the same.
        let output: JSONValue? = try? WireCoder.value(from: data)
        return output.flatMap { NamedInput.made(by: spec.id, answering: $0) }
    }
}

// MARK: - The trail

extension OperationTable {
    /// Leaves the line of a subscription that may change something: of one that begins, or that was refused.
    ///
    /// - Throws: `UNAVAILABLE` if the line of one that begins cannot be written: then it must not begin.
    public func witness(
        _ spec: OperationSpec,
        input: JSONValue,
        by caller: Caller,
        refusal: Fault? = nil
    ) async throws(Fault) {
        var mutation = Mutation(spec: spec, input: input, caller: caller, answersSecret: false)
        mutation.isOwn = entries[spec.id] != nil
        let line = mutation.line(Belongings(of: input), refusal)
        guard await !record(line, of: caller, nil), refusal == nil else { return }
        throw Fault(
            .unavailable,
            "The call could not be written down and was not begun; try again.",
            details: ["retryAfterMilliseconds": 1_000]
        )
    }

    /// Leaves the trail, and the outcome under the key that is held. What was done is done: if it cannot be recorded,
    /// the log is the second memory. Answers whether it was.
    @discardableResult
    private func record(_ line: AuditEntry, of caller: Caller, _ held: (String, FirstOutcome)?) async -> Bool {
        do throws(Fault) {
            do throws(Fault) {
                try await write(line, of: caller, held)
            } catch {
                guard ![.unavailable, .timeout].contains(error.code) else { throw error }
                // Whatever the database did not take must not cost the line, nor have the mutation run again.
                try await write(line.bare, of: caller, held.map { ($0, $1.bare) })
            }
            return true
        } catch {
            lost(line, error)
            return false
        }
    }

    private func write(
        _ line: AuditEntry,
        of caller: Caller,
        _ held: (String, FirstOutcome)?
    ) async throws(Fault) {
        guard let (key, outcome) = held else { return try await mutations.record(line) }
        try await mutations.record(line, key: key, heldBy: caller.requestId, outcome: outcome)
    }

    /// Leaves the trail of what was not begun, whose key is free again.
    private func release(_ held: String, _ line: AuditEntry, of caller: Caller) async {
        do throws(Fault) { try await mutations.release(held, caller: caller) } catch {
            // It stays reserved until its lease ends.
            logger.warning("An idempotency key was not given back.", metadata: ["fault": "\(error)"])
        }
        await record(line, of: caller, nil)
    }

    private func lost(_ line: AuditEntry, _ fault: Fault) {
        logger.error(
            "audit entry could not be written",
            metadata: [
                "operation": "\(line.action)", "account": "\(line.owner)", "request": "\(line.requestId)",
                "outcome": "\(line.outcome.rawValue)", "fault": "\(fault)",
            ]
        )
    }
}
