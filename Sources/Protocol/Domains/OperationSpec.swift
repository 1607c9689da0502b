/// An operation as the catalogue shows it (calls.md). The hub's own are derived from their Swift types.
public struct OperationSpec: Codable, Hashable, Sendable {
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
        _meta: JSONValue? = nil
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
    }

    /// `namespace.name`.
    public var id: String { "\(namespace).\(name)" }
}

/// An error of its own that an operation declares.
public struct ErrorDefinition: Codable, Hashable, Sendable {
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
            type: kind,
            description: summary,
            inputSchema: SchemaProbe.shape(of: Self.self).schema(closed: true, examples: shown),
            outputSchema: SchemaProbe.shape(of: Output.self).schema(closed: false),
            accessControl: access
        )
    }
}
