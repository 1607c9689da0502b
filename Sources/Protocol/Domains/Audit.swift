public import Foundation

/// One line of the audit trail: a mutation that somebody asked for, and what became of it.
public struct AuditRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The line's id; later lines have greater ones.",
        "action": "The operation that was asked for.",
        "accountId": "The account that answers for it.",
        "email": "That account's address.",
        "keyId": "The key that was shown, while the hub knows it.",
        "sessionId": "The session that asked, if one did.",
        "orgId": "The organisation that it was about, if it was about one's.",
        "requestId": "The request that carried it.",
        "outcome": "What became of it.",
        "details": "What the input named (about), its digest, the address that asked, and the error's code.",
        "createdAt": "When it was recorded.",
    ]
    public var id: String
    public var action: String
    public var accountId: AccountID
    public var email: String
    public var keyId: KeyID?
    public var sessionId: SessionID?
    public var orgId: OrganizationID?
    public var requestId: String?
    public var outcome: AuditOutcome
    public var details: JSONValue
    public var createdAt: Date

    public init(
        id: String,
        action: String,
        accountId: AccountID,
        email: String,
        keyId: KeyID?,
        sessionId: SessionID?,
        orgId: OrganizationID?,
        requestId: String?,
        outcome: AuditOutcome,
        details: JSONValue,
        createdAt: Date
    ) {
        self.id = id
        self.action = action
        self.accountId = accountId
        self.email = email
        self.keyId = keyId
        self.sessionId = sessionId
        self.orgId = orgId
        self.requestId = requestId
        self.outcome = outcome
        self.details = details
        self.createdAt = createdAt
    }
}

/// Reads the audit trail.
public struct ListAudit: RemoteOperation {
    public static let name = "audit.list"
    public static let kind = OperationKind.query
    public static let summary =
        "Who changed what, newest first: one's own, one's organisations', or all with audit:admin."
    public static let access = AccessControl.scopes("audit:read")
    public static let fields = [
        "account": "Only what this account asked for, by id or email.",
        "action": "Only this operation, or all of a namespace as in key.*.",
        "outcome": "Only what ended so.",
        "org": "Only what was about this organisation, by id or slug.",
        "sessionId": "Only what this session asked for.",
        "keyId": "Only what was asked for with this key.",
        "requestId": "Only what this request carried.",
        "since": "Only from this time on.",
        "until": "Only before this time.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListAudit(), ListAudit(action: "key.*", outcome: .denied)]
    public typealias Output = AuditList

    public var account: String?
    public var action: String?
    public var outcome: AuditOutcome?
    public var org: String?
    public var sessionId: String?
    public var keyId: KeyID?
    public var requestId: String?
    public var since: Date?
    public var until: Date?
    public var limit: Int?
    public var cursor: String?

    public init(
        account: String? = nil,
        action: String? = nil,
        outcome: AuditOutcome? = nil,
        org: String? = nil,
        sessionId: String? = nil,
        keyId: KeyID? = nil,
        requestId: String? = nil,
        since: Date? = nil,
        until: Date? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.account = account
        self.action = action
        self.outcome = outcome
        self.org = org
        self.sessionId = sessionId
        self.keyId = keyId
        self.requestId = requestId
        self.since = since
        self.until = until
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some lines, and where the next ones start.
public struct AuditList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "entries": "The lines.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var entries: [AuditRecord]
    public var nextCursor: String?

    public init(entries: [AuditRecord], nextCursor: String?) {
        self.entries = entries
        self.nextCursor = nextCursor
    }
}
