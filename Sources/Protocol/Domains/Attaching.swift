/// What a person at a session's side is told of.
public enum AttachedKind: String, Codable, CaseIterable, Hashable, Sendable {
    /// How the session stands, first as it is, then whenever that changes; last as it ended.
    case state
    case output, part, message
}

/// How a session stands, as far as somebody who watches it cares.
public struct AttachedState: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "status": "Busy until it ends, idle afterwards.",
        "fence": "Which placement it is in; 0 while it waits for its first.",
        "agent": "How the agent stands, as its own output tells.",
        "agentOutput": "How the agent's output is read into parts; absent where a command runs.",
        "ended": "How it ended, if it has.",
    ]
    public var status: SessionStatus
    public var fence: Int64
    public var agent: AgentState?
    public var agentOutput: AgentOutput?
    public var ended: SessionEnd?

    public init(
        status: SessionStatus,
        fence: Int64,
        agent: AgentState? = nil,
        agentOutput: AgentOutput? = nil,
        ended: SessionEnd? = nil
    ) {
        self.status = status
        self.fence = fence
        self.agent = agent
        self.agentOutput = agentOutput
        self.ended = ended
    }
}

/// One thing that happened to a session: exactly one of its fields besides the kind is set.
public struct AttachedNews: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "kind": "What it is about.",
        "state": "How the session stands from here on.",
        "output": "What its process printed.",
        "part": "What its agent said or did.",
        "message": "Something said to it, by it or about it, as it is now: new, or a step further.",
    ]
    public var kind: AttachedKind
    public var state: AttachedState?
    public var output: SessionOutputPiece?
    public var part: PartRecord?
    public var message: MessageRecord?

    public init(_ state: AttachedState) {
        kind = .state
        self.state = state
    }

    public init(_ output: SessionOutputPiece) {
        kind = .output
        self.output = output
    }

    public init(_ part: PartRecord) {
        kind = .part
        self.part = part
    }

    public init(_ message: MessageRecord) {
        kind = .message
        self.message = message
    }
}

/// Everything that happens to a session, in one stream.
public struct AttachSession: RemoteOperation {
    public static let name = "session.attach"
    public static let kind = OperationKind.subscription
    public static let summary = "Output, parts, messages and states of a session as they come, until it ends."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [
        AttachSession(sessionId: "run-the-tests-1f2e3d4c"),
        AttachSession(sessionId: "run-the-tests-1f2e3d4c", fromOffset: 0, kinds: [.message, .state]),
    ]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "fromOffset": "Begins at this byte of each stream, with all parts and messages; from now on if absent.",
        "kinds": "Only these kinds; all if absent.",
    ]
    public typealias Output = AttachedNews

    public var sessionId: String
    public var fromOffset: Int64?
    public var kinds: [AttachedKind]?

    public init(sessionId: String, fromOffset: Int64? = nil, kinds: [AttachedKind]? = nil) {
        self.sessionId = sessionId
        self.fromOffset = fromOffset
        self.kinds = kinds
    }
}
