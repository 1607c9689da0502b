import Protocol

/// The routes of the OpenAPI document that are no operations.
enum OpenAPIRoutes {
    static var paths: [String: JSONValue] {
        [
            "/livez": get(
                "livez",
                "The process runs and answers.",
                open: true,
                json,
                OpenAPIParts.refusals(400, 403, 413, 504)
            ),
            "/readyz": get(
                "readyz",
                "Calls would be answered.",
                open: true,
                json,
                OpenAPIParts.refusals(400, 403, 413, 503, 504)
            ),
            "/metrics": get(
                "metrics",
                "Counters and gauges of this process; needs `hub:read`.",
                OpenAPIParts.response("Prometheus text, version 0.0.4.", "text/plain", ["type": "string"]),
                keyed
            ),
            "/openapi.json": get("openapi", "This document, as far as the caller may call.", json, keyed),
            "/v1/operations": get(
                "operations",
                "The operations that the caller may run; the query is the input of operation.list.",
                json,
                called
            ),
            "/v1/operations/{id}": operation,
            "/v1/join": ["post": join],
            "/mcp": mcp,
        ]
    }

    /// Statuses of routes that look at a key. 400, 403, 413 and 504 any route has: for its head alone.
    private static var keyed: [String: JSONValue] {
        OpenAPIParts.refusals(400, 401, 403, 404, 413, 429, 500, 503, 504)
    }

    /// The same for those that are calls, which somebody may abort.
    private static var called: [String: JSONValue] { keyed.merging(OpenAPIParts.refusals(409)) { $1 } }

    private static var json: JSONValue {
        OpenAPIParts.response("The answer.", "application/json", ["type": "object"])
    }

    private static func get(
        _ id: String,
        _ summary: String,
        open: Bool = false,
        _ answer: JSONValue,
        _ refusals: [String: JSONValue]
    ) -> JSONValue {
        var members: [String: JSONValue] = [
            "operationId": .string("hub.\(id)"), "tags": ["hub"], "summary": .string(summary),
            "responses": .object(refusals.merging(["200": answer]) { $1 }),
        ]
        if open { members["security"] = [] }
        return ["get": .object(members)]
    }

    private static var operation: JSONValue {
        guard case .object(var path) = get("operation", "One operation's schemas and access.", json, called) else {
            return .null
        }
        path["parameters"] = [
            [
                "name": "id", "in": "path", "required": true,
                "schema": ["type": "string", "pattern": "^[A-Za-z0-9._-]+$"],
            ]
        ]
        return .object(path)
    }

    private static var join: JSONValue {
        let ask = SchemaProbe.shape(of: JoinRequest.self).schema(closed: false)
        return [
            "operationId": "hub.join", "tags": ["hub"], "summary": "A join token in, a spoke's own credential out.",
            "security": [], "requestBody": body(ask),
            "responses": .object(
                OpenAPIParts.refusals(400, 401, 403, 404, 409, 413, 429, 500, 503, 504).merging(["200": json]) { $1 }
            ),
        ]
    }

    private static var mcp: JSONValue {
        let session: JSONValue = [
            "name": "Mcp-Session-Id", "in": "header", "schema": ["type": "string"],
            "description": "As initialize answered it.",
        ]
        let message: JSONValue = ["type": ["object", "array"]]
        let answer: JSONValue = [
            "description": "The answer, or events that end with it.",
            "content": [
                "application/json": ["schema": message], "text/event-stream": ["schema": ["type": "string"]],
            ],
        ]
        // A message that is wrong is answered as JSON-RPC says.
        var refusals = OpenAPIParts.refusals(401, 403, 404, 413, 429, 500, 503, 504)
        refusals["400"] = OpenAPIParts.response("A JSON-RPC or other error.", "application/json", ["type": "object"])
        let stream = OpenAPIParts.response("Events.", "text/event-stream", ["type": "string"])
        func route(_ id: String, _ summary: String, _ more: [String: JSONValue]) -> [String: JSONValue] {
            [
                "operationId": .string("hub.\(id)"), "tags": ["hub"], "summary": .string(summary),
                "responses": .object(refusals.merging(more) { $1 }),
            ]
        }
        var post = route("mcp", "A message of the Model Context Protocol.", ["200": answer, "202": accepted])
        post["requestBody"] = body(message)
        return [
            "parameters": [session], "post": .object(post),
            "get": .object(route("mcpStream", "What the server says unasked.", ["200": stream])),
            "delete": .object(route("mcpEnd", "Ends an MCP session.", ["204": ["description": "It is over."]])),
        ]
    }

    private static var accepted: JSONValue { ["description": "Heard; nothing to answer."] }

    private static func body(_ schema: JSONValue) -> JSONValue {
        var schema = schema
        if case .object(var members) = schema {
            members["$schema"] = nil
            schema = .object(members)
        }
        return ["required": true, "content": ["application/json": ["schema": schema]]]
    }
}
