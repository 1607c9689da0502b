public import Foundation

/// What the hub may order a spoke to do, exactly once. The raw value is the record's type on the wire.
public enum CommandType: String, CaseIterable, Sendable {
    case sessionStart = "session.start"
    case sessionMessage = "session.message"
    case sessionAbort = "session.abort"
    case workspaceRemove = "workspace.remove"
    case workspaceRestore = "workspace.restore"
    case spokeDrain = "spoke.drain"
}

/// The part that every command's payload has: its identity across retries.
public struct CommandHeader: Codable, Hashable, Sendable {
    public var commandId: CommandID

    public init(commandId: CommandID) { self.commandId = commandId }
}

/// The whole order to run a session. Nothing is nudged later.
public struct StartSession: Codable, Hashable, Sendable {
    public var commandId: CommandID
    public var sessionId: SessionID
    /// Grows with every placement of the session; what carries a smaller one is history.
    public var fence: Int64
    public var title: String
    public var workspace: WorkspaceOrder
    public var run: RunOrder
    /// Added to the environment of the process, after the spoke's own.
    public var environment: [String: String]
    /// The process is ended after this many seconds; `nil` for never.
    public var timeoutSeconds: Int?
    public var disconnectPolicy: DisconnectPolicy?
    /// What a process of the session may ask of the hub through the spoke's socket.
    public var grants: [String]
    /// The trace of the call that spawned the session.
    public var traceparent: String?

    public init(
        commandId: CommandID,
        sessionId: SessionID,
        fence: Int64,
        title: String,
        workspace: WorkspaceOrder,
        run: RunOrder,
        environment: [String: String] = [:],
        timeoutSeconds: Int? = nil,
        disconnectPolicy: DisconnectPolicy? = nil,
        grants: [String] = [],
        traceparent: String? = nil
    ) {
        self.commandId = commandId
        self.sessionId = sessionId
        self.fence = fence
        self.title = title
        self.workspace = workspace
        self.run = run
        self.environment = environment
        self.timeoutSeconds = timeoutSeconds
        self.disconnectPolicy = disconnectPolicy
        self.grants = grants
        self.traceparent = traceparent
    }
}

/// Which worktree a session works in.
public struct WorkspaceOrder: Codable, Hashable, Sendable {
    public enum Mode: String, Codable, CaseIterable, Sendable {
        /// A fresh worktree, warm from the pool if there is one.
        case new
        /// The worktree of an earlier session on the same spoke.
        case reuse
    }

    /// What becomes of the worktree at the session's end. Whatever goes is salvaged first.
    public enum Keep: String, Codable, CaseIterable, Sendable {
        case always, onFailure, never
    }

    public var workspaceId: WorkspaceID
    public var projectId: ProjectID
    /// A URL or an absolute path that `git clone` understands.
    public var repository: String
    public var defaultBranch: String
    /// The branch to work on; created from `base` if it does not exist.
    public var branch: String
    /// A branch, tag or commit; the default branch if absent.
    public var base: String?
    public var mode: Mode
    public var keep: Keep

    public init(
        workspaceId: WorkspaceID,
        projectId: ProjectID,
        repository: String,
        defaultBranch: String,
        branch: String,
        base: String? = nil,
        mode: Mode = .new,
        keep: Keep = .onFailure
    ) {
        self.workspaceId = workspaceId
        self.projectId = projectId
        self.repository = repository
        self.defaultBranch = defaultBranch
        self.branch = branch
        self.base = base
        self.mode = mode
        self.keep = keep
    }
}

/// What a session runs: a command, or an agent by its profile.
public struct RunOrder: Codable, Hashable, Sendable {
    /// Program and arguments; no shell is involved.
    public var command: [String]?
    public var agent: String?
    public var prompt: String?
    /// The agent's own id of a conversation that is taken up again (`session.resume`).
    public var resume: String?

    public init(command: [String]) { self.command = command }

    public init(agent: String, prompt: String, resume: String? = nil) {
        self.agent = agent
        self.prompt = prompt
        self.resume = resume
    }
}

