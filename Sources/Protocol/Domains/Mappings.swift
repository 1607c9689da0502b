/// One mapping.
public struct GetMapping: RemoteOperation {
    public static let name = "mapping.get"
    public static let kind = OperationKind.query
    public static let summary = "One mapping by its id: which session works where, for whom, and how it ended."
    public static let access = AccessControl.scopes("coord:read")
    public static let examples = [GetMapping(mappingId: "8a1b…")]
    public static let fields = ["mappingId": "The mapping's id."]
    public typealias Output = MappingRecord

    public var mappingId: MappingID

    public init(mappingId: MappingID) { self.mappingId = mappingId }
}

/// Mappings, newest first: the bare rows. `coord.status` shows the same with everything around them.
public struct ListMappings: RemoteOperation {
    public static let name = "mapping.list"
    public static let kind = OperationKind.query
    public static let summary = "Which sessions work or worked where and for whom, newest first."
    public static let access = AccessControl.scopes("coord:read")
    public static let examples = [ListMappings(status: .failed)]
    public static let fields = [
        "projectId": "Only those of sessions of this project.",
        "sessionId": "Only those of this session, by its id.",
        "parentSessionId": "Only those below this coordinator.",
        "spokeId": "Only those on this spoke.",
        "workspaceId": "Only those in this workspace.",
        "taskId": "Only those of this task.",
        "status": "Only those in this state.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "mappings": "One entry per mapping.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var mappings: [MappingRecord]
        public var nextCursor: String?

        public init(mappings: [MappingRecord], nextCursor: String?) {
            self.mappings = mappings
            self.nextCursor = nextCursor
        }
    }

    public var projectId: ProjectID?
    public var sessionId: SessionID?
    public var parentSessionId: SessionID?
    public var spokeId: SpokeID?
    public var workspaceId: WorkspaceID?
    public var taskId: TaskID?
    public var status: MappingStatus?
    public var limit: Int?
    public var cursor: String?

    public init(
        projectId: ProjectID? = nil,
        sessionId: SessionID? = nil,
        parentSessionId: SessionID? = nil,
        spokeId: SpokeID? = nil,
        workspaceId: WorkspaceID? = nil,
        taskId: TaskID? = nil,
        status: MappingStatus? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.projectId = projectId
        self.sessionId = sessionId
        self.parentSessionId = parentSessionId
        self.spokeId = spokeId
        self.workspaceId = workspaceId
        self.taskId = taskId
        self.status = status
        self.limit = limit
        self.cursor = cursor
    }
}
