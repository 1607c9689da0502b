public import Foundation

/// The spoke's whole truth, told first on every connection.
public struct LinkHello: Codable, Hashable, Sendable {
    public var versions: [Int]
    public var spokeId: SpokeID
    public var name: String
    /// A new UUID for each start of the spoke's process.
    public var incarnation: String
    /// Changes when the machine restarts.
    public var bootId: String
    public var spokeType: SpokeType
    public var hostInfo: HostInfo
    public var labels: [String: String]
    public var slots: Int
    public var draining: Bool
    public var journal: JournalSummary
    /// How far this spoke has taken in its commands.
    public var commands: StreamMark
    public var operations: OperationsSummary
    public var sessions: [SessionSummary]
    public var worktrees: [WorktreeSummary]
    /// Agent programs that the owner has set up here, by name; absent from a spoke that has none.
    public var agents: [AgentOffer]?

    public init(
        versions: [Int] = [1],
        spokeId: SpokeID,
        name: String,
        incarnation: String,
        bootId: String,
        spokeType: SpokeType,
        hostInfo: HostInfo,
        labels: [String: String],
        slots: Int,
        draining: Bool,
        journal: JournalSummary,
        commands: StreamMark,
        operations: OperationsSummary,
        sessions: [SessionSummary],
        worktrees: [WorktreeSummary],
        agents: [AgentOffer]? = nil
    ) {
        self.versions = versions
        self.spokeId = spokeId
        self.name = name
        self.incarnation = incarnation
        self.bootId = bootId
        self.spokeType = spokeType
        self.hostInfo = hostInfo
        self.labels = labels
        self.slots = slots
        self.draining = draining
        self.journal = journal
        self.commands = commands
        self.operations = operations
        self.sessions = sessions
        self.worktrees = worktrees
        self.agents = agents
    }
}

/// What a spoke is for.
public enum SpokeType: String, Codable, CaseIterable, Hashable, Sendable {
    case devEnvironment = "dev-env"
    case client
    case compute
}

/// The machine a spoke runs on.
public struct HostInfo: Codable, Hashable, Sendable {
    public var os: String
    public var arch: String
    public var cpus: Int
    public var memoryBytes: Int64
    public var diskFreeBytes: Int64
    public var gitVersion: String
    public var spokeVersion: String

    public init(
        os: String,
        arch: String,
        cpus: Int,
        memoryBytes: Int64,
        diskFreeBytes: Int64,
        gitVersion: String,
        spokeVersion: String
    ) {
        self.os = os
        self.arch = arch
        self.cpus = cpus
        self.memoryBytes = memoryBytes
        self.diskFreeBytes = diskFreeBytes
        self.gitVersion = gitVersion
        self.spokeVersion = spokeVersion
    }
}

/// What a spoke's journal holds.
public struct JournalSummary: Codable, Hashable, Sendable {
    public var epoch: Int64
    /// The oldest record still stored; equal to `next` when all are acknowledged.
    public var first: Int64
    /// The number the next record will get.
    public var next: Int64
    /// The hash of record `next - 1`, ``ChainHash/origin`` before the first.
    public var headHash: ChainHash

    public init(epoch: Int64, first: Int64, next: Int64, headHash: ChainHash) {
        self.epoch = epoch
        self.first = first
        self.next = next
        self.headHash = headHash
    }
}

/// The operations a spoke offers, by digest first, so that a known set is not sent again.
public struct OperationsSummary: Codable, Hashable, Sendable {
    public var hash: String
    public var specs: [JSONValue]?
    /// The agent programs there are from here on; absent if the hello's word of them stands.
    public var agents: [AgentOffer]?

    public init(hash: String, specs: [JSONValue]? = nil, agents: [AgentOffer]? = nil) {
        self.hash = hash
        self.specs = specs
        self.agents = agents
    }
}

