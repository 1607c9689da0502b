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
        guard let flaw = flaws.first else { return data }
        metrics.answersMisshapen.add(1, ordering: .relaxed)
        logger.warning(
            "A provider's answer does not fit its schema.",
            metadata: [
                provider.type.rawValue: "\(provider.id)", "operation": "\(contract.spec.id)",
                "request": "\(request)", "path": "\(flaw.path)", "flaw": "\(flaw.message)",
            ]
        )
        return data
    }
}
