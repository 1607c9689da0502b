public import Foundation

/// What a part of a message is (coordination.md).
public enum PartKind: String, Codable, CaseIterable, Hashable, Sendable {
    case text, reasoning, file, patch, snapshot, compaction
    case toolCall = "tool-call"
    case toolResult = "tool-result"
    case stepStart = "step-start"
    case stepFinish = "step-finish"
    /// What the agent said in a form that is not understood, verbatim.
    case agent
}

/// How an agent stands, as its own output tells.
public enum AgentState: String, Codable, CaseIterable, Hashable, Sendable {
    case busy, idle, quota, done
    case needsPermission = "needs-permission"
    case needsAnswer = "needs-answer"
}

/// How a session's agent stands, and what it used in its present placement.
public struct AgentStanding: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "state": "What it does, or what it waits for.",
        "model": "The model that it named last.",
        "quotaResetsAt": "When its provider's limit ends, if it said so.",
        "usage": "What it used.",
    ]
    public var state: AgentState
    public var model: String?
    public var quotaResetsAt: Date?
    public var usage: AgentUsage

    public init(state: AgentState, model: String? = nil, quotaResetsAt: Date? = nil, usage: AgentUsage = AgentUsage()) {
        self.state = state
        self.model = model
        self.quotaResetsAt = quotaResetsAt
        self.usage = usage
    }
}

/// What an agent used, in tokens and dollars.
public struct AgentUsage: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "inputTokens": "Tokens that the model was given.",
        "outputTokens": "Tokens that it wrote.",
        "cachedTokens": "Tokens that it was given before and did not read anew.",
        "costUsd": "Dollars, as the agent itself reports them.",
        "turns": "How often it had its turn.",
    ]
    public var inputTokens: Int64
    public var outputTokens: Int64
    public var cachedTokens: Int64
    /// As the agent itself reports it.
    public var costUsd: Double
    public var turns: Int64

    public init(
        inputTokens: Int64 = 0,
        outputTokens: Int64 = 0,
        cachedTokens: Int64 = 0,
        costUsd: Double = 0,
        turns: Int64 = 0
    ) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cachedTokens = cachedTokens
        self.costUsd = costUsd
        self.turns = turns
    }
}

/// What an agent writes to its standard output, and so what its messages are made of.
public enum AgentOutput: String, Codable, CaseIterable, Hashable, Sendable {
    /// Text for people: one message with the text as it comes.
    case text
    /// One JSON object a line: system, assistant, user and result messages, as common agent programs print them.
    case jsonl
}

/// One part of a message.
public struct PartRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The part's id; sorts by time.",
        "messageId": "The message that it belongs to.",
        "sessionId": "The session that it belongs to.",
        "type": "What it is.",
        "data": "What it says: text `{text}`, tool-call `{id, name, input}`, tool-result `{id, output, isError}`.",
        "sequence": "Its place in the session, from 1 on.",
        "createdAt": "When it was stored.",
    ]

    public var id: PartID
    public var messageId: MessageID
    public var sessionId: SessionID
    public var type: PartKind
    public var data: JSONValue
    public var sequence: Int64
    public var createdAt: Date

    public init(
        id: PartID,
        messageId: MessageID,
        sessionId: SessionID,
        type: PartKind,
        data: JSONValue,
        sequence: Int64,
        createdAt: Date
    ) {
        self.id = id
        self.messageId = messageId
        self.sessionId = sessionId
        self.type = type
        self.data = data
        self.sequence = sequence
        self.createdAt = createdAt
    }
}

/// From which end a list is read.
public enum ListEnd: String, Codable, CaseIterable, Hashable, Sendable {
    case oldest, newest
}

/// What an agent said and did, part by part.
public struct ListParts: RemoteOperation {
    public static let name = "session.parts"
    public static let kind = OperationKind.query
    public static let summary = "What an agent said and did, part by part, from either end."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [ListParts(sessionId: "run-the-tests-1f2e3d4c", from: .newest, limit: 20)]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "messageId": "Only the parts of this message.",
        "type": "Only parts of this type.",
        "from": "The end at which the list begins; oldest if absent.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "parts": "One entry per part, in the order asked for.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var parts: [PartRecord]
        public var nextCursor: String?

        public init(parts: [PartRecord], nextCursor: String?) {
            self.parts = parts
            self.nextCursor = nextCursor
        }
    }

    public var sessionId: String
    public var messageId: MessageID?
    public var type: PartKind?
    public var from: ListEnd?
    public var limit: Int?
    public var cursor: String?

    public init(
        sessionId: String,
        messageId: MessageID? = nil,
        type: PartKind? = nil,
        from: ListEnd? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.sessionId = sessionId
        self.messageId = messageId
        self.type = type
        self.from = from
        self.limit = limit
        self.cursor = cursor
    }
}

/// The same as they come, until the session's end.
public struct FollowTranscript: RemoteOperation {
    public static let name = "session.transcript"
    public static let kind = OperationKind.subscription
    public static let summary = "What an agent says and does, part by part as it comes, until its session ends."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [FollowTranscript(sessionId: "run-the-tests-1f2e3d4c")]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "after": "Begins behind the part with this sequence; 0 if absent. A Last-Event-ID does the same.",
    ]
    public typealias Output = PartRecord

    public var sessionId: String
    public var after: Int64?

    public init(sessionId: String, after: Int64? = nil) {
        self.sessionId = sessionId
        self.after = after
    }
}
