import HubCore
import HubDomains
import Logging
import Protocol
import Synchronization

/// Brings what others answer into the shape that their schemas promise, and says so where something did not fit.
struct AnswerShaper: Sendable {
    let metrics: HubMetrics
    let logger: Logger

    /// The answer's data in shape. Never fails a call.
    ///
    /// - Parameter request: The call's id, for the log.
    func shaped(
        _ data: JSONValue,
        by contract: OperationContract,
        from provider: CallProvider,
        request: String
    ) -> JSONValue {
        let (data, flaws) = contract.shaped(data)
        tell(of: flaws, in: "answer", by: contract, from: provider, request)
        return data
    }

    /// A provider's fault as callers may hear it, with the details that the operation declares for it.
    func heard(
        _ fault: Fault,
        by contract: OperationContract,
        from provider: CallProvider,
        request: String
    ) -> Fault {
        let (fault, flaws) = contract.shaped(contract.spec.heard(fault))
        tell(of: flaws, in: "error", by: contract, from: provider, request)
        return fault
    }

    private func tell(
        of flaws: [Fault.Violation],
        in what: String,
        by contract: OperationContract,
        from provider: CallProvider,
        _ request: String
    ) {
        guard let flaw = flaws.first else { return }
        metrics.answersMisshapen.add(1, ordering: .relaxed)
        logger.warning(
            "A provider's \(what) does not fit its schema.",
            metadata: [
                provider.type.rawValue: "\(provider.id)", "operation": "\(contract.spec.id)",
                "request": "\(request)", "path": "\(flaw.path)", "flaw": "\(flaw.message)",
            ]
        )
    }
}
