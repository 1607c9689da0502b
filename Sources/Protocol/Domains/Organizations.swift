public import Foundation

/// People who share projects.
public struct OrganizationRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The organisation's id.",
        "name": "What people call it, unique among organisations.",
        "slug": "Its short name for addresses and command lines, unique among organisations.",
        "ownerId": "The account that answers for it; handed on with org.transferOwnership.",
        "giteaOrgName": "Its name on the Gitea server that is bridged.",
        "membershipLevel": "What the caller may do in it; absent for those who are no members.",
        "members": "How many members it has.",
        "projects": "How many projects it has.",
        "createdAt": "When it was made.",
        "updatedAt": "When it last changed.",
    ]
    public var id: OrganizationID
    public var name: String
    public var slug: String
    public var ownerId: AccountID
    public var giteaOrgName: String?
    public var membershipLevel: MembershipLevel?
    public var members: Int
    public var projects: Int
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: OrganizationID,
        name: String,
        slug: String,
        ownerId: AccountID,
        giteaOrgName: String?,
        membershipLevel: MembershipLevel?,
        members: Int,
        projects: Int,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.slug = slug
        self.ownerId = ownerId
        self.giteaOrgName = giteaOrgName
        self.membershipLevel = membershipLevel
        self.members = members
        self.projects = projects
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Makes an organisation that the caller owns.
public struct CreateOrganization: RemoteOperation {
    public static let name = "org.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes an organisation; the caller's account owns it and is its first member."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "name": "What people call it, unique among organisations.",
        "slug": "Its short name: lower-case letters, digits and dashes; made from the name if left out.",
        "giteaOrgName": "Its name on the Gitea server that is bridged.",
    ]
    public static let examples = [
        CreateOrganization(name: "Analytical Engines"), CreateOrganization(name: "Ops", slug: "ops"),
    ]
    public typealias Output = OrganizationRecord

    public var name: String
    public var slug: String?
    public var giteaOrgName: String?

    public init(name: String, slug: String? = nil, giteaOrgName: String? = nil) {
        self.name = name
        self.slug = slug
        self.giteaOrgName = giteaOrgName
    }
}

/// Reads one organisation.
public struct GetOrganization: RemoteOperation {
    public static let name = "org.get"
    public static let kind = OperationKind.query
    public static let summary = "One organisation that the caller is a member of, or any with org:admin."
    public static let access = AccessControl.scopes("org:read")
    public static let fields = ["org": "The organisation, by id or slug."]
    public static let examples = [GetOrganization(org: "ops")]
    public typealias Output = OrganizationRecord

    public var org: String

    public init(org: String) { self.org = org }
}

/// Lists organisations.
public struct ListOrganizations: RemoteOperation {
    public static let name = "org.list"
    public static let kind = OperationKind.query
    public static let summary =
        "Lists the organisations that the caller is a member of, or all with org:admin, by slug."
    public static let access = AccessControl.scopes("org:read")
    public static let fields = [
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListOrganizations()]
    public typealias Output = OrganizationList

    public var limit: Int?
    public var cursor: String?

    public init(limit: Int? = nil, cursor: String? = nil) {
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some organisations, and where the next ones start.
public struct OrganizationList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "organizations": "The organisations.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var organizations: [OrganizationRecord]
    public var nextCursor: String?

    public init(organizations: [OrganizationRecord], nextCursor: String?) {
        self.organizations = organizations
        self.nextCursor = nextCursor
    }
}

/// Changes an organisation; what is left out stays as it is.
public struct UpdateOrganization: RemoteOperation {
    public static let name = "org.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes an organisation's names; for its owners and admins."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "name": "What people shall call it.",
        "slug": "Its new short name: lower-case letters, digits and dashes.",
        "giteaOrgName": "Its name on the Gitea server that is bridged.",
    ]
    public static let examples = [UpdateOrganization(org: "ops", name: "Operations")]
    public typealias Output = OrganizationRecord

    public var org: String
    public var name: String?
    public var slug: String?
    public var giteaOrgName: String?

    public init(org: String, name: String? = nil, slug: String? = nil, giteaOrgName: String? = nil) {
        self.org = org
        self.name = name
        self.slug = slug
        self.giteaOrgName = giteaOrgName
    }
}

/// Removes an organisation.
public struct DeleteOrganization: RemoteOperation {
    public static let name = "org.delete"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Removes an organisation and its memberships; for its owners. Refused while projects are in it."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "detachProjects":
            "True to let its projects and clients go on outside any organisation, open to all with the scope.",
    ]
    public static let examples = [DeleteOrganization(org: "ops")]
    public typealias Output = OrganizationRecord

    public var org: String
    public var detachProjects: Bool?

    public init(org: String, detachProjects: Bool? = nil) {
        self.org = org
        self.detachProjects = detachProjects
    }
}

/// Hands an organisation on.
public struct TransferOwnership: RemoteOperation {
    public static let name = "org.transferOwnership"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes another active account the one that answers for an organisation; for its owners."
    public static let access = AccessControl.scopes("org:write")
    public static let fields = [
        "org": "The organisation, by id or slug.",
        "account": "Who shall answer for it, by id or email; becomes a member with level owner. The former owner stays "
            + "as admin.",
    ]
    public static let examples = [TransferOwnership(org: "ops", account: "ada@example.org")]
    public typealias Output = OrganizationRecord

    public var org: String
    public var account: String

    public init(org: String, account: String) {
        self.org = org
        self.account = account
    }
}
