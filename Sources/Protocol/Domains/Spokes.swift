public import Foundation

/// Whether a link to the spoke stands.
public enum SpokeStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case connected, disconnected
}

/// A machine that carries out work, as the hub knows it.
public struct SpokeRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The spoke's id.",
        "name": "The name it is addressed by, unique among spokes.",
        "status": "Whether a link to it stands.",
        "spokeType": "What it is for.",
        "projectId": "The only project that it works for, if it is bound to one.",
        "lastHeartbeat": "When it was last heard of.",
        "hostInfo": "The machine as the spoke described it.",
        "labels": "What placement may ask for.",
        "agents": "The agent programs that can run there.",
        "connectedAt": "When the link was made.",
        "disconnectedAt": "Since when it is away.",
        "disconnectReason": "Why it is away.",
        "hubId": "The hub that holds its link.",
        "incarnation": "The start of its process that holds the link.",
        "version": "The version of its program.",
        "load": "Shares of the machine in use.",
        "slots": "How many sessions it takes at a time.",
        "busy": "How many sessions it has.",
        "draining": "It was told to take no new sessions.",
        "pausedReason": "Why it takes none of its own accord.",
        "journalEpoch": "The epoch of its journal.",
        "journalAcknowledged": "The last journal record that is applied here.",
        "commandsEpoch": "The epoch of its commands.",
        "commandsNext": "The number of the next command to it.",
        "createdAt": "When it joined.",
        "updatedAt": "When its row last changed.",
    ]

    public var id: SpokeID
    public var name: String
    public var status: SpokeStatus
    public var spokeType: SpokeType
    public var projectId: ProjectID?
    public var lastHeartbeat: Date?
    public var hostInfo: JSONValue
    public var labels: [String: String]
    public var agents: [AgentOffer]
    public var connectedAt: Date?
    public var disconnectedAt: Date?
    public var disconnectReason: String?
    public var hubId: HubID?
    public var incarnation: String?
    public var version: String?
    public var load: JSONValue
    public var slots: Int
    public var busy: Int
    public var draining: Bool
    public var pausedReason: String?
    public var journalEpoch: Int64
    public var journalAcknowledged: Int64
    public var commandsEpoch: Int64
    public var commandsNext: Int64
    public var createdAt: Date
    public var updatedAt: Date

    public init(
        id: SpokeID,
        name: String,
        status: SpokeStatus,
        spokeType: SpokeType,
        projectId: ProjectID?,
        lastHeartbeat: Date?,
        hostInfo: JSONValue,
        labels: [String: String],
        agents: [AgentOffer] = [],
        connectedAt: Date?,
        disconnectedAt: Date?,
        disconnectReason: String?,
        hubId: HubID?,
        incarnation: String?,
        version: String?,
        load: JSONValue,
        slots: Int,
        busy: Int,
        draining: Bool,
        pausedReason: String?,
        journalEpoch: Int64,
        journalAcknowledged: Int64,
        commandsEpoch: Int64,
        commandsNext: Int64,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.name = name
        self.status = status
        self.spokeType = spokeType
        self.projectId = projectId
        self.lastHeartbeat = lastHeartbeat
        self.hostInfo = hostInfo
        self.labels = labels
        self.agents = agents
        self.connectedAt = connectedAt
        self.disconnectedAt = disconnectedAt
        self.disconnectReason = disconnectReason
        self.hubId = hubId
        self.incarnation = incarnation
        self.version = version
        self.load = load
        self.slots = slots
        self.busy = busy
        self.draining = draining
        self.pausedReason = pausedReason
        self.journalEpoch = journalEpoch
        self.journalAcknowledged = journalAcknowledged
        self.commandsEpoch = commandsEpoch
        self.commandsNext = commandsNext
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// The spokes, by name.
public struct ListSpokes: RemoteOperation {
    public static let name = "spoke.list"
    public static let kind = OperationKind.query
    public static let summary = "The machines that carry out work, by name, with their state, load and slots."
    public static let access = AccessControl.scopes("spoke:read")
    public static let examples = [ListSpokes(status: .connected)]
    public static let fields = [
        "status": "Only spokes in this state.",
        "projectId": "Only those that are kept for this project.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "spokes": "One entry per spoke.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var spokes: [SpokeRecord]
        public var nextCursor: String?

        public init(spokes: [SpokeRecord], nextCursor: String?) {
            self.spokes = spokes
            self.nextCursor = nextCursor
        }
    }

    public var status: SpokeStatus?
    public var projectId: ProjectID?
    public var limit: Int?
    public var cursor: String?

    public init(status: SpokeStatus? = nil, projectId: ProjectID? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.status = status
        self.projectId = projectId
        self.limit = limit
        self.cursor = cursor
    }
}

/// One spoke.
public struct GetSpoke: RemoteOperation {
    public static let name = "spoke.get"
    public static let kind = OperationKind.query
    public static let summary = "One spoke by its id or name."
    public static let access = AccessControl.scopes("spoke:read")
    public static let examples = [GetSpoke(spoke: "build-1")]
    public static let fields = ["spoke": "The spoke's id or name."]
    public typealias Output = SpokeRecord

    public var spoke: String

    public init(spoke: String) { self.spoke = spoke }
}

/// Keeps a spoke for one project, or gives it to all again.
public struct UpdateSpoke: RemoteOperation {
    public static let name = "spoke.update"
    public static let kind = OperationKind.mutation
    public static let summary = "Keeps a spoke for the sessions of one project, or lets it take those of all again."
    public static let access = AccessControl.scopes("spoke:write")
    public static let examples = [UpdateSpoke(spoke: "build-1", project: "website")]
    public static let fields = [
        "spoke": "The spoke's id or name.",
        "project": "The project that it is kept for, by id or name; empty for none.",
    ]
    public typealias Output = SpokeRecord

    public var spoke: String
    public var project: String?

    public init(spoke: String, project: String? = nil) {
        self.spoke = spoke
        self.project = project
    }
}

/// Lets a spoke finish what it has and gives it nothing new, or takes that back.
public struct SetSpokeDraining: RemoteOperation {
    public static let name = "spoke.drain"
    public static let kind = OperationKind.mutation
    public static let summary = "Gives a spoke no new sessions from here on, or lets it take them again."
    public static let access = AccessControl.scopes("spoke:write")
    public static let examples = [SetSpokeDraining(spoke: "build-1")]
    public static let fields = [
        "spoke": "The spoke's id or name.",
        "draining": "False to take new sessions again; true if absent.",
    ]
    public typealias Output = SpokeRecord

    public var spoke: String
    public var draining: Bool?

    public init(spoke: String, draining: Bool? = nil) {
        self.spoke = spoke
        self.draining = draining
    }
}

/// Forgets a spoke for good: its credential ends with it.
public struct RemoveSpoke: RemoteOperation {
    public static let name = "spoke.remove"
    public static let kind = OperationKind.mutation
    public static let summary = "Forgets a disconnected spoke; its credential ends with it."
    public static let access = AccessControl.scopes("spoke:admin")
    public static let examples = [RemoveSpoke(spoke: "build-1")]
    public static let fields = [
        "spoke": "The spoke's id or name.",
        "lost": "The machine is gone for good: what ran there ends as lost. Without it, running sessions forbid this.",
    ]
    public typealias Output = Done

    public var spoke: String
    public var lost: Bool?

    public init(spoke: String, lost: Bool? = nil) {
        self.spoke = spoke
        self.lost = lost
    }
}

/// What a machine sends to `POST /v1/join` to become a spoke.
public struct JoinRequest: Codable, Hashable, Sendable {
    /// The join token, which is all the authority that this needs.
    public var token: String
    public var name: String
    public var labels: [String: String]?
    public var spokeType: SpokeType?

    public init(token: String, name: String, labels: [String: String]? = nil, spokeType: SpokeType? = nil) {
        self.token = token
        self.name = name
        self.labels = labels
        self.spokeType = spokeType
    }
}

/// What it gets back, once.
public struct JoinAnswer: Codable, Hashable, Sendable {
    public var spokeId: SpokeID
    public var name: String
    /// The spoke's own key: sent as `Authorization: Bearer` from here on, stored by the hub only as a hash.
    public var credential: String
    public var labels: [String: String]

    public init(spokeId: SpokeID, name: String, credential: String, labels: [String: String]) {
        self.spokeId = spokeId
        self.name = name
        self.credential = credential
        self.labels = labels
    }
}
