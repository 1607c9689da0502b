import Protocol
import SpokeCore
import Synchronization

/// What this spoke offers just now; it changes when the owner changes `spoke.yaml` or a server its tools.
final class OperationDesk: Sendable {
    private let table: Mutex<SpokeOperations>
    private let agents: AgentProfiles
    let policy: PolicyFile
    let secrets: @Sendable () async -> SecretPatterns

    init(
        _ table: SpokeOperations,
        agents: AgentProfiles = AgentProfiles([:]),
        policy: PolicyFile,
        secrets: @escaping @Sendable () async -> SecretPatterns
    ) {
        self.table = Mutex(table)
        self.agents = agents
        self.policy = policy
        self.secrets = secrets
    }

    var operations: SpokeOperations { table.withLock { $0 } }

    /// Offers these from here on; calls that are under way go on.
    func replace(_ operations: SpokeOperations) { table.withLock { $0 = operations } }

    /// What the hello tells, or when it changed: then it is told whole, with the agents there are. A policy that cannot
    /// be understood offers nothing.
    func summary(whole: Bool) async -> OperationsSummary {
        var summary = await permitted(whole: whole)
        if whole { summary.agents = agents.offers }
        return summary
    }

    private func permitted(whole: Bool) async -> OperationsSummary {
        let operations = operations
        do {
            let policy = try await policy.current()
            return operations.summary(whole: whole) { policy.objection(toOperation: $0) == nil }
        } catch {
            return operations.summary(whole: whole) { _ in false }
        }
    }

    /// Lets a call in: the one place where the owner's policy judges it, before anything of it runs (safety.md 5).
    ///
    /// - Throws: `OPERATION_NOT_FOUND`, `ACCESS_DENIED` by the policy or for what the caller lacks, or
    ///   `VALIDATION_ERROR` with every violation.
    func admit(_ name: String, _ input: JSONValue, by identity: Identity?) async throws(Fault)
        -> SpokeOperations.Entry
    {
        guard let entry = table.withLock({ $0.entries[name] }) else {
            throw Fault(.operationNotFound, "This spoke does not offer \(name).")
        }
        if let objection = try await policy.current().objection(toOperation: name) { throw objection }
        // The hub has checked this already; a hub that did not is not believed.
        if let identity { try entry.spec.accessControl.check(identity) }
        let violations = entry.violations(input)
        guard violations.isEmpty else { throw .invalid(violations) }
        return entry
    }

    /// An answer without the secrets that must not leave this machine.
    func hide(_ value: JSONValue) async -> JSONValue {
        let patterns = await secrets()
        return patterns.isEmpty ? value : RecordRedaction.redact(asked: value, with: patterns)
    }

    /// The same for an error: what a program complained of may say more than it should.
    func hide(_ fault: Fault) async -> Fault {
        let patterns = await secrets()
        guard !patterns.isEmpty else { return fault }
        let message = RecordRedaction.redact(asked: .string(fault.message), with: patterns).stringValue
        let details = fault.details.map { RecordRedaction.redact(asked: $0, with: patterns) }
        return Fault(fault.code, message ?? "", details: details)
    }
}
