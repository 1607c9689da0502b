public import Protocol

/// What a provider's last word on a call that was recalled means.
public struct StopFinding: Hashable, Sendable {
    public var outcome: CallStopOutcome
    /// What a spoke says of the processes that it ended.
    public var proof: AbortOutcome?

    public init(_ outcome: CallStopOutcome, proof: AbortOutcome? = nil) {
        self.outcome = outcome
        self.proof = proof
    }

    /// - Parameter word: `nil` if nothing was said in time, or the link broke.
    public init(of word: CallResult?) {
        switch word {
        case nil: self.init(.unreachable)
        case .answered, .completed: self.init(.finishedFirst)
        case .failed(let error): self.init(of: error.fault)
        }
    }

    /// What a call's end by a fault means.
    public init(of fault: Fault) {
        switch fault.code {
        case .aborted:
            // Only what ran processes has such details; anything else proves nothing more.
            let proof = fault.details.flatMap { try? $0.decoded(as: AbortOutcome.self) }
            self.init(proof?.outcome == .incomplete ? .incomplete : .aborted, proof: proof)
        case .notFound where fault.details?["gone"] == .bool(true): self.init(.gone)
        case .spokeDisconnected: self.init(.unreachable)
        default: self.init(.finishedFirst)
        }
    }
}
