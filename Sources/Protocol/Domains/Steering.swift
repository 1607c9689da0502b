/// Says something to a running session.
public struct MessageSession: RemoteOperation {
    public static let name = "coord.message"
    public static let kind = OperationKind.mutation
    public static let summary = "Sends a message into a running session; it is delivered even if its spoke is away now."
    public static let access = AccessControl.scopes("coord:write")
    public static let examples = [
        MessageSession(sessionId: "run-the-tests-1f2e3d4c", message: "Leave the fixtures alone.")
    ]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "message": "What to say, at most 256 KiB.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "messageId": "The message's id.",
            "delivery": "How far it has come: queued, delivered, consumed.",
        ]
        public var messageId: MessageID
        public var delivery: Delivery

        public init(messageId: MessageID, delivery: Delivery) {
            self.messageId = messageId
            self.delivery = delivery
        }
    }

    public var sessionId: String
    public var message: String

    public init(sessionId: String, message: String) {
        self.sessionId = sessionId
        self.message = message
    }
}

/// How much a notice matters.
public enum NoticeLevel: String, Codable, CaseIterable, Hashable, Sendable {
    case info, warning, blocking
}

/// Tells the coordinator something, from inside a session.
public struct NotifyCoordinator: RemoteOperation {
    public static let name = "coord.notify"
    public static let kind = OperationKind.mutation
    public static let summary = "Tells the session's coordinator something; stored with both sessions' messages."
    public static let access = AccessControl.anyScope(of: "coord:write", "notice:write")
    public static let examples = [NotifyCoordinator(message: "The tests pass.", level: .info)]
    public static let fields = [
        "message": "What to say, at most 256 KiB.",
        "level": "Info, warning, or blocking: the session cannot go on without an answer. Info if absent.",
        "sessionId": "The session that speaks; the caller's own if absent.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "messageId": "The notice as stored with the session.",
            "parentSessionId": "The coordinator that it went to, if the session has one.",
        ]
        public var messageId: MessageID
        public var parentSessionId: SessionID?

        public init(messageId: MessageID, parentSessionId: SessionID?) {
            self.messageId = messageId
            self.parentSessionId = parentSessionId
        }
    }

    public var message: String
    public var level: NoticeLevel?
    public var sessionId: SessionID?

    public init(message: String, level: NoticeLevel? = nil, sessionId: SessionID? = nil) {
        self.message = message
        self.level = level
        self.sessionId = sessionId
    }
}

/// Ends a session and proves it.
public struct AbortSessionTree: RemoteOperation {
    public static let name = "coord.abort"
    public static let kind = OperationKind.mutation
    public static let summary = "Ends a session: interrupt, terminate, kill, until nothing of it is left, with proof."
    public static let access = AccessControl.scopes("coord:write")
    public static let examples = [AbortSessionTree(sessionId: "run-the-tests-1f2e3d4c", graceSeconds: 5)]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "graceSeconds": "Between interrupt, terminate and kill, 0 to 300; 5 if absent.",
        "preview": "Only says what would be ended.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "outcome": "Stopped; incomplete, if something lives on; requested, if its spoke is away.",
            "processes": "Processes that were ended.",
            "processes.pid": "The process's number on the spoke.",
            "processes.command": "What it was.",
            "remaining": "Processes that live on.",
            "remaining.pid": "The process's number on the spoke.",
            "remaining.command": "What it is.",
            "waitedMilliseconds": "How long it took.",
            "preview": "Present when only asked: the session and what is known of it.",
        ]
        public var outcome: AbortOutcome.Outcome
        public var processes: [ProcessRecord]
        public var remaining: [ProcessRecord]
        public var waitedMilliseconds: Int64
        public var preview: AbortPreview?

        public init(_ outcome: AbortOutcome, preview: AbortPreview? = nil) {
            self.outcome = outcome.outcome
            processes = outcome.processes
            remaining = outcome.remaining
            waitedMilliseconds = outcome.waitedMilliseconds
            self.preview = preview
        }
    }

    public var sessionId: String
    public var graceSeconds: Double?
    public var preview: Bool?

    public init(sessionId: String, graceSeconds: Double? = nil, preview: Bool? = nil) {
        self.sessionId = sessionId
        self.graceSeconds = graceSeconds
        self.preview = preview
    }
}

/// What an abort would end.
public struct AbortPreview: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "sessionId": "The session.",
        "title": "What it is for.",
        "state": "Waiting, running or over.",
        "spoke": "The spoke that it runs on.",
        "isConnected": "Whether that spoke can be reached now.",
        "pid": "Its leading process.",
    ]

    public enum State: String, Codable, CaseIterable, Hashable, Sendable { case waiting, running, over }

    public var sessionId: SessionID
    public var title: String
    public var state: State
    public var spoke: String?
    public var isConnected: Bool
    public var pid: Int64?

    public init(
        sessionId: SessionID,
        title: String,
        state: State,
        spoke: String?,
        isConnected: Bool,
        pid: Int64?
    ) {
        self.sessionId = sessionId
        self.title = title
        self.state = state
        self.spoke = spoke
        self.isConnected = isConnected
        self.pid = pid
    }
}