/// What the hub made of an offer of operations. What is refused stands in nobody's way: the others are registered.
public struct OperationsTaken: Codable, Hashable, Sendable {
    /// One operation that is not registered.
    public struct Refusal: Codable, Hashable, Sendable {
        /// `namespace.name`, or its place in the list if it has none.
        public var operation: String
        public var code: Fault.Code
        /// One sentence that says what to do; names the paths that differ.
        public var message: String

        public init(operation: String, code: Fault.Code, message: String) {
            self.operation = operation
            self.code = code
            self.message = message
        }
    }

    /// The hash of the offer that this answers.
    public var hash: String
    /// How many operations of the spoke are registered now.
    public var registered: Int
    public var refusals: [Refusal]

    public init(hash: String, registered: Int, refusals: [Refusal]) {
        self.hash = hash
        self.registered = registered
        self.refusals = refusals
    }
}

/// A session as its spoke sees it.
public struct SessionSummary: Codable, Hashable, Sendable {
    public enum State: String, Codable, Sendable { case preparing, running, ended }
    public var sessionId: SessionID
    public var fence: Int64
    public var state: State
    public var pid: Int32?
    public var startedAt: Date?

    public init(sessionId: SessionID, fence: Int64, state: State, pid: Int32?, startedAt: Date?) {
        self.sessionId = sessionId
        self.fence = fence
        self.state = state
        self.pid = pid
        self.startedAt = startedAt
    }
}

/// A worktree as its spoke sees it.
public struct WorktreeSummary: Codable, Hashable, Sendable {
    public var workspaceId: WorkspaceID
    public var branch: String
    public var head: String
    public var dirty: Bool

    public init(workspaceId: WorkspaceID, branch: String, head: String, dirty: Bool) {
        self.workspaceId = workspaceId
        self.branch = branch
        self.head = head
        self.dirty = dirty
    }
}

/// The hub takes the spoke in.
public struct LinkWelcome: Codable, Hashable, Sendable {
    public var version: Int
    public var hubId: HubID
    public var heartbeatMilliseconds: Int64
    public var silenceMilliseconds: Int64
    /// How far the hub has applied the spoke's journal, with the hash that proves both mean the same record.
    public var journalAcknowledged: StreamMark
    /// The commands' epoch, and the number the hub's next command will get.
    public var commandsEpoch: Int64
    public var commandsNext: Int64
    /// The set of operations is not known by its hash: send it whole.
    public var operationsWanted: Bool
    public var limits: LinkLimits
    public var serverTime: Date
    public var verdicts: [SessionVerdict]

    public init(
        version: Int = 1,
        hubId: HubID,
        heartbeatMilliseconds: Int64,
        silenceMilliseconds: Int64,
        journalAcknowledged: StreamMark,
        commandsEpoch: Int64,
        commandsNext: Int64,
        operationsWanted: Bool,
        limits: LinkLimits,
        serverTime: Date,
        verdicts: [SessionVerdict]
    ) {
        self.version = version
        self.hubId = hubId
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.silenceMilliseconds = silenceMilliseconds
        self.journalAcknowledged = journalAcknowledged
        self.commandsEpoch = commandsEpoch
        self.commandsNext = commandsNext
        self.operationsWanted = operationsWanted
        self.limits = limits
        self.serverTime = serverTime
        self.verdicts = verdicts
    }
}

/// What the receiving side of a stream takes at a time.
public struct LinkLimits: Codable, Hashable, Sendable {
    public var windowRecords: Int
    public var windowBytes: Int
    public var batchRecords: Int
    public var batchBytes: Int

    public init(windowRecords: Int, windowBytes: Int, batchRecords: Int, batchBytes: Int) {
        self.windowRecords = windowRecords
        self.windowBytes = windowBytes
        self.batchRecords = batchRecords
        self.batchBytes = batchBytes
    }

    public static let standard = LinkLimits(
        windowRecords: Limits.windowRecords,
        windowBytes: Limits.windowBytes,
        batchRecords: Limits.batchRecords,
        batchBytes: Limits.batchBytes
    )
}

