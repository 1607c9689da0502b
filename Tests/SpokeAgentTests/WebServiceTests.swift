import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization
import TestSupport
import Testing

@testable import SpokeAgent

/// Web services that describe themselves, as operations.
@Suite struct WebServiceTests {
    private static let document: JSONValue = [
        "openapi": "3.1.0", "info": ["title": "t", "version": "1"], "servers": [["url": "http://127.0.0.1:1/api/"]],
        "paths": [
            "/items/{id}": [
                "parameters": [["name": "id", "in": "path", "required": true, "schema": ["type": "string"]]],
                "get": [
                    "operationId": "items.get", "summary": "One item.",
                    "parameters": [
                        ["name": "tag", "in": "query", "schema": ["type": "array", "items": ["type": "string"]]],
                        ["name": "x-mode", "in": "header", "schema": ["type": "string"]],
                        ["name": "session", "in": "cookie", "schema": ["type": "string"]],
                    ],
                    "responses": [
                        "200": [
                            "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Item"]]]
                        ]
                    ],
                ],
                "put": [
                    "requestBody": ["$ref": "#/components/requestBodies/Item"], "responses": ["204": [:]],
                ],
                "delete": ["requestBody": ["content": ["text/plain": [:]]], "responses": [:]],
            ],
            "/events": [
                "get": ["operationId": "3 events", "responses": ["200": ["content": ["text/event-stream": [:]]]]]
            ],
            "/lost/{what}": ["get": ["responses": [:]]],
        ],
        "components": [
            "schemas": [
                "Item": [
                    "type": "object",
                    "properties": [
                        "name": ["type": "string"], "parts": ["items": ["$ref": "#/components/schemas/Item"]],
                    ],
                ]
            ],
            "requestBodies": [
                "Item": [
                    "required": true,
                    "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Item"]]],
                ]
            ],
        ],
    ]

    @Test func pathsAndMethodsAreOperations() throws {
        let document = try WebDocument(Self.document)
        #expect(document.server == "http://127.0.0.1:1/api")
        #expect(document.operations.map(\.name) == ["o3_events", "items_get", "put_items__id_"])
        #expect(document.operations.map(\.kind) == [.subscription, .query, .mutation])
        #expect(document.leftOut.count == 2 && document.leftOut.contains { $0.contains("DELETE") })
        let get = document.operations[1]
        #expect(get.inputSchema["required"] == ["id"] && get.inputSchema["additionalProperties"] == false)
        // What it refers to comes along, also where it refers to itself.
        #expect(get.outputSchema["$ref"] == "#/$defs/d0")
        #expect(get.outputSchema["$defs"]?["d0"]?["properties"]?["parts"]?["items"]?["$ref"] == "#/$defs/d0")
        #expect(throws: Fault.self) { try WebDocument(["swagger": "2.0"]) }
    }

    @Test func everyValueStaysInItsPlace() throws {
        let document = try WebDocument(Self.document)
        let get = document.operations[1]
        let input: JSONValue = ["id": "../a b/?é", "tag": ["x&y=z", "2"], "x-mode": "fast"]
        let request = try get.request(for: input)
        #expect(request.target == "/items/..%2Fa%20b%2F%3F%C3%A9?tag=x%26y%3Dz&tag=2")
        #expect(request.headers == ["x-mode": "fast"] && request.method == "GET" && request.body == nil)
        let put = try document.operations[2].request(for: ["id": "1", "body": ["name": "n"]])
        #expect(put.body == Array(#"{"name":"n"}"#.utf8) && put.headers["content-type"] == "application/json")
        for bad: JSONValue in [["id": ".."], ["id": ""], [:], ["id": ["a"]], ["id": "a", "x-mode": "a\r\nb: c"]] {
            #expect(throws: Fault.self, "\(bad)") { try get.request(for: bad) }
        }
    }

    @Test func aDocumentDoesNotDecideWhoGetsTheOwnersSecrets() throws {
        func base(_ server: String?, _ change: (inout WebServiceSettings) -> Void = { _ in }) throws -> String {
            var document: [String: JSONValue] = ["openapi": "3.0.0", "paths": [:]]
            if let server { document["servers"] = [["url": .string(server)]] }
            var settings = WebServiceSettings(url: "https://shop.example:8443/v1/openapi.json")
            settings.headerFiles = ["authorization": "/etc/token"]
            change(&settings)
            let client = WebServiceClient(
                name: "shop",
                settings: settings,
                policy: PolicyFile(path: "/nowhere"),
                logger: Logger(label: "test")
            )
            return try client.base(of: WebDocument(.object(document))).text
        }
        #expect(try base("https://shop.example/api") == "https://shop.example/api")
        #expect(try base("/api/v3") == "https://shop.example:8443/api/v3")
        #expect(try base("/") == "https://shop.example:8443")
        #expect(try base(nil) == "https://shop.example:8443")
        #expect(throws: Fault.self) { try base("https://evil.example/api") }
        #expect(throws: Fault.self) { try base("https://me:secret@shop.example/") }
        #expect(throws: Fault.self) { try base("{scheme}://shop.example") }
        // The owner may want that, or there is nothing to lose.
        #expect(try base("/api") { $0.server = "https://other.example/x" } == "https://other.example/x")
        #expect(try base("https://evil.example/api") { $0.headerFiles = nil } == "https://evil.example/api")
        #expect(throws: Fault.self) { try base("/api") { ($0.url, $0.file) = (nil, "/etc/shop.json") } }
    }

    @Test func aServiceIsCalled() async throws {
        let server = try SmallServer(answering: Self.answer)
        let folder = try Scratch()
        let (file, secret) = (folder.path + "/api.json", folder.path + "/token")
        try Data(Self.document.serialized()).write(to: URL(filePath: file))
        try "Bearer topsecret\n".write(toFile: secret, atomically: true, encoding: .utf8)
        chmod(secret, 0o600)
        var settings = WebServiceSettings(file: file)
        settings.server = "http://127.0.0.1:\(server.port)"
        settings.headerFiles = ["authorization": secret]
        let client = WebServiceClient(
            name: "shop",
            settings: settings,
            policy: PolicyFile(path: folder.path + "/policy.yaml"),
            logger: Logger(label: "test")
        )
        let entries = Dictionary(try await client.entries().map { ($0.spec.id, $0) }, uniquingKeysWith: { $1 })
        let get = try #require(entries["shop.items_get"]?.answering)
        let put = try #require(entries["shop.put_items__id_"]?.answering)
        let events = try #require(entries["shop.o3_events"]?.streaming)
        let call = SpokeCall(requestId: "r", traceparent: "00-aa-bb-01")
        let item = try await get(["id": "7"], call)
        #expect(item.data["path"] == "/items/7" && item.data["authorization"] == "Bearer topsecret")
        #expect(item.data["traceparent"] == "00-aa-bb-01")
        #expect(item.meta["source"] == "http" && item.meta["statusCode"] == 200)
        #expect(try await put(["id": "1", "body": ["a": 1]], call).data["body"] == #"{"a":1}"#)
        let missing = await fault { try await get(["id": "missing"], call) }
        #expect(missing?.code == .execution && missing?.details?["statusCode"] == 404)
        let moved = await fault { try await get(["id": "moved"], call) }
        #expect(moved?.details?["statusCode"] == 302)
        let odd = await fault { try await get(["id": "odd"], call) }
        #expect(odd?.code == .unavailable && odd?.message == "The service answered with what is not HTTP.")
        let huge = await fault { try await get(["id": "huge"], call) }
        #expect(huge?.code == .tooLarge)
        let values = HeardValues()
        try await events([:], call) { (value) async throws(Fault) in values.hear(value.data) }
        #expect(values.all == [["n": 1], "plain\ntext"])
        server.stop()
        let gone = await fault { try await get(["id": "7"], call) }
        #expect(gone?.code == .unavailable)
        #expect(gone?.message == "The service cannot be reached: connection refused.")
    }

    @Test func whatIsNotThereIsAMistakeAtStart() throws {
        let folder = try Scratch()
        func flaw(_ change: (inout OwnOperations) -> Void) -> String? {
            var own = OwnOperations.none
            change(&own)
            do throws(Fault) { try own.checkPlaces() } catch { return error.message }
            return nil
        }
        func service(_ text: String?, server: String? = nil) throws -> String? {
            let file = folder.path + "/api.json"
            try text?.write(toFile: file, atomically: true, encoding: .utf8)
            return flaw { own in
                own.services["p"] = WebServiceSettings(file: file)
                own.services["p"]?.server = server
            }
        }
        let bare = #"{"openapi": "3.0.0", "paths": {}}"#
        #expect(try service(nil)?.hasPrefix("openapi.p.file: ") == true)
        #expect(try service("[1]")?.contains("openapi and paths are required") == true)
        #expect(try service(bare)?.hasPrefix("openapi.p.server: ") == true)
        #expect(try service(bare, server: "https://a.example") == nil)
        func folders(_ directory: String) -> String? {
            flaw { own in
                own.commands["a.b"] = CommandOperation(description: "Does.", command: ["true"])
                own.commands["a.b"]?.directory = directory
            }
        }
        #expect(folders("/nonexistent")?.hasPrefix("operations.a.b.directory: ") == true)
        #expect(folders(folder.path + "/api.json") != nil)
        #expect(folders(folder.path) == nil && folders(CommandOperation.worktree) == nil)
    }

    /// Says what it was asked.
    private static func answer(_ request: SmallServer.Request) -> SmallServer.Response {
        switch request.path {
        case "/items/missing": return .init("404 Not Found", "application/json", #"{"no": 1}"#)
        case "/items/moved": return .init("302 Found", headers: ["location": "http://127.0.0.1:1/"])
        case "/items/huge": return .init("200 OK", "text/plain", String(repeating: "x", count: 600_000))
        case "/items/odd": return .init("odd")
        case "/events":
            let events = ": hi\n\ndata: {\"n\": 1}\n\ndata: plain\ndata: text\n\n"
            return .init("200 OK", "text/event-stream", events)
        default:
            let echo: JSONValue = [
                "path": .string(request.path), "authorization": .string(request.headers["authorization"] ?? ""),
                "traceparent": .string(request.headers["traceparent"] ?? ""), "body": .string(request.body),
            ]
            return .init("200 OK", "application/json", String(decoding: echo.serialized(), as: UTF8.self))
        }
    }

    private final class HeardValues: Sendable {
        private let values = Mutex<[JSONValue]>([])
        var all: [JSONValue] { values.withLock { $0 } }
        func hear(_ value: JSONValue) { values.withLock { $0.append(value) } }
    }
}
