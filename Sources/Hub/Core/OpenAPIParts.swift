import Protocol

/// What all operations of the OpenAPI document share.
enum OpenAPIParts {
    /// The codes of the contract by status.
    private static let codes = Dictionary(grouping: Fault.Code.all, by: \.httpStatus)

    /// Every status that any operation may refuse with.
    static var refusals: [String: JSONValue] {
        Dictionary(
            codes.keys.map { (String($0), ["$ref": .string("#/components/responses/\(name($0))")]) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The refusals with these statuses.
    static func refusals(_ statuses: Int...) -> [String: JSONValue] {
        let wanted = Set(statuses.map(String.init))
        return refusals.filter { wanted.contains($0.key) }
    }

    static func response(_ description: String, _ type: String, _ schema: JSONValue) -> JSONValue {
        ["description": .string(description), "content": .object([type: ["schema": schema]])]
    }

    static func error(_ description: String) -> JSONValue {
        response(description, "application/json", ["$ref": "#/components/schemas/Error"])
    }

    static func parameters(of type: OperationKind) -> JSONValue {
        var names = ["RequestId", "ParentRequestId", "Spoke", "Target", "Traceparent"]
        switch type {
        case .query: names += ["Deadline"]
        case .mutation: names += ["Deadline", "IdempotencyKey"]
        case .subscription: names += ["Deadline", "LastEventId"]
        }
        return .array(names.map { ["$ref": .string("#/components/parameters/\($0)")] })
    }

    static var components: JSONValue {
        [
            "securitySchemes": [
                "key": [
                    "type": "http", "scheme": "bearer",
                    "description": "A key of `hub key create`, as in: Authorization: Bearer nave_….",
                ]
            ],
            "parameters": .object(parameters), "responses": .object(responses), "schemas": .object(schemas),
        ]
    }

    private static func name(_ status: Int) -> String { "Refused\(status)" }

    private static var responses: [String: JSONValue] {
        Dictionary(
            codes.map { status, codes in
                (name(status), error(codes.map(\.rawValue).sorted().joined(separator: " or ") + "."))
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private static var parameters: [String: JSONValue] {
        let visible: JSONValue = [
            "type": "string", "minLength": 1, "maxLength": .integer(Int64(Limits.requestIdBytes)),
            "pattern": "^[!-~]+$",
        ]
        func header(_ name: String, _ description: String, _ schema: JSONValue) -> JSONValue {
            ["name": .string(name), "in": "header", "description": .string(description), "schema": schema]
        }
        return [
            "RequestId": header("X-Request-Id", "The caller's own id for the call; one is made otherwise.", visible),
            "ParentRequestId": header("X-Parent-Request-Id", "The call within which this one is made.", visible),
            "Deadline": header(
                "X-Deadline",
                "How long the caller waits, as in 2s or 500ms, 1h at most; 300s if left out, and for ever to follow.",
                ["type": "string", "pattern": .string(deadlines)]
            ),
            "IdempotencyKey": header(
                "Idempotency-Key",
                "The same key and input within 24 hours get the first outcome.",
                visible
            ),
            "Spoke": header("X-Spoke", "The spoke that shall answer, by name.", visible),
            "Target": header(
                "X-Target",
                "Which spokes may answer, as JSON: {spokeId?, spokeName?, labels?, sessionId?}.",
                ["type": "string", "contentMediaType": "application/json"]
            ),
            "Traceparent": header("traceparent", "W3C trace context, handed on to the end.", visible),
            "LastEventId": header("Last-Event-ID", "Goes on behind the value of this id.", visible),
        ]
    }

    /// 1 ms to 1 h.
    private static let deadlines =
        "^(([1-9][0-9]{0,5}|[12][0-9]{6}|3[0-5][0-9]{5}|3600000)ms|([1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|3600)s"
        + "|([1-9]|[1-5][0-9]|60)m|1h)$"

    private static var schemas: [String: JSONValue] {
        let time: JSONValue = ["type": "string", "format": "date-time"]
        return [
            "Meta": [
                "type": "object", "required": ["source"],
                "properties": [
                    "source": ["type": "string"], "operationId": ["type": "string"], "requestId": ["type": "string"],
                    "timestamp": time,
                ],
            ],
            "Error": [
                "type": "object", "required": ["error"],
                "properties": [
                    "error": [
                        "type": "object", "required": ["code", "message"],
                        "properties": [
                            "code": ["type": "string", "description": "What a program may branch on."],
                            "message": ["type": "string", "description": "A sentence that says what to do."],
                            "details": true,
                        ],
                    ]
                ],
            ],
        ]
    }
}