/// What the hub knows of a session that a spoke reported.
public struct SessionVerdict: Codable, Hashable, Sendable {
    public enum Verdict: String, Codable, CaseIterable, Sendable {
        /// It is where it should be: go on.
        case adopt
        /// It was aborted or placed elsewhere meanwhile: end it.
        case stop
        /// The hub has never heard of it: keep it, show it, touch nothing.
        case unknown
    }

    public var sessionId: SessionID
    public var verdict: Verdict

    public init(sessionId: SessionID, verdict: Verdict) {
        self.sessionId = sessionId
        self.verdict = verdict
    }
}

/// The hub does not take the spoke in.
public struct LinkRefused: Codable, Hashable, Sendable {
    public var code: Code
    /// One sentence that says what to do.
    public var message: String
    /// When it is worth trying again; never, if absent.
    public var retryAfterMilliseconds: Int64?

    /// A refusal's kind; unknown ones are treated like ``unavailable``.
    public struct Code: RawRepresentable, Codable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// No protocol version in common.
        public static let version = Code(rawValue: "VERSION")
        /// The credential is not this spoke's, or was revoked.
        public static let credential = Code(rawValue: "CREDENTIAL")
        /// A newer incarnation of this spoke took over; this one must not come back.
        public static let replaced = Code(rawValue: "REPLACED")
        /// The journal is not a continuation of what the hub has applied: a copied or restored data directory.
        public static let diverged = Code(rawValue: "DIVERGED")
        /// The hub drains or its database is away.
        public static let unavailable = Code(rawValue: "UNAVAILABLE")
        /// The hello itself is not acceptable.
        public static let invalid = Code(rawValue: "INVALID")
    }

    public init(code: Code, message: String, retryAfterMilliseconds: Int64?) {
        self.code = code
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }
}

/// A connection ends in order.
public struct LinkGoodbye: Codable, Hashable, Sendable {
    public var reason: Reason
    public var message: String?
    public var retryAfterMilliseconds: Int64?
    /// Another hub's URL to go to.
    public var elsewhere: String?

    /// Why; unknown reasons are treated like ``restart``.
    public struct Reason: RawRepresentable, Codable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let restart = Reason(rawValue: "restart")
        public static let drain = Reason(rawValue: "drain")
        public static let replaced = Reason(rawValue: "replaced")
        public static let silence = Reason(rawValue: "silence")
        public static let protocolError = Reason(rawValue: "protocol-error")
        public static let shutdown = Reason(rawValue: "shutdown")
    }

    public init(
        reason: Reason,
        message: String? = nil,
        retryAfterMilliseconds: Int64? = nil,
        elsewhere: String? = nil
    ) {
        self.reason = reason
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.elsewhere = elsewhere
    }
}

/// The spoke lives, and this is how it fares.
public struct LinkHeartbeat: Codable, Hashable, Sendable {
    public var load: HostLoad
    public var sessions: Int
    public var journalNext: Int64
    public var commandsApplied: Int64

    public init(load: HostLoad, sessions: Int, journalNext: Int64, commandsApplied: Int64) {
        self.load = load
        self.sessions = sessions
        self.journalNext = journalNext
        self.commandsApplied = commandsApplied
    }
}

/// Shares of the machine in use, each 0…1 (cpu may exceed 1: load average per core).
public struct HostLoad: Codable, Hashable, Sendable {
    public var cpu: Double
    public var memory: Double
    public var disk: Double

    public init(cpu: Double, memory: Double, disk: Double) {
        self.cpu = cpu
        self.memory = memory
        self.disk = disk
    }
}

/// The hub heard, and may change the interval.
public struct LinkHeartbeatAcknowledged: Codable, Hashable, Sendable {
    public var heartbeatMilliseconds: Int64?

    public init(heartbeatMilliseconds: Int64? = nil) { self.heartbeatMilliseconds = heartbeatMilliseconds }
}
