import Protocol
import Testing

/// What OpenAPI documents may say, of either version, and what is said of the parts that cannot be called.
@Suite struct WebDocumentTests {
    /// A document with one path.
    private static func document(
        _ item: JSONValue,
        path: String = "/x",
        version: String = "3.0.3",
        servers: JSONValue? = nil,
        schemas: JSONValue = [:]
    ) throws -> WebDocument {
        var members: [String: JSONValue] = [
            "openapi": .string(version), "paths": .object([path: item]), "components": ["schemas": schemas],
        ]
        members["servers"] = servers
        return try WebDocument(.object(members))
    }

    private static func posted(_ content: JSONValue, version: String = "3.0.3") throws -> WebDocument {
        try document(["post": ["requestBody": ["content": content], "responses": [:]]], version: version)
    }

    @Test func variablesOfAServerHaveTheirDefaults() throws {
        let variables: JSONValue = [
            "host": ["default": "a.example", "enum": ["a.example", "b.example"]], "base": ["default": "v2"],
        ]
        let whole = try Self.document(
            [:],
            servers: [["url": "https://{host}/{base}/", "variables": variables], ["url": "https://other.example"]]
        )
        #expect(whole.server == "https://a.example/v2" && whole.leftOut.isEmpty)
        let second = try Self.document(
            [:],
            servers: [["url": "https://{who}.example/", "variables": variables], ["url": "https://other.example"]]
        )
        #expect(second.server == "https://other.example")
        #expect(second.leftOut == ["server https://{who}.example/: its variable {who} has no default"])
        let none = try Self.document([:], servers: [["url": "/{base}"]])
        #expect(none.server == nil && none.leftOut.count == 1)
        let home = try WebAddress("https://a.example/openapi.json", field: "url")
        let lost = #expect(throws: Fault.self) {
            try none.base(server: nil, home: home, carriesSecrets: false, field: "baseUrl")
        }
        #expect(lost?.message.contains("{base} has no default") == true)
        let said = try none.base(server: "https://b.example", home: home, carriesSecrets: false, field: "baseUrl")
        #expect(said.text == "https://b.example")
    }

    @Test func schemasOfOpenAPI30AreReadAsTheyWereMeant() throws {
        let body: JSONValue = [
            "type": "object",
            "properties": [
                "name": ["type": "string", "nullable": true, "enum": ["a"]],
                "part": ["$ref": "#/components/schemas/Part", "nullable": true],
                "any": ["description": "Any.", "nullable": true, "allOf": [["$ref": "#/components/schemas/Part"]]],
                "free": ["nullable": true],
                "more": ["type": "integer", "minimum": 1, "exclusiveMinimum": true, "maximum": 9],
                "less": ["type": "number", "maximum": 9, "exclusiveMaximum": true, "exclusiveMinimum": false],
                // Names and examples are nobody's keywords.
                "nullable": ["type": "string"],
                "exclusiveMinimum": ["type": "boolean", "example": ["nullable": true, "exclusiveMinimum": true]],
            ],
        ]
        let document = try Self.document(
            ["post": ["requestBody": ["content": ["application/json": ["schema": body]]], "responses": [:]]],
            schemas: ["Part": ["type": "string", "nullable": false]]
        )
        let input = try #require(document.operations.first?.inputSchema)
        let schema = try JSONSchema(input)
        func fits(_ body: JSONValue) -> Bool { schema.accepts(["body": body]) }
        for good: JSONValue in [
            ["name": .null], ["name": "a"], ["part": .null], ["part": "p"], ["any": .null], ["free": .null],
            ["free": 1],
            ["more": 2], ["more": 9], ["less": .number(8.5)], ["nullable": "x"], ["exclusiveMinimum": true],
        ] {
            #expect(fits(good), "\(good)")
        }
        for bad: JSONValue in [
            ["name": "b"], ["part": 1], ["any": 1], ["more": 1], ["more": .null], ["more": 10], ["less": 9],
            ["nullable": .null], ["exclusiveMinimum": .null],
        ] {
            #expect(!fits(bad), "\(bad)")
        }
        let example = input["properties"]?["body"]?["properties"]?["exclusiveMinimum"]?["example"]
        #expect(example == ["nullable": true, "exclusiveMinimum": true])
    }

    @Test func aBodyIsSentAsTheTypeThatIsDeclared() throws {
        for (declared, sent) in [
            ("application/json", "application/json"),
            ("application/json; charset=utf-8", "application/json; charset=utf-8"),
            ("application/vnd.api+json", "application/vnd.api+json"),
            ("application/merge-patch+json;v=1", "application/merge-patch+json;v=1"), ("*/*", "application/json"),
        ] {
            let content: JSONValue = ["text/plain": [:], declared: ["schema": ["type": "object"]]]
            let operation = try #require(try Self.posted(content).operations.first, "\(declared)")
            #expect(operation.inputSchema["properties"]?["body"] == ["type": "object"])
            #expect(try operation.request(for: ["body": [:]]).headers == ["content-type": sent])
            let plan = try JSONValue(encoding: operation.plan).decoded(as: WebRequestPlan.self)
            #expect(plan == operation.plan)
        }
        let both = try Self.posted(["application/a+json": [:], "application/json": [:]]).operations.first
        #expect(try both?.request(for: ["body": 1]).headers["content-type"] == "application/json")
        for other in ["text/plain", "application/xml", "application/*+json", "application/a+json\r\nx: y"] {
            #expect(try Self.posted([other: [:]]).leftOut.first?.hasSuffix("its body is not JSON") == true)
        }
    }

    @Test func answersMayBeJSONOfAnyName() throws {
        let answered = try Self.document([
            "get": ["responses": ["200": ["content": ["application/hal+json": ["schema": ["type": "array"]]]]]]
        ])
        #expect(answered.operations.first?.outputSchema == ["type": "array"])
        let streamed = try Self.document([
            "get": ["responses": ["200": ["content": ["text/event-stream; charset=utf-8": [:]]]]]
        ])
        #expect(streamed.operations.first?.streams == true)
    }

    @Test func whatIsNotOfferedIsNamedWithItsReason() throws {
        let methods = try Self.document(["get": [:], "head": [:], "options": [:], "trace": [:]])
        #expect(methods.operations.count == 1 && methods.leftOut.count == 3)
        #expect(methods.leftOut.first == "HEAD /x: requests of this method are not made")
        let twice = try Self.document(
            [
                "parameters": [["name": "id", "in": "path", "required": true]],
                "get": ["parameters": [["name": "id", "in": "query"]]],
            ],
            path: "/x/{id}"
        )
        #expect(twice.leftOut == ["GET /x/{id}: it has two parameters named “id”, in path and in query"])
        let body = try Self.document(["get": ["parameters": [["name": "body", "in": "query"]]]])
        #expect(body.leftOut.first?.contains("the field of the body") == true)
        // Said again for one operation, a parameter is that operation's.
        let again = try Self.document([
            "parameters": [["name": "q", "in": "query", "required": true]],
            "get": ["parameters": [["name": "q", "in": "query", "schema": ["type": "integer"]]]],
            "put": ["parameters": [["name": "q", "in": "query", "required": true]]],
        ])
        let schemas = again.operations.map(\.inputSchema)
        #expect(schemas.map { $0["required"] } == [[], ["q"]])
        #expect(schemas.first?["properties"] == ["q": ["type": "integer"]])
    }
}
