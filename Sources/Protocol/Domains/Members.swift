public import Foundation

/// An account in an organisation.
public struct MemberRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "orgId": "The organisation's id.",
        "accountId": "The member's account.",
        "email": "The account's address.",
        "displayName": "What people call the account.",
        "status": "Whether the account's keys are accepted.",
        "membershipLevel": "What the member may do in the organisation.",
        "createdAt": "Since when it is a member.",
    ]
    public var orgId: OrganizationID
    public var accountId: AccountID
    public var email: String
    public var displayName: String?
    public var status: AccountStatus
    public var membershipLevel: MembershipLevel
    public var createdAt: Date

    public init(
        orgId: OrganizationID,
        accountId: AccountID,
        email: String,
        displayName: String?,
        status: AccountStatus,
        membershipLevel: MembershipLevel,
        createdAt: Date
    ) {
        self.orgId = orgId
        self.accountId = accountId
        self.email = email
        self.displayName = displayName
        self.status = status
        self.membershipLevel = membershipLevel
        self.createdAt = createdAt
    }
}

/// Lists an organisation's members.
public struct ListMembers: RemoteOperation {
    public static let name = "org.members"
    public static let kind = OperationKind.query
    public static let summary = "Lists the members of an organisation by email; for its members."
    public static let access = AccessControl.scopes("org:read")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "level": "Only members of this level.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListMembers(org: "ops")]
    public typealias Output = MemberList

    public var org: String
    public var level: MembershipLevel?
    public var limit: Int?
    public var cursor: String?

    public init(org: String, level: MembershipLevel? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.org = org
        self.level = level
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some members, and where the next ones start.
public struct MemberList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "members": "The members.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var members: [MemberRecord]
    public var nextCursor: String?

    public init(members: [MemberRecord], nextCursor: String?) {
        self.members = members
        self.nextCursor = nextCursor
    }
}

/// Takes an account into an organisation.
public struct AddMember: RemoteOperation {
    public static let name = "org.addMember"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Takes an account into an organisation; for its owners and admins. Owners are made by owners."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "account": "The account, by id or email.",
        "level": "What it may do there; member if left out.",
    ]
    public static let examples = [AddMember(org: "ops", account: "ada@example.org", level: .admin)]
    public typealias Output = MemberRecord

    public var org: String
    public var account: String
    public var level: MembershipLevel?

    public init(org: String, account: String, level: MembershipLevel? = nil) {
        self.org = org
        self.account = account
        self.level = level
    }
}

/// Changes what a member may do.
public struct SetMembership: RemoteOperation {
    public static let name = "org.setMembership"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes a member's level; for owners and admins, owners only by owners."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "account": "The member, by account id or email.",
        "level": "What it may do there from now on.",
    ]
    public static let examples = [SetMembership(org: "ops", account: "ada@example.org", level: .member)]
    public typealias Output = MemberRecord

    public var org: String
    public var account: String
    public var level: MembershipLevel

    public init(org: String, account: String, level: MembershipLevel) {
        self.org = org
        self.account = account
        self.level = level
    }
}

/// Ends a membership.
public struct RemoveMember: RemoteOperation {
    public static let name = "org.removeMember"
    public static let kind = OperationKind.mutation
    public static let summary = "Ends a membership: one's own, or another's for owners and admins."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "account": "The member, by account id or email; the caller's own account if left out.",
    ]
    public static let examples = [RemoveMember(org: "ops", account: "ada@example.org")]
    public typealias Output = MemberRecord

    public var org: String
    public var account: String?

    public init(org: String, account: String? = nil) {
        self.org = org
        self.account = account
    }
}
