/// Whether a provider's offer of an operation stands.
public enum RegistrationStatus: String, Codable, CaseIterable, Hashable, Sendable {
    case active
    /// The provider is away; the offer stands again when it returns.
    case inactive
}

/// Who offers an operation.
public enum ProviderType: String, Codable, CaseIterable, Hashable, Sendable {
    case hub
    case spoke
    case client
}

/// One who offers an operation.
public struct OperationProvider: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "type": "What it is.",
        "id": "Its id; absent for the hub, which is whichever is asked.",
        "name": "Its name, by which it is addressed.",
        "status": "Whether it is there: an inactive offer stands again when its provider returns.",
    ]
    public var type: ProviderType
    /// Absent for the hub, which is whichever is asked.
    public var id: String?
    public var name: String?
    public var status: RegistrationStatus

    public init(type: ProviderType, id: String? = nil, name: String? = nil, status: RegistrationStatus = .active) {
        self.type = type
        self.id = id
        self.name = name
        self.status = status
    }
}

/// An operation in a list: enough to choose, not enough to call.
public struct OperationSummary: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "namespace.name, by which it is called.",
        "type": "Whether it answers once without changing anything, once with a change, or many times.",
        "description": "What it does.",
        "tags": "Words to find it by.",
        "version": "Its version, unless that is 1.",
        "spokes": "Names of connected spokes that offer it, some of them if there are many; absent for the hub's own.",
    ]
    public var id: String
    public var type: OperationKind
    public var description: String
    public var tags: [String]?
    /// Absent for version 1.
    public var version: String?
    /// Absent for the hub's own.
    public var spokes: [String]?

    public init(
        id: String,
        type: OperationKind,
        description: String,
        tags: [String]?,
        version: String? = nil,
        spokes: [String]? = nil
    ) {
        self.id = id
        self.type = type
        self.description = description
        self.tags = tags
        self.version = version
        self.spokes = spokes
    }

    public init(_ spec: OperationSpec) {
        let here = spec.providers?.filter { $0.type == .spoke && $0.status == .active }.compactMap(\.name)
        self.init(
            id: spec.id,
            type: spec.type,
            description: spec.description,
            tags: spec.tags,
            version: spec.version == "1" ? nil : spec.version,
            spokes: here.flatMap { $0.isEmpty ? nil : Array($0.prefix(Self.spokesNamed)) }
        )
    }

    /// Spokes that a line of a list names.
    static let spokesNamed = 10
}

/// Operations that were found.
public struct OperationList: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "operations": "The operations that the caller may run, by id or, for a search, by rank.",
        "nextCursor": "Where a list goes on; absent at its end and for a search.",
    ]
    public var operations: [OperationSummary]
    public var nextCursor: String?

    public init(operations: [OperationSummary], nextCursor: String? = nil) {
        self.operations = operations
        self.nextCursor = nextCursor
    }
}

/// Lists what the caller may run.
public struct ListOperations: RemoteOperation {
    public static let name = "operation.list"
    public static let kind = OperationKind.query
    public static let summary = "Lists the operations that the caller may run, by id."
    public static let access = AccessControl.anyone
    public static let fields = [
        "namespace": "Only operations of this namespace.",
        "type": "Only operations of this type.",
        "limit": "How many at most, 1 to 500; 500 if left out.",
        "cursor": "The nextCursor of the page before.",
    ]
    public static let examples = [ListOperations(), ListOperations(namespace: "project", limit: 20)]
    public typealias Output = OperationList

    public var namespace: String?
    public var type: OperationKind?
    public var limit: Int?
    public var cursor: String?

    public init(namespace: String? = nil, type: OperationKind? = nil, limit: Int? = nil, cursor: String? = nil) {
        self.namespace = namespace
        self.type = type
        self.limit = limit
        self.cursor = cursor
    }
}

/// Finds operations by words.
public struct SearchOperations: RemoteOperation {
    public static let name = "operation.search"
    public static let kind = OperationKind.query
    public static let summary = "Finds operations by words in id, title, description and tags, the best match first."
    public static let access = AccessControl.anyone
    public static let fields = [
        "query": "Words; an operation must have each of them somewhere.",
        "limit": "How many at most, 1 to 100; 20 if left out.",
    ]
    public static let examples = [SearchOperations(query: "project add")]
    public typealias Output = OperationList

    public var query: String
    public var limit: Int?

    public init(query: String, limit: Int? = nil) {
        self.query = query
        self.limit = limit
    }
}

/// Reads how to call one operation.
public struct GetOperationSchema: RemoteOperation {
    public static let name = "operation.schema"
    public static let kind = OperationKind.query
    public static let summary = "The JSON Schemas, access and description of one operation."
    public static let access = AccessControl.anyone
    public static let fields = [
        "operation": "Its id, as in project.create; with @ and a version for another than the newest."
    ]
    public static let examples = [GetOperationSchema(operation: "project.create")]
    public typealias Output = OperationSpec

    public var operation: String

    public init(operation: String) { self.operation = operation }
}