/// What becomes of a session while its spoke cannot reach the hub. Absent numbers mean: for ever, never, never.
public struct DisconnectPolicy: Codable, Hashable, Sendable {
    public var keepRunningSeconds: Int?
    public var replaceAfterSeconds: Int?
    public var stopSelfAfterSeconds: Int?

    public init(
        keepRunningSeconds: Int? = nil,
        replaceAfterSeconds: Int? = nil,
        stopSelfAfterSeconds: Int? = nil
    ) {
        self.keepRunningSeconds = keepRunningSeconds
        self.replaceAfterSeconds = replaceAfterSeconds
        self.stopSelfAfterSeconds = stopSelfAfterSeconds
    }
}

/// A message into a running session, by its adapter.
public struct SendMessage: Codable, Hashable, Sendable {
    public var commandId: CommandID
    public var sessionId: SessionID
    public var fence: Int64
    public var messageId: MessageID
    public var text: String

    public init(commandId: CommandID, sessionId: SessionID, fence: Int64, messageId: MessageID, text: String) {
        self.commandId = commandId
        self.sessionId = sessionId
        self.fence = fence
        self.messageId = messageId
        self.text = text
    }
}

/// Ends a session: interrupt, terminate, kill, each with its grace, until nothing of it is left.
public struct AbortSession: Codable, Hashable, Sendable {
    public var commandId: CommandID
    public var sessionId: SessionID
    public var fence: Int64
    /// Between interrupt, terminate and kill.
    public var graceSeconds: Double

    public init(commandId: CommandID, sessionId: SessionID, fence: Int64, graceSeconds: Double) {
        self.commandId = commandId
        self.sessionId = sessionId
        self.fence = fence
        self.graceSeconds = graceSeconds
    }
}

/// The proof that an abort answers with.
public struct AbortOutcome: Codable, Hashable, Sendable {
    public enum Outcome: String, Codable, CaseIterable, Sendable {
        /// Every process of the tree is gone; ``processes`` were ended.
        case stopped
        /// ``remaining`` live on.
        case incomplete
        /// The spoke is away: the order stands and is carried out when it returns.
        case requested
    }

    public var outcome: Outcome
    public var processes: [ProcessRecord]
    public var remaining: [ProcessRecord]
    /// The signal that ended the first process of the tree, if one did.
    public var exitSignal: Int32?
    public var waitedMilliseconds: Int64

    public init(
        outcome: Outcome,
        processes: [ProcessRecord] = [],
        remaining: [ProcessRecord] = [],
        exitSignal: Int32? = nil,
        waitedMilliseconds: Int64
    ) {
        self.outcome = outcome
        self.processes = processes
        self.remaining = remaining
        self.exitSignal = exitSignal
        self.waitedMilliseconds = waitedMilliseconds
    }
}

/// Removes a worktree, after salvage. Refused while a live process is inside.
public struct RemoveWorkspace: Codable, Hashable, Sendable {
    public var commandId: CommandID
    public var workspaceId: WorkspaceID
    public var reason: String

    public init(commandId: CommandID, workspaceId: WorkspaceID, reason: String) {
        self.commandId = commandId
        self.workspaceId = workspaceId
        self.reason = reason
    }
}

/// Brings salvaged work back as a worktree, on the spoke that has the ref or, with the bundle, on any other.
public struct RestoreWorkspace: Codable, Hashable, Sendable {
    public var commandId: CommandID
    public var workspace: WorkspaceOrder
    public var ref: String
    public var commit: String
    public var bundle: Data?

    public init(commandId: CommandID, workspace: WorkspaceOrder, ref: String, commit: String, bundle: Data?) {
        self.commandId = commandId
        self.workspace = workspace
        self.ref = ref
        self.commit = commit
        self.bundle = bundle
    }
}

/// Takes no new sessions from here on.
public struct DrainSpoke: Codable, Hashable, Sendable {
    public var commandId: CommandID
    public var draining: Bool

    public init(commandId: CommandID, draining: Bool) {
        self.commandId = commandId
        self.draining = draining
    }
}
