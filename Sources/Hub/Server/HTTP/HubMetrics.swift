import HubCore
import Protocol
import Synchronization

/// Everything that this process counts, for `/metrics` and for whoever wonders what a hub does all day.
public final class HubMetrics: Sendable {
    struct CallKey: Hashable {
        let operation: String
        let outcome: String
    }

    struct Counts {
        var calls: [CallKey: Int64] = [:]
        var latencies: [String: Latencies] = [:]
        var refusals: [String: Int64] = [:]

        /// The name to count an operation under: its own, until there are too many.
        func label(_ operation: String) -> String {
            latencies[operation] != nil || latencies.count < Limits.metricsOperations ? operation : "other"
        }
    }

    private let counts = Mutex(Counts())
    /// What the spokes' heartbeats say.
    let fleet = FleetGauges()
    /// Links that are open on this process.
    let linksOpen = Atomic<Int>(0)
    /// Links that were opened since the process began.
    let linksOpened = Atomic<Int>(0)
    /// Links that ended, for whatever reason.
    let linksEnded = Atomic<Int>(0)
    let journalBatches = Atomic<Int>(0)
    let journalRecords = Atomic<Int>(0)
    let journalBytes = Atomic<Int>(0)
    let journalCommits = Atomic<Int>(0)
    let journalFailures = Atomic<Int>(0)
    /// Nanoseconds that batches waited from their arrival to their commit, summed.
    let journalWait = Atomic<Int>(0)
    let commandsSent = Atomic<Int>(0)
    let subscriptionsOpen = Atomic<Int>(0)
    /// Calls that are under way, subscriptions included.
    let callsOpen = Atomic<Int>(0)
    /// WebSockets of coordinators.
    let coordinatorsOpen = Atomic<Int>(0)
    /// Answers of peers to calls that were over, or that nobody asked for.
    let answersIgnored = Atomic<Int>(0)
    /// Answers of spokes that did not fit their schemas.
    let answersMisshapen = Atomic<Int>(0)

    public init() {}

    /// What was counted so far.
    var counted: Counts { counts.withLock { $0 } }

    /// One call ended, with a fault of this code or well. Operations and outcomes come from the catalogue and the
    /// contract, so both sets are small; a flood of unknown operations is one name.
    func callEnded(_ operation: String, failing code: Fault.Code?, seconds: Double) {
        counts.withLock { counts in
            let label = counts.label(operation)
            counts.calls[CallKey(operation: label, outcome: code.map(Self.label) ?? "ok"), default: 0] += 1
            counts.latencies[label, default: Latencies()].note(seconds)
        }
    }

    /// A request was turned away before it reached an operation.
    func refused(_ code: Fault.Code) {
        counts.withLock { $0.refusals[Self.label(code), default: 0] += 1 }
    }

    /// The name to count a code under: operations may declare as many of their own as they like.
    private static func label(_ code: Fault.Code) -> String { code.isOfContract ? code.rawValue : "domain" }
}
