public import Foundation

/// Who speaks in a message.
public enum MessageRole: String, Codable, CaseIterable, Hashable, Sendable {
    case user, assistant, system
}

/// How far a message is written.
public enum MessageStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case pending, streaming, complete, error
}

/// Something said to a session, by it, or about it.
public struct MessageRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The message's id.",
        "sessionId": "The session that it belongs to.",
        "role": "Who speaks.",
        "status": "How far it is written.",
        "delivery": "How far it has come, for messages to a session.",
        "authorAccountId": "The account that sent it.",
        "model": "The model that wrote it.",
        "error": "Why it could not be delivered.",
        "data": "What it says, `{text, …}`.",
        "createdAt": "When it was stored.",
        "updatedAt": "When it last went a step further.",
    ]

    public var id: MessageID
    public var sessionId: SessionID
    public var role: MessageRole
    public var status: MessageStatus
    public var delivery: Delivery?
    public var authorAccountId: AccountID?
    public var model: String?
    public var error: String?
    public var data: JSONValue
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: MessageID,
        sessionId: SessionID,
        role: MessageRole,
        status: MessageStatus,
        delivery: Delivery?,
        authorAccountId: AccountID?,
        model: String?,
        error: String?,
        data: JSONValue,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.sessionId = sessionId
        self.role = role
        self.status = status
        self.delivery = delivery
        self.authorAccountId = authorAccountId
        self.model = model
        self.error = error
        self.data = data
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// A session's messages, from either end.
public struct ListMessages: RemoteOperation {
    public static let name = "session.messages"
    public static let kind = OperationKind.query
    public static let summary = "What was said to, by and about a session, from either end."
    public static let access = AccessControl.scopes("session:read")
    public static let examples = [ListMessages(sessionId: "run-the-tests-1f2e3d4c")]
    public static let fields = [
        "sessionId": "The session's id or slug.",
        "from": "The end at which the list begins; oldest if absent.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "messages": "One entry per message.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var messages: [MessageRecord]
        public var nextCursor: String?

        public init(messages: [MessageRecord], nextCursor: String?) {
            self.messages = messages
            self.nextCursor = nextCursor
        }
    }

    public var sessionId: String
    public var from: ListEnd?
    public var limit: Int?
    public var cursor: String?

    public init(sessionId: String, from: ListEnd? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.sessionId = sessionId
        self.from = from
        self.limit = limit
        self.cursor = cursor
    }
}
