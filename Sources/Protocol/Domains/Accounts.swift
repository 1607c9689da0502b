public import Foundation

/// What an account is for; rights themselves come from the scopes of its keys.
public enum AccessLevel: String, Codable, CaseIterable, Hashable, Sendable {
    case admin
    case user
    /// A program.
    case service
}

/// Whether an account's keys are accepted.
public enum AccountStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case active
    /// Locked by an administrator.
    case suspended
    /// Given up by its owner.
    case deactivated
}

/// What a member may do in an organisation.
public enum MembershipLevel: String, Codable, CaseIterable, Hashable, Sendable {
    case owner
    case admin
    case member
}

/// What became of an audited mutation.
public enum AuditOutcome: String, Codable, CaseIterable, Hashable, Sendable {
    case succeeded
    case failed
    /// The caller did not hold what the operation needs.
    case denied
}

/// Somebody who may own keys, organisations and projects.
public struct AccountRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The account's id.",
        "email": "Its address, unique among accounts; the first administrator's is simply admin.",
        "displayName": "What people call it.",
        "accessLevel": "What it is for.",
        "status": "Whether its keys are accepted.",
        "createdAt": "When it was made.",
    ]
    public var id: AccountID
    public var email: String
    public var displayName: String?
    public var accessLevel: AccessLevel
    public var status: AccountStatus
    public var createdAt: Date

    public init(
        id: AccountID,
        email: String,
        displayName: String?,
        accessLevel: AccessLevel,
        status: AccountStatus,
        createdAt: Date
    ) {
        self.id = id
        self.email = email
        self.displayName = displayName
        self.accessLevel = accessLevel
        self.status = status
        self.createdAt = createdAt
    }
}

/// Asks the hub whom it takes the caller for.
public struct GetAccount: RemoteOperation {
    public static let name = "account.get"
    public static let kind = OperationKind.query
    public static let summary = "Who I am: the caller's account, key and rights."
    public static let access = AccessControl.anyone
    public static let fields: [String: String] = [:]
    public static let examples = [GetAccount()]
    public typealias Output = AccountSelf

    public init() {}
}

/// A caller as the hub sees it.
public struct AccountSelf: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "account": "The account that answers for the caller.",
        "scopes": "What the caller may do.",
        "resources": "Actions by type:id.",
        "keyId": "The key that was shown.",
        "sessionId": "Set when the caller is a session.",
        "spokeId": "Set when the caller is a spoke, or a session on one.",
    ]
    public var account: AccountRecord
    public var scopes: [String]
    public var resources: [String: [String]]
    public var keyId: KeyID?
    public var sessionId: SessionID?
    public var spokeId: SpokeID?

    public init(
        account: AccountRecord,
        scopes: [String],
        resources: [String: [String]],
        keyId: KeyID?,
        sessionId: SessionID?,
        spokeId: SpokeID?
    ) {
        self.account = account
        self.scopes = scopes
        self.resources = resources
        self.keyId = keyId
        self.sessionId = sessionId
        self.spokeId = spokeId
    }
}
