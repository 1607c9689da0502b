public import Protocol

/// Everything that a look at one session may go by, at one moment. Times are milliseconds since 1970 by the hub's
/// clock: when the hub heard of something, so that no other clock can be wrong. `nil` is a signal that is missing.
public struct SessionSigns: Hashable, Sendable {
    public var sessionId: SessionID
    /// The placement that is looked at: what an earlier one showed is another matter.
    public var fence: Int64
    /// The moment of the look.
    public var at: Int64
    public var status: SessionStatus
    /// Its process was started; before that a worktree is being prepared.
    public var hasStarted: Bool
    public var isOver: Bool
    /// Set for an agent, whether or not its output is understood.
    public var agent: Agent?
    public var spoke: Spoke?
    public var activity = Activity()
    public var work = Work()
    /// What was reported of the session before.
    public var reports: [DetectionReport] = []

    /// A coding agent.
    public struct Agent: Hashable, Sendable {
        /// How its output is read; `nil` before its process started.
        public var output: AgentOutput?
        public var state: AgentState
        public var quotaResetsAt: Int64?
        public var transcript: TranscriptSigns

        public init(
            output: AgentOutput?,
            state: AgentState = .busy,
            quotaResetsAt: Int64? = nil,
            transcript: TranscriptSigns = TranscriptSigns()
        ) {
            self.output = output
            self.state = state
            self.quotaResetsAt = quotaResetsAt
            self.transcript = transcript
        }
    }

    /// The spoke that the session is on.
    public struct Spoke: Hashable, Sendable {
        public var name: String
        public var isConnected: Bool
        /// Since when the link stands, or is gone.
        public var connectedAt: Int64?
        public var disconnectedAt: Int64?
        public var disconnectReason: String?
        public var lastHeartbeat: Int64?
        /// Why it takes no sessions of its own accord, such as a full disk.
        public var pausedReason: String?
        /// Share of the machine's processors in use, as of the last heartbeat.
        public var cpuLoad: Double?
        /// Since when there is a hub that could have heard it.
        public var watchedSince: Int64?

        public init(name: String, isConnected: Bool) {
            self.name = name
            self.isConnected = isConnected
        }
    }

    /// When something was last seen of it.
    public struct Activity: Hashable, Sendable {
        /// Its placement, its start, a change of its state.
        public var stateAt: Int64?
        /// Something was printed, on any stream.
        public var outputAt: Int64?
        /// Somebody said something to it.
        public var messageAt: Int64?
        /// It asked for an operation.
        public var callAt: Int64?
        /// Its worktree stood otherwise than before: another head, another branch, changes or none.
        public var referencesAt: Int64?
        /// Its processes used a processor, or wrote to files, as its spoke sampled.
        public var processorAt: Int64?
        public var writeAt: Int64?
        /// The last sample, whatever it said.
        public var sampledAt: Int64?

        public init() {}

        /// Less than this share of one processor is what an idle program takes, too.
        public static let processorShare = 0.05

        /// What a sample shows, by the names under which it is kept.
        public static func seen(in sample: SessionSampled, at: Int64) -> [String: Int64] {
            var seen = ["at": at]
            if sample.processorSeconds >= processorShare * sample.seconds { seen["processorAt"] = at }
            if sample.writtenBytes > 0 { seen["writeAt"] = at }
            return seen
        }
    }

    /// What it works on.
    public struct Work: Hashable, Sendable {
        /// The worktree's absolute path on its spoke.
        public var directory: String?
        /// Patterns of the files that its task is about; empty for all of the worktree.
        public var expectedFiles: [String] = []
        public var taskScope: TaskScope?

        public init() {}
    }

    public init(
        sessionId: SessionID,
        fence: Int64,
        at: Int64,
        status: SessionStatus,
        hasStarted: Bool,
        isOver: Bool
    ) {
        self.sessionId = sessionId
        self.fence = fence
        self.at = at
        self.status = status
        self.hasStarted = hasStarted
        self.isOver = isOver
    }

    /// The reports of one thing of this placement.
    func report(_ type: AnomalyType, _ context: String) -> DetectionReport? {
        reports.first { $0.type == type.rawValue && $0.context == context }
    }
}

/// How far the evidence went that was reported before, of one type and one thing in the session.
public struct DetectionReport: Codable, Hashable, Sendable {
    public var type: String
    /// Which thing of the session; see ``AnomalyFinding/context``.
    public var context: String
    /// Where the evidence of the open detection ended, if there is one.
    public var openMark: Int64?
    /// The same of the resolved ones: evidence up to here does not raise it again.
    public var resolvedMark: Int64?
    /// The open one.
    public var openId: DetectionID?

    public init(
        type: AnomalyType,
        context: String,
        openMark: Int64? = nil,
        resolvedMark: Int64? = nil,
        openId: DetectionID? = nil
    ) {
        self.type = type.rawValue
        self.context = context
        self.openMark = openMark
        self.resolvedMark = resolvedMark
        self.openId = openId
    }
}
