public import Protocol

/// An operation that the spoke's owner made of a program of this machine: one entry of `operations:` in `spoke.yaml`.
public struct CommandOperation: Codable, Hashable, Sendable, Described {
    public static let fields: [String: String] = [:]

    /// What the program prints.
    public enum Printed: String, Codable, CaseIterable, Hashable, Sendable { case text, json }

    /// What it does, in a sentence.
    public var description: String
    /// Query, mutation or subscription; a mutation if absent.
    public var type: OperationKind?
    /// JSON Schema of the input; an object without properties if absent.
    public var input: JSONValue?
    /// JSON Schema of the answer, where the program prints JSON.
    public var output: JSONValue?
    /// Program and arguments (``ArgumentTemplate``).
    public var command: [String]
    public var environment: [String: String]?
    /// Where it runs: an absolute path, or `worktree` for the one that the input's `workspaceId` or `sessionId` names.
    /// A folder of its own, removed afterwards, if absent.
    public var directory: String?
    /// It is ended after this long; 600 if absent.
    public var timeoutSeconds: Int?
    /// What it prints: text as it is (if absent), or JSON, which then is the answer.
    public var prints: Printed?
    /// What a caller must hold; `namespace:read` for a query, `namespace:write` otherwise, if absent.
    public var scopes: [String]?
    public var tags: [String]?

    public init(description: String, command: [String]) {
        self.description = description
        self.command = command
    }

    /// Where a worktree of the input is meant.
    public static let worktree = "worktree"
}

/// A server whose tools become operations: one entry of `mcpServers:` in `spoke.yaml`. Either a program or an address.
public struct ToolServer: Codable, Hashable, Sendable, Described {
    public static let fields: [String: String] = [:]

    /// Program and arguments of a server that speaks MCP over its standard input and output.
    public var command: [String]?
    /// Variables for the program.
    public var environment: [String: String]?
    /// Where a server is that speaks MCP over streamable HTTP: an `http` or `https` address.
    public var url: String?
    /// Headers for every request to that address, and those with secrets, by the files that hold them.
    public var headers: [String: String]?
    public var headerFiles: [String: String]?
    /// How long one call of a tool may take without a word of its progress; 300 if absent.
    public var timeoutSeconds: Int?
    /// What a caller must hold; `NAME:read` for tools that only read, `NAME:write` for the others, if absent.
    public var scopes: [String]?

    public init(command: [String]) { self.command = command }

    public init(url: String) { self.url = url }
}

/// A web service whose operations become the spoke's: one entry of `openapi:` in `spoke.yaml`.
public struct WebServiceSettings: Codable, Hashable, Sendable, Described {
    public static let fields: [String: String] = [:]

    /// The service's OpenAPI 3 document as JSON or YAML: a file of this machine, or where to get it.
    public var file: String?
    public var url: String?
    /// Where the service is; the document's first server if absent.
    public var server: String?
    /// Headers with secrets, by the files that hold them.
    public var headerFiles: [String: String]?
    /// How long one request may take; 60 if absent.
    public var timeoutSeconds: Int?
    /// What a caller must hold; `NAME:read` for GET, `NAME:write` for the rest, if absent.
    public var scopes: [String]?

    public init(file: String? = nil, url: String? = nil) {
        self.file = file
        self.url = url
    }
}

/// What the owner of a spoke offers besides the operations that every spoke has.
public struct OwnOperations: Hashable, Sendable {
    /// Programs by `namespace.name`.
    public var commands: [String: CommandOperation] = [:]
    /// Servers by the namespace that their tools get.
    public var servers: [String: ToolServer] = [:]
    /// Web services by the namespace that their operations get.
    public var services: [String: WebServiceSettings] = [:]

    public static let none = OwnOperations()

    public init() {}

    /// Files that hold secrets which are sent to services, and must be sent nowhere else.
    var secretFiles: [String] {
        let files = services.values.map(\.headerFiles) + servers.values.map(\.headerFiles)
        return Set(files.flatMap { ($0 ?? [:]).values }).sorted()
    }
}
