public import Foundation

/// What a spoke's journal may tell. The raw value is the record's type on the wire and never changes.
public enum JournalRecordType: String, CaseIterable, Sendable {
    case sessionStarted = "session.started"
    case sessionOutput = "session.output"
    case sessionMessage = "session.message"
    case sessionSampled = "session.sampled"
    case sessionExited = "session.exited"
    case sessionFailed = "session.failed"
    case outputGap = "output.gap"
    case workspaceCreated = "workspace.created"
    case workspaceObserved = "workspace.observed"
    case workspaceRemoved = "workspace.removed"
    case workspaceSalvaged = "workspace.salvaged"
    case commandCompleted = "command.completed"
    case alertRaised = "alert.raised"

    /// Bulk records may be dropped at the journal's hard limit, behind an explicit gap; state records never are.
    public var isBulk: Bool { self == .sessionOutput }
}

/// A channel on which a process speaks.
public enum OutputStream: String, Codable, CaseIterable, Hashable, Sendable {
    case stdout, stderr, pty, agent

    /// The stream's number in binary records.
    public var number: UInt8 {
        switch self {
        case .stdout: 1
        case .stderr: 2
        case .pty: 3
        case .agent: 4
        }
    }

    public init?(number: UInt8) {
        guard let stream = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = stream
    }
}

/// The process of a session runs.
public struct SessionStarted: Codable, Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    public var workspaceId: WorkspaceID
    public var pid: Int32
    public var startedAt: Date
    /// For an agent: how its standard output is to be read.
    public var agentOutput: AgentOutput?

    public init(
        sessionId: SessionID,
        fence: Int64,
        workspaceId: WorkspaceID,
        pid: Int32,
        startedAt: Date,
        agentOutput: AgentOutput? = nil
    ) {
        self.sessionId = sessionId
        self.fence = fence
        self.workspaceId = workspaceId
        self.pid = pid
        self.startedAt = startedAt
        self.agentOutput = agentOutput
    }
}

/// What the processes of a silent session did between two samples.
public struct SessionSampled: Codable, Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    /// How far the samples are apart.
    public var seconds: Double
    /// Processor time that its processes used in between.
    public var processorSeconds: Double
    /// Bytes that they sent to storage.
    public var writtenBytes: Int64

    public init(sessionId: SessionID, fence: Int64, seconds: Double, processorSeconds: Double, writtenBytes: Int64) {
        self.sessionId = sessionId
        self.fence = fence
        self.seconds = seconds
        self.processorSeconds = processorSeconds
        self.writtenBytes = writtenBytes
    }
}

/// A message to a session went one step further.
public struct SessionMessageProgress: Codable, Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    public var messageId: MessageID
    public var delivery: Delivery
    /// Why it could not be delivered, if it could not.
    public var error: String?

    public init(
        sessionId: SessionID,
        fence: Int64,
        messageId: MessageID,
        delivery: Delivery,
        error: String? = nil
    ) {
        self.sessionId = sessionId
        self.fence = fence
        self.messageId = messageId
        self.delivery = delivery
        self.error = error
    }
}

/// How far a message to a session has come.
public enum Delivery: String, Codable, CaseIterable, Hashable, Sendable {
    case queued, delivered, consumed
}

/// Why a session's process is no more.
public enum ExitReason: String, Codable, CaseIterable, Hashable, Sendable {
    /// It ended by itself, with whatever exit code or signal.
    case exited
    /// A coordinator asked for it.
    case aborted
    /// Its own time limit ended it.
    case timeout
    /// It could not be started.
    case failed
    /// Neither it nor its supervisor was found again, as after a reboot.
    case lost
}

/// The end of a session's process, with the sums that prove its output complete.
public struct SessionExited: Codable, Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    public var exitCode: Int32?
    public var exitSignal: Int32?
    public var reason: ExitReason
    public var endedAt: Date
    /// One sum per stream that the session had.
    public var streams: [OutputSum]
    /// Processes of the session that outlived its leader and were ended, or could not be.
    public var swept: [ProcessRecord]
    public var remaining: [ProcessRecord]

    public init(
        sessionId: SessionID,
        fence: Int64,
        exitCode: Int32?,
        exitSignal: Int32?,
        reason: ExitReason,
        endedAt: Date,
        streams: [OutputSum],
        swept: [ProcessRecord] = [],
        remaining: [ProcessRecord] = []
    ) {
        self.sessionId = sessionId
        self.fence = fence
        self.exitCode = exitCode
        self.exitSignal = exitSignal
        self.reason = reason
        self.endedAt = endedAt
        self.streams = streams
        self.swept = swept
        self.remaining = remaining
    }
}

/// A process, as proof of what lived or died.
public struct ProcessRecord: Codable, Hashable, Sendable {
    public var pid: Int32
    public var command: String

    public init(pid: Int32, command: String) {
        self.pid = pid
        self.command = command
    }
}

/// What one stream of a session amounts to: its length, and the chain over its chunks
/// (`ChainHash.origin`, then `appending(chunk)` for each chunk in order).
public struct OutputSum: Codable, Hashable, Sendable {
    public var stream: OutputStream
    public var bytes: Int64
    public var hash: ChainHash

    public init(stream: OutputStream, bytes: Int64, hash: ChainHash) {
        self.stream = stream
        self.bytes = bytes
        self.hash = hash
    }
}

