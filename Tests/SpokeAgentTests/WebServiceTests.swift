import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization
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
        let document = try OpenAPIDocument(Self.document)
        #expect(document.server == "http://127.0.0.1:1/api")
        #expect(document.operations.map(\.name) == ["o3_events", "items_get", "put_items__id_"])
        #expect(document.operations.map(\.kind) == [.subscription, .query, .mutation])
        #expect(document.leftOut.count == 2 && document.leftOut.contains { $0.contains("DELETE") })
        let get = document.operations[1]
        #expect(get.inputSchema["required"] == ["id"] && get.inputSchema["additionalProperties"] == false)
        // What it refers to comes along, also where it refers to itself.
        #expect(get.outputSchema["$ref"] == "#/$defs/d0")
        #expect(get.outputSchema["$defs"]?["d0"]?["properties"]?["parts"]?["items"]?["$ref"] == "#/$defs/d0")
        #expect(throws: Fault.self) { try OpenAPIDocument(["swagger": "2.0"]) }
    }

    @Test func everyValueStaysInItsPlace() throws {
        let document = try OpenAPIDocument(Self.document)
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
            return try client.base(of: OpenAPIDocument(.object(document))).text
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
        let server = try SmallServer()
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
        let huge = await fault { try await get(["id": "huge"], call) }
        #expect(huge?.code == .tooLarge)
        let values = HeardValues()
        try await events([:], call) { (value) async throws(Fault) in values.hear(value.data) }
        #expect(values.all == [["n": 1], "plain\ntext"])
        server.stop()
        let gone = await fault { try await get(["id": "7"], call) }
        #expect(gone?.code == .unavailable)
    }

    private final class HeardValues: Sendable {
        private let values = Mutex<[JSONValue]>([])
        var all: [JSONValue] { values.withLock { $0 } }
        func hear(_ value: JSONValue) { values.withLock { $0.append(value) } }
    }
}

/// Answers HTTP with what it was asked: one connection after the other, one request each.
private final class SmallServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(isBound)
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Self.answer(connection)
                close(connection)
            }
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func answer(_ connection: Int32) {
        var head = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isWhole(head) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            head += String(decoding: buffer.prefix(count), as: UTF8.self)
        }
        let lines = head.components(separatedBy: "\r\n")
        func header(_ name: String) -> String {
            lines.first { $0.lowercased().hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) } ?? ""
        }
        let path = lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let body = head.components(separatedBy: "\r\n\r\n").dropFirst().joined()
        let echo: JSONValue = [
            "path": .string(path), "authorization": .string(header("authorization")),
            "traceparent": .string(header("traceparent")), "body": .string(body),
        ]
        let text = String(decoding: echo.serialized(), as: UTF8.self)
        let response =
            switch path {
            case "/items/missing": "404 Not Found\r\ncontent-type: application/json\r\n\r\n{\"no\": 1}"
            case "/items/moved": "302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n"
            case "/items/huge": "200 OK\r\ncontent-type: text/plain\r\n\r\n" + String(repeating: "x", count: 600_000)
            case "/events":
                "200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
                    + ": hi\n\ndata: {\"n\": 1}\n\ndata: plain\ndata: text\n\n"
            default: "200 OK\r\ncontent-type: application/json\r\n\r\n" + text
            }
        let bytes = Array(
            "HTTP/1.1 \(response)".replacing("\r\n\r\n", with: "\r\nconnection: close\r\n\r\n", maxReplacements: 1).utf8
        )
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private static func isWhole(_ request: String) -> Bool {
        guard let end = request.range(of: "\r\n\r\n") else { return false }
        let length = request.firstMatch(of: #/(?i)content-length: (\d+)/#).flatMap { Int($0.1) } ?? 0
        return request[end.upperBound...].utf8.count >= length
    }
}
