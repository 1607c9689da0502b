/// An operation as the catalogue shows it (calls.md). The hub's own are derived from their Swift types.
public struct OperationSpec: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "namespace": "The first part of its id.",
        "name": "The rest of its id.",
        "version": "Changes when a schema changes incompatibly.",
        "type": "Whether it answers once without changing anything, once with a change, or many times.",
        "title": "A few words for people.",
        "description": "What it does.",
        "tags": "Words to find it by.",
        "inputSchema": "JSON Schema 2020-12 of the input.",
        "outputSchema": "JSON Schema 2020-12 of the answer; of one value for a subscription.",
        "errorSchemas": "Errors of its own, besides the contract's.",
        "accessControl": "What a caller must hold.",
        "_meta": "Whatever its provider notes.",
        "providers": "Who offers it, those that are there first, 100 at most; told by the catalogue only.",
    ]
    public var namespace: String
    public var name: String
    public var version: String
    public var type: OperationKind
    public var title: String?
    public var description: String
    public var tags: [String]?
    /// JSON Schema 2020-12 of the input.
    public var inputSchema: JSONValue
    /// JSON Schema 2020-12 of the answer; of one value for a subscription.
    public var outputSchema: JSONValue
    public var errorSchemas: [ErrorDefinition]?
    public var accessControl: AccessControl
    public var _meta: JSONValue?
    /// Who offers it; told by the catalogue only.
    public var providers: [OperationProvider]?

    public init(
        namespace: String,
        name: String,
        version: String = "1",
        type: OperationKind,
        title: String? = nil,
        description: String,
        tags: [String]? = nil,
        inputSchema: JSONValue,
        outputSchema: JSONValue,
        errorSchemas: [ErrorDefinition]? = nil,
        accessControl: AccessControl,
        _meta: JSONValue? = nil,
        providers: [OperationProvider]? = nil
    ) {
        self.namespace = namespace
        self.name = name
        self.version = version
        self.type = type
        self.title = title
        self.description = description
        self.tags = tags
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.errorSchemas = errorSchemas
        self.accessControl = accessControl
        self._meta = _meta
        self.providers = providers
    }

    /// `namespace.name`.
    public var id: String { "\(namespace).\(name)" }

    /// A call of it may change something: a mutation, or a subscription that asks for more than reading.
    public var changes: Bool { type == .mutation || type == .subscription && accessControl.asksForChange }
}

/// An error of its own that an operation declares.
public struct ErrorDefinition: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "code": "What a program may branch on.",
        "description": "When it happens.",
        "schema": "JSON Schema 2020-12 of its details.",
        "httpStatus": "The status that HTTP callers see.",
    ]
    public var code: String
    public var description: String
    public var schema: JSONValue
    public var httpStatus: Int?

    public init(code: String, description: String, schema: JSONValue = true, httpStatus: Int? = nil) {
        self.code = code
        self.description = description
        self.schema = schema
        self.httpStatus = httpStatus
    }
}

extension RemoteOperation {
    /// The catalogue's entry, derived from the type. Costs a probe of input and output: done once, at start.
    public static var spec: OperationSpec {
        let shown = examples.map { JSONValue(encoding: $0) }
        return OperationSpec(
            namespace: namespace,
            name: String(name.dropFirst(namespace.count + 1)),
            version: version,
            type: kind,
            description: summary,
            inputSchema: SchemaProbe.shape(of: Self.self).schema(closed: true, examples: shown),
            outputSchema: SchemaProbe.shape(of: Output.self).schema(closed: false),
            accessControl: access
        )
    }
}
