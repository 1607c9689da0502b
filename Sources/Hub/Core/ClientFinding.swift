public import Protocol

/// What a look at a client's web service found: what it offers, or why that is nothing.
public struct ClientFinding: Hashable, Sendable {
    /// An operation with the request that it is.
    public struct Operation: Hashable, Sendable {
        public let spec: OperationSpec
        public let plan: WebRequestPlan
    }

    public let namespace: String
    /// By id.
    public private(set) var operations: [Operation] = []
    /// Where requests go.
    public private(set) var server: String?
    /// What of the document is not offered, each with the reason.
    public private(set) var leftOut: [String] = []
    /// Why nothing can be called.
    public private(set) var reason: String?

    /// Nothing is offered, for a reason.
    public init(namespace: String, reason: String) {
        self.namespace = namespace
        self.reason = reason
    }

    /// What a document says.
    ///
    /// - Parameters:
    ///   - service: The client's config.
    ///   - home: Where the document came from, if it was fetched.
    ///   - check: What may be registered.
    /// - Throws: `VALIDATION_ERROR` for what is no OpenAPI 3 document, or does not say where the service is.
    public init(
        reading document: JSONValue,
        of service: ClientService,
        namespace: String,
        home: WebAddress?,
        check: RegistrationCheck
    ) throws(Fault) {
        self.namespace = namespace
        let read = try WebDocument(document)
        server = try read.base(
            server: service.baseUrl,
            home: home,
            carriesSecrets: service.credential != nil,
            field: "baseUrl"
        ).text
        leftOut = read.leftOut
        var plans: [String: WebRequestPlan] = [:]
        var specs: [JSONValue] = []
        for operation in read.operations.map({ Self.withheld($0, service.credential) }) {
            let spec = Self.spec(operation, service, namespace)
            plans[spec.id] = operation.plan
            specs.append(JSONValue(encoding: spec))
        }
        let outcome = check.read(specs)
        leftOut += outcome.refusals.map { "\($0.operation): \($0.message)" }
        operations = outcome.specs.compactMap { spec in
            plans[spec.id].map { Operation(spec: spec, plan: $0) }
        }
        if operations.isEmpty {
            reason = "Its document has no operation that can be called."
        }
    }

    /// No caller fills the place of a credential.
    private static func withheld(_ operation: WebOperation, _ credential: ClientCredential?) -> WebOperation {
        switch credential?.in {
        case .header?: operation.withholding(credential?.name ?? "", in: .header)
        case .query?: operation.withholding(credential?.name ?? "", in: .query)
        case .bearer?, .basic?, nil: operation
        }
    }

    private static func spec(_ operation: WebOperation, _ service: ClientService, _ namespace: String) -> OperationSpec
    {
        OperationSpec(
            namespace: namespace,
            name: operation.name,
            version: service.version ?? "1",
            type: operation.kind,
            description: operation.summary,
            tags: ["openapi"],
            inputSchema: operation.inputSchema,
            outputSchema: operation.outputSchema,
            accessControl: .scopes("\(namespace):\(operation.kind == .query ? "read" : "write")")
        )
    }
}
