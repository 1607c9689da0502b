/// What became of a call that was to be stopped.
public enum CallStopOutcome: String, Codable, CaseIterable, Hashable, Sendable {
    /// It was under way and has ended; every process that it had started is gone.
    case aborted
    /// Processes that it had started live on.
    case incomplete
    /// It came to its own end before, or is a mutation of the hub's own that goes on to it.
    case finishedFirst
    /// Its provider does not run it any more.
    case gone
    /// Its provider did not say in time what became of it.
    case unreachable
}

/// One call that was to be stopped, with the proof of its end.
public struct CallStop: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "requestId": "The call.",
        "operationId": "What was called.",
        "outcome":
            "aborted: it has ended, and so has every process of it; incomplete: processes live on; finishedFirst: it "
            + "came to its own end; gone: nobody runs it any more; unreachable: its provider did not say in time.",
        "providerType": "Who ran it.",
        "providerId": "Which one.",
        "processes": "Processes that were ended, where it ran any.",
        "processes.pid": "The process's number on the spoke.",
        "processes.command": "What it was.",
        "remaining": "Processes that live on.",
        "remaining.pid": "The process's number on the spoke.",
        "remaining.command": "What it is.",
        "exitSignal": "The signal that ended the first of its processes.",
        "waitedMilliseconds": "How long ending it took.",
    ]
    public var requestId: String
    public var operationId: String
    public var outcome: CallStopOutcome
    public var providerType: ProviderType?
    public var providerId: String?
    public var processes: [ProcessRecord]?
    public var remaining: [ProcessRecord]?
    public var exitSignal: Int32?
    public var waitedMilliseconds: Int64

    public init(
        requestId: String,
        operationId: String,
        outcome: CallStopOutcome,
        providerType: ProviderType? = nil,
        providerId: String? = nil,
        waitedMilliseconds: Int64
    ) {
        self.requestId = requestId
        self.operationId = operationId
        self.outcome = outcome
        self.providerType = providerType
        self.providerId = providerId
        self.waitedMilliseconds = waitedMilliseconds
    }

    /// The same with what the processes' end proves.
    public func proven(by proof: AbortOutcome?) -> CallStop {
        guard let proof else { return self }
        var stop = self
        stop.processes = proof.processes
        stop.remaining = proof.remaining.isEmpty ? nil : proof.remaining
        stop.exitSignal = proof.exitSignal
        stop.waitedMilliseconds = proof.waitedMilliseconds
        return stop
    }
}
