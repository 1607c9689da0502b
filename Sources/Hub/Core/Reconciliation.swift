public import Protocol

/// Compares what a spoke says of itself with what the hub believes of it.
public enum Reconciliation {
    /// A session as the hub knows it.
    public struct KnownSession: Hashable, Sendable {
        public enum State: Hashable, Sendable {
            /// Its active mapping names this spoke.
            case here
            /// It ended, was aborted, or waits.
            case ended
            /// Its active mapping names another spoke.
            case elsewhere
        }

        public var sessionId: SessionID
        public var fence: Int64
        public var state: State
        /// The spoke has taken in the order to start it.
        public var isOrderTaken: Bool

        public init(sessionId: SessionID, fence: Int64, state: State, isOrderTaken: Bool) {
            self.sessionId = sessionId
            self.fence = fence
            self.state = state
            self.isOrderTaken = isOrderTaken
        }
    }

    public struct Outcome: Hashable, Sendable {
        /// One for each session that the spoke reported, in its order.
        public var verdicts: [SessionVerdict]
        /// What the hub believes running there and the spoke does not name. Its end may still be on its way in the
        /// journal: lost only if that was applied to its end and does not explain it.
        public var owed: [SessionID]
    }

    /// - Parameters:
    ///   - reported: The sessions of the spoke's hello.
    ///   - known: Those of them that the hub knows, and all whose active mapping names the spoke.
    public static func compare(reported: [SessionSummary], known: [KnownSession]) -> Outcome {
        let byId = Dictionary(known.map { ($0.sessionId, $0) }, uniquingKeysWith: { first, _ in first })
        let verdicts = reported.map { summary in
            SessionVerdict(sessionId: summary.sessionId, verdict: verdict(on: summary, known: byId[summary.sessionId]))
        }
        let named = Set(reported.map(\.sessionId))
        let owed = known.filter { $0.state == .here && $0.isOrderTaken && !named.contains($0.sessionId) }
        return Outcome(verdicts: verdicts, owed: owed.map(\.sessionId).sorted())
    }

    private static func verdict(on summary: SessionSummary, known: KnownSession?) -> SessionVerdict.Verdict {
        guard let known else { return .unknown }
        switch known.state {
        // An order that the hub never gave, under a number that it never drew.
        case .here where summary.fence > known.fence: return .unknown
        case .here: return summary.fence == known.fence ? .adopt : .stop
        // Both know that it ended: nothing to stop.
        case .ended where summary.state == .ended && summary.fence == known.fence: return .adopt
        case .ended, .elsewhere: return .stop
        }
    }
}
