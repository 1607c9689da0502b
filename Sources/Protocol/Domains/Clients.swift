public import Foundation

/// What a client's ids are of.
public typealias ClientID = Identifier<Subject.Client>

extension Subject {
    public enum Client {}
}

/// What kind of service a client reaches.
public enum ClientType: String, Codable, CaseIterable, Hashable, Sendable {
    case llmProvider = "llm-provider"
    case vcs
    case compute
    case mcpServer = "mcp-server"
    case custom
}

/// A service outside that the hub or its spokes reach. Its secrets are kept apart and never shown.
public struct ClientRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The client's id.",
        "name": "Its name, unique among clients.",
        "type": "What kind of service it reaches.",
        "config": "How to reach it; checked by type, never a secret.",
        "enabled": "Whether it is used.",
        "ownerId": "The account that answers for it.",
        "orgId": "The organisation whose members alone see it.",
        "secrets": "The keys of its secrets; their values are shown to nobody.",
        "offer": "What its web service offers; absent without openapi in its config, and until that was read.",
        "createdAt": "When it was made.",
        "updatedAt": "When it, or what it offers, last changed.",
    ]
    public var id: ClientID
    public var name: String
    public var type: ClientType
    public var config: JSONValue
    public var enabled: Bool
    public var ownerId: AccountID
    public var orgId: OrganizationID?
    public var secrets: [String]
    public var offer: ClientOffer?
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: ClientID,
        name: String,
        type: ClientType,
        config: JSONValue,
        enabled: Bool,
        ownerId: AccountID,
        orgId: OrganizationID?,
        secrets: [String],
        offer: ClientOffer? = nil,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.type = type
        self.config = config
        self.enabled = enabled
        self.ownerId = ownerId
        self.orgId = orgId
        self.secrets = secrets
        self.offer = offer
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Makes a service known.
public struct CreateClient: RemoteOperation {
    public static let name = "client.create"
    public static let kind = OperationKind.mutation
    public static let summary = "Makes an outside service known; give it its secrets with secret.set."
    public static let access = AccessControl.scopes("client:write")
    public static let fields = [
        "name": "Its name, unique among clients.",
        "type": "What kind of service it reaches.",
        "config": "How to reach it, such as {\"baseUrl\": \"https://…\"}; never a secret. openapi needs client:admin.",
        "enabled": "Whether it is used; true if left out.",
        "org": "The organisation whose members alone shall see it, by id or slug.",
    ]
    public static let examples = [
        CreateClient(name: "gitea", type: .vcs, config: ["baseUrl": "https://git.example.org"]),
        CreateClient(name: "notes", type: .mcpServer, config: ["command": ["notes-mcp", "--stdio"]]),
    ]
    public typealias Output = ClientRecord

    public var name: String
    public var type: ClientType
    public var config: JSONValue?
    public var enabled: Bool?
    public var org: String?

    public init(
        name: String,
        type: ClientType,
        config: JSONValue? = nil,
        enabled: Bool? = nil,
        org: String? = nil
    ) {
        self.name = name
        self.type = type
        self.config = config
        self.enabled = enabled
        self.org = org
    }
}

/// Reads one client.
public struct GetClient: RemoteOperation {
    public static let name = "client.get"
    public static let kind = OperationKind.query
    public static let summary = "One outside service, with the keys of its secrets but never their values."
    public static let access = AccessControl.scopes("client:read")
    public static let fields = ["client": "The client, by id or name."]
    public static let examples = [GetClient(client: "gitea")]
    public typealias Output = ClientRecord

    public var client: String

    public init(client: String) { self.client = client }
}

/// Lists clients.
public struct ListClients: RemoteOperation {
    public static let name = "client.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists outside services by name."
    public static let access = AccessControl.scopes("client:read")
    public static let fields = [
        "type": "Only services of this kind.",
        "enabled": "Only those that are used, or are not.",
        "limit": "How many at most, 1 to 500; 100 if left out.",
        "cursor": "Where to go on: nextCursor of the page before.",
    ]
    public static let examples = [ListClients(), ListClients(type: .vcs)]
    public typealias Output = ClientList

    public var type: ClientType?
    public var enabled: Bool?
    public var limit: Int?
    public var cursor: String?

    public init(type: ClientType? = nil, enabled: Bool? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.type = type
        self.enabled = enabled
        self.limit = limit
        self.cursor = cursor
    }
}

/// Some clients, and where the next ones start.
public struct ClientList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "clients": "The clients.", "nextCursor": "Where the next page starts; absent on the last one.",
    ]
    public var clients: [ClientRecord]
    public var nextCursor: String?

    public init(clients: [ClientRecord], nextCursor: String?) {
        self.clients = clients
        self.nextCursor = nextCursor
    }
}

/// Changes a client; what is left out stays as it is.
public struct UpdateClient: RemoteOperation {
    public static let name = "client.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Changes how an outside service is reached, or whether it is used."
    public static let access = AccessControl.scopes("client:write")
    public static let fields = [
        "client": "The client, by id or name.",
        "name": "Its new name.",
        "config": "How to reach it; replaces the whole. Whatever changes openapi needs client:admin.",
        "enabled": "Whether it is used.",
        "owner": "The account that it belongs to from now on, by id or email; needs client:admin.",
    ]
    public static let examples = [UpdateClient(client: "gitea", enabled: false)]
    public typealias Output = ClientRecord

    public var client: String
    public var name: String?
    public var config: JSONValue?
    public var enabled: Bool?
    public var owner: String?

    public init(
        client: String,
        name: String? = nil,
        config: JSONValue? = nil,
        enabled: Bool? = nil,
        owner: String? = nil
    ) {
        self.client = client
        self.name = name
        self.config = config
        self.enabled = enabled
        self.owner = owner
    }
}

/// Forgets a client with its secrets.
public struct DeleteClient: RemoteOperation {
    public static let name = "client.delete"
    public static let kind = OperationKind.mutation
    public static let summary = "Forgets an outside service together with its secrets."
    public static let access = AccessControl.scopes("client:admin")
    public static let fields = ["client": "The client, by id or name."]
    public static let examples = [DeleteClient(client: "gitea")]
    public typealias Output = ClientRecord

    public var client: String

    public init(client: String) { self.client = client }
}
