/// What the tool `call` takes.
public struct MCPCallArguments: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "operation": "The operation's id, as in project.create; dev.SPOKE.fs.read asks one spoke.",
        "input": "The operation's input, as its schema says; nothing if left out.",
        "deadlineSeconds": "How long to wait, 1 to 3600; 300 if left out. A subscription ends then with what came.",
        "idempotencyKey": "Makes a mutation safe to repeat: the same key and input get the first outcome.",
        "spoke": "The spoke that shall answer, by name.",
        "valuesMax": "Shows this many values of a subscription, 1 to 1000 (100), then ends it; process.run goes on.",
        "lastEventId": "Goes on behind the value of this id, which an earlier answer named.",
    ]

    public var operation: String
    public var input: JSONValue?
    public var deadlineSeconds: Int?
    public var idempotencyKey: String?
    public var spoke: String?
    public var valuesMax: Int?
    public var lastEventId: String?

    public init(
        operation: String,
        input: JSONValue? = nil,
        deadlineSeconds: Int? = nil,
        idempotencyKey: String? = nil,
        spoke: String? = nil,
        valuesMax: Int? = nil,
        lastEventId: String? = nil
    ) {
        self.operation = operation
        self.input = input
        self.deadlineSeconds = deadlineSeconds
        self.idempotencyKey = idempotencyKey
        self.spoke = spoke
        self.valuesMax = valuesMax
        self.lastEventId = lastEventId
    }

    /// How long its caller waits.
    public var deadline: Duration { .seconds(deadlineSeconds ?? 300) }
}

/// A call of one of the four tools, understood.
public struct MCPToolCall: Hashable, Sendable {
    public var tool: MCPTool
    public var arguments: MCPCallArguments

    public init(tool: MCPTool, arguments: MCPCallArguments) {
        self.tool = tool
        self.arguments = arguments
    }
}

/// The four tools: however many operations there are, a model reads four descriptions.
public enum MCPTool: String, CaseIterable, Hashable, Sendable {
    case list, search, schema, call

    /// The meta operation that the tool stands for; none for `call`, which names its own.
    public var operation: String? {
        switch self {
        case .list: ListOperations.name
        case .search: SearchOperations.name
        case .schema: GetOperationSchema.name
        case .call: nil
        }
    }

    /// What the client is shown of all four.
    public static let catalogue = JSONValue.array(allCases.map(\.entry))

    private static let callShape = SchemaProbe.shape(of: MCPCallArguments.self)

    private var entry: JSONValue {
        [
            "name": .string(rawValue), "description": .string(summary), "inputSchema": inputSchema,
            "annotations": ["title": .string(title), "readOnlyHint": .bool(self != .call), "openWorldHint": false],
        ]
    }

    private var title: String {
        switch self {
        case .list: "List operations"
        case .search: "Search operations"
        case .schema: "Read an operation's schema"
        case .call: "Call an operation"
        }
    }

    private var summary: String {
        switch self {
        case .list:
            "Lists the operations that you may call, with one sentence each. An answer with `nextCursor` goes on: ask "
                + "again with it as `cursor`."
        case .search: "Finds operations by words in id, title, description and tags, the best match first."
        case .schema: "Reads how to call one operation: the JSON Schemas of its input and answer. Do so before `call`."
        case .call:
            "Calls an operation. The answer of a query or mutation stands under `data`; a subscription's values are "
                + "told as progress and answered together under `values` at its end or limit."
        }
    }

    private var inputSchema: JSONValue {
        switch self {
        case .list: ListOperations.spec.inputSchema
        case .search: SearchOperations.spec.inputSchema
        case .schema: GetOperationSchema.spec.inputSchema
        case .call:
            Self.callShape.schema(
                closed: true,
                examples: [["operation": "session.list", "input": ["status": "busy"]]]
            )
        }
    }

    /// The call that the arguments ask for.
    ///
    /// - Throws: `VALIDATION_ERROR` for arguments of `call`; those of the other tools the operation itself checks.
    public func call(with arguments: JSONValue) throws(Fault) -> MCPToolCall {
        if let operation {
            return MCPToolCall(tool: self, arguments: MCPCallArguments(operation: operation, input: arguments))
        }
        var violations = Self.callShape.violations(in: arguments)
        if let wait = arguments["deadlineSeconds"]?.integerValue, !(1...3_600).contains(wait) {
            violations.append(.init(path: "deadlineSeconds", message: "must be 1 to 3600."))
        }
        if let most = arguments["valuesMax"]?.integerValue, !(1...Int64(Limits.mcpValues)).contains(most) {
            violations.append(.init(path: "valuesMax", message: "must be 1 to \(Limits.mcpValues)."))
        }
        // What a header could not carry is refused here as it is there.
        for name in ["idempotencyKey", "spoke", "lastEventId"] {
            violations += [VisibleText.violation(arguments[name]?.stringValue, at: name)].compactMap(\.self)
        }
        guard violations.isEmpty else { throw .invalid(violations) }
        return MCPToolCall(tool: self, arguments: try arguments.decoded())
    }
}
