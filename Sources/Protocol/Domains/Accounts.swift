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
        "giteaUsername": "Its name on the Gitea server that is bridged.",
        "createdAt": "When it was made.",
        "updatedAt": "When it last changed.",
    ]
    public var id: AccountID
    public var email: String
    public var displayName: String?
    public var accessLevel: AccessLevel
    public var status: AccountStatus
    public var giteaUsername: String?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: AccountID,
        email: String,
        displayName: String?,
        accessLevel: AccessLevel,
        status: AccountStatus,
        giteaUsername: String?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.email = email
        self.displayName = displayName
        self.accessLevel = accessLevel
        self.status = status
        self.giteaUsername = giteaUsername
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Asks the hub whom it takes the caller for, or for another account.
public struct GetAccount: RemoteOperation {
    public static let name = "account.get"
    public static let kind = OperationKind.query
    public static let summary = "Who I am: the caller's account, key and rights; or another account, with account:read."
    public static let access = AccessControl.anyone
    public static let fields = ["account": "Another account, by id or email; the caller's own if left out."]
    public static let examples = [GetAccount(), GetAccount(account: "ada@example.org")]
    public typealias Output = AccountSelf

    public var account: String?

    public init(account: String? = nil) { self.account = account }
}

/// A caller as the hub sees it.
public struct AccountSelf: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "account": "The account that was asked for; otherwise the one that answers for the caller.",
        "scopes": "What the caller may do.",
        "resources": "The caller's actions by type:id.",
        "keyId": "The key that the caller showed.",
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

/// Makes an account without any key.
public struct CreateAccount: RemoteOperation {
    public static let name = "account.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes an account; give it a key with key.create."
    public static let access = AccessControl.scopes("account:admin")
    public static let fields = [
        "email": "Its address, unique among accounts; kept in lower case.",
        "displayName": "What people call it.",
        "accessLevel": "What it is for; user if left out. Rights come from its keys, not from this.",
        "giteaUsername": "Its name on the Gitea server that is bridged.",
    ]
    public static let examples = [
        CreateAccount(email: "ada@example.org", displayName: "Ada"),
        CreateAccount(email: "ci@example.org", accessLevel: .service),
    ]
    public typealias Output = AccountRecord

    public var email: String
    public var displayName: String?
    public var accessLevel: AccessLevel?
    public var giteaUsername: String?

    public init(
        email: String,
        displayName: String? = nil,
        accessLevel: AccessLevel? = nil,
        giteaUsername: String? = nil
    ) {
        self.email = email
        self.displayName = displayName
        self.accessLevel = accessLevel
        self.giteaUsername = giteaUsername
    }
}

/// Lists accounts.
public struct ListAccounts: RemoteOperation {
    public static let name = "account.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists accounts by email."
    public static let access = AccessControl.scopes("account:read")
    public static let fields = [
        "status": "Only accounts in this state.",
        "accessLevel": "Only accounts that are for this.",
        "text": "Only accounts whose email or name contains this, whatever the case.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListAccounts(), ListAccounts(status: .suspended)]
    public typealias Output = AccountList

    public var status: AccountStatus?
    public var accessLevel: AccessLevel?
    public var text: String?
    public var limit: Int?
    public var cursor: String?

    public init(
        status: AccountStatus? = nil,
        accessLevel: AccessLevel? = nil,
        text: String? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.status = status
        self.accessLevel = accessLevel
        self.text = text
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some accounts, and where the next ones start.
public struct AccountList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "accounts": "The accounts.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var accounts: [AccountRecord]
    public var nextCursor: String?

    public init(accounts: [AccountRecord], nextCursor: String?) {
        self.accounts = accounts
        self.nextCursor = nextCursor
    }
}

/// Changes an account; what is left out stays as it is.
public struct UpdateAccount: RemoteOperation {
    public static let name = "account.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes an account: one's own names, or anything of any with account:admin."
    public static let access = AccessControl.scopes("account:write")
    public static let fields = [
        "account": "The account, by id or email; the caller's own if left out.",
        "email": "Its new address; needs account:admin.",
        "displayName": "What people call it.",
        "accessLevel": "What it is for; needs account:admin.",
        "giteaUsername": "Its name on the Gitea server that is bridged; needs account:admin.",
    ]
    public static let examples = [UpdateAccount(account: "ada@example.org", displayName: "Ada Lovelace")]
    public typealias Output = AccountRecord

    public var account: String?
    public var email: String?
    public var displayName: String?
    public var accessLevel: AccessLevel?
    public var giteaUsername: String?

    public init(
        account: String? = nil,
        email: String? = nil,
        displayName: String? = nil,
        accessLevel: AccessLevel? = nil,
        giteaUsername: String? = nil
    ) {
        self.account = account
        self.email = email
        self.displayName = displayName
        self.accessLevel = accessLevel
        self.giteaUsername = giteaUsername
    }
}

/// Locks an account.
public struct SuspendAccount: RemoteOperation {
    public static let name = "account.suspend"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Locks an active account: none of its keys is accepted from now on, nor its spokes' links."
    public static let access = AccessControl.scopes("account:admin")
    public static let fields = ["account": "The account, by id or email."]
    public static let examples = [SuspendAccount(account: "ada@example.org")]
    public typealias Output = AccountRecord

    public var account: String

    public init(account: String) { self.account = account }
}

/// Opens an account again.
public struct ActivateAccount: RemoteOperation {
    public static let name = "account.activate"
    public static let kind = OperationKind.mutation
    public static let summary = "Opens a suspended or deactivated account again; its keys are accepted as before."
    public static let access = AccessControl.scopes("account:admin")
    public static let fields = ["account": "The account, by id or email."]
    public static let examples = [ActivateAccount(account: "ada@example.org")]
    public typealias Output = AccountRecord

    public var account: String

    public init(account: String) { self.account = account }
}

/// Removes an account that left no trace.
public struct DeleteAccount: RemoteOperation {
    public static let name = "account.delete"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Removes an account that never changed anything and owns nothing; others are deactivated."
    public static let access = AccessControl.scopes("account:admin")
    public static let fields = ["account": "The account, by id or email."]
    public static let examples = [DeleteAccount(account: "ada@example.org")]
    public typealias Output = AccountRecord

    public var account: String

    public init(account: String) { self.account = account }
}

/// Gives an account up; its trail stays.
public struct DeactivateAccount: RemoteOperation {
    public static let name = "account.deactivate"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Gives an account up: one's own, or any with account:admin. What it did stays on record."
    public static let access = AccessControl.scopes("account:write")
    public static let fields = ["account": "The account, by id or email; the caller's own if left out."]
    public static let examples = [DeactivateAccount(account: "ada@example.org")]
    public typealias Output = AccountRecord

    public var account: String?

    public init(account: String? = nil) { self.account = account }
}