/// The session never ran: its repository, command or policy stood in the way.
public struct SessionFailed: Codable, Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    public var error: Fault
    public var at: Date

    public init(sessionId: SessionID, fence: Int64, error: Fault, at: Date) {
        self.sessionId = sessionId
        self.fence = fence
        self.error = error
        self.at = at
    }
}

/// Output that was dropped to keep the journal within its bounds, said out loud.
public struct OutputGap: Codable, Hashable, Sendable {
    public var sessionId: SessionID
    public var fence: Int64
    public var stream: OutputStream
    /// The first byte missing and the first byte that is there again.
    public var from: Int64
    public var to: Int64
    public var reason: String
    /// The stream's chain after the dropped chunks, from which verification goes on.
    public var hash: ChainHash

    public init(
        sessionId: SessionID,
        fence: Int64,
        stream: OutputStream,
        from: Int64,
        to: Int64,
        reason: String,
        hash: ChainHash
    ) {
        self.sessionId = sessionId
        self.fence = fence
        self.stream = stream
        self.from = from
        self.to = to
        self.reason = reason
        self.hash = hash
    }
}

/// A worktree is ready for its session.
public struct WorkspaceCreated: Codable, Hashable, Sendable {
    public var workspaceId: WorkspaceID
    public var branch: String
    public var directory: String
    public var baseCommit: String
    public var headCommit: String

    public init(
        workspaceId: WorkspaceID,
        branch: String,
        directory: String,
        baseCommit: String,
        headCommit: String
    ) {
        self.workspaceId = workspaceId
        self.branch = branch
        self.directory = directory
        self.baseCommit = baseCommit
        self.headCommit = headCommit
    }
}

/// How a worktree stood when somebody looked.
public struct WorkspaceObserved: Codable, Hashable, Sendable {
    public var workspaceId: WorkspaceID
    /// Absent while HEAD is detached.
    public var branch: String?
    public var headCommit: String?
    /// Commits that the base lacks, and commits of the base that HEAD lacks.
    public var ahead: Int
    public var behind: Int
    /// Whether anything differs from HEAD.
    public var dirty: Bool
    /// What the directory takes on disk.
    public var sizeBytes: Int64

    public init(
        workspaceId: WorkspaceID,
        branch: String?,
        headCommit: String?,
        ahead: Int,
        behind: Int,
        dirty: Bool,
        sizeBytes: Int64
    ) {
        self.workspaceId = workspaceId
        self.branch = branch
        self.headCommit = headCommit
        self.ahead = ahead
        self.behind = behind
        self.dirty = dirty
        self.sizeBytes = sizeBytes
    }
}

/// A worktree is gone; what was in it had been salvaged if there was anything to save.
public struct WorkspaceRemoved: Codable, Hashable, Sendable {
    public var workspaceId: WorkspaceID
    public var headCommit: String?
    public var reason: String

    public init(workspaceId: WorkspaceID, headCommit: String?, reason: String) {
        self.workspaceId = workspaceId
        self.headCommit = headCommit
        self.reason = reason
    }
}

/// Uncommitted or unpushed work was saved before a worktree was removed.
public struct WorkspaceSalvaged: Codable, Hashable, Sendable {
    public var salvageId: SalvageID
    public var workspaceId: WorkspaceID
    public var projectId: ProjectID
    /// `refs/salvage/<workspace>/<n>` in the spoke's mirror.
    public var ref: String
    public var commit: String
    public var parents: [String]
    public var branch: String
    /// Files that differed from HEAD, and the bytes of the bundle that holds them.
    public var files: Int
    public var bytes: Int64
    public var expiresAt: Date
    /// A git bundle of what the hub's copy of the repository may lack; absent when over the record limit.
    public var bundle: Data?

    public init(
        salvageId: SalvageID,
        workspaceId: WorkspaceID,
        projectId: ProjectID,
        ref: String,
        commit: String,
        parents: [String],
        branch: String,
        files: Int,
        bytes: Int64,
        expiresAt: Date,
        bundle: Data?
    ) {
        self.salvageId = salvageId
        self.workspaceId = workspaceId
        self.projectId = projectId
        self.ref = ref
        self.commit = commit
        self.parents = parents
        self.branch = branch
        self.files = files
        self.bytes = bytes
        self.expiresAt = expiresAt
        self.bundle = bundle
    }
}

/// A command was carried out, or could not be.
public struct CommandCompleted: Codable, Hashable, Sendable {
    public var commandId: CommandID
    /// What it achieved, by the command's type: an ``AbortOutcome``, a directory, nothing.
    public var result: JSONValue?
    public var error: Fault?

    public init(commandId: CommandID, result: JSONValue? = nil, error: Fault? = nil) {
        self.commandId = commandId
        self.result = result
        self.error = error
    }
}

/// Something that the spoke's owner and the hub's operator should know.
public struct AlertRaised: Codable, Hashable, Sendable {
    public enum Level: String, Codable, Sendable { case info, warning, critical }
    public var level: Level
    /// Stable words for programs: `journal.tail_cut`, `disk.low`, `journal.soft_limit`, `command.fenced` …
    public var kind: String
    public var message: String
    public var details: JSONValue?

    public init(level: Level, kind: String, message: String, details: JSONValue? = nil) {
        self.level = level
        self.kind = kind
        self.message = message
        self.details = details
    }
}
