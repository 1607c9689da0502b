import Foundation
import Protocol
import TestSupport
import Testing

/// A web service behind a real hub: offered, called, followed, away, and out of bounds.
@Suite struct WebServiceCasesTests {
    private static let canary = "canary-\(UUID().uuidString)"

    @Test func aWebServiceIsPartOfTheHub() async throws {
        let server = try SmallServer(answering: Self.answer)
        try await withFleet { fleet in
            let place = "127.0.0.1:\(server.port)"
            try await fleet.startHub(["--outbound", place])
            try await itIsOfferedOnceItsSecretIsThere(fleet, place)
            try await itIsCalledAndFollowed(fleet)
            try await whatItAnswersIsKeptInBounds(fleet)
            try await whoeverSaysNothingIsNotWaitedFor(fleet, place)
            try await placesInsideAreRefused(fleet, place)
            try await itGoesWithItsClient(fleet, server)
            let log = fleet.hubProgram?.logText ?? ""
            #expect(!log.contains(Self.canary), "the secret is in the log")
        }
    }

    private func itIsOfferedOnceItsSecretIsThere(_ fleet: Fleet, _ place: String) async throws {
        let config: JSONValue = [
            "openapi": [
                "url": .string("http://\(place)/openapi.json"),
                "credential": ["in": "header", "name": "x-key", "key": "apiKey"],
            ]
        ]
        let text = String(decoding: config.serialized(), as: UTF8.self)
        try await fleet.ask("clients", "create", "pets", "--type", "custom", "--config", text)
        let reason = try await eventually("the hub looked") {
            try await fleet.ask("clients", "show", "pets")["offer"]?["reason"]?.stringValue
        }
        #expect(reason.contains("apiKey") && reason.contains("secret.set"))
        let secret = Data((Self.canary + "\n").utf8)
        let set = try await fleet.run("hub", ["secrets", "set", "pets", "apiKey"], input: secret)
        #expect(set.exitCode == 0, "\(set.errors)")
        try await active(fleet)
        let operations = try await fleet.ask("operations")["operations"]?.arrayValue ?? []
        let types = operations.filter { $0["id"]?.stringValue?.hasPrefix("pets.") == true }.map { $0["type"] }
        #expect(types.count == 8, "\(types)")
    }

    /// Waits until all that can be called is offered to callers, too.
    private func active(_ fleet: Fleet) async throws {
        _ = try await eventually("pets.list is offered") {
            try await fleet.hub("call", "pets.list").exitCode == 0 ? true : nil
        }
    }

    private func itIsCalledAndFollowed(_ fleet: Fleet) async throws {
        let pets = try await fleet.ask("call", "pets.list", #"{"limit": 2}"#)
        #expect(pets["asked"] == "/pets?limit=2" && pets["accept"]?.stringValue?.hasPrefix("application/json") == true)
        // It was shown the secret and said it back; nobody hears it.
        #expect(pets["key"] == .string(SecretVeil.mark))
        let added = try await fleet.ask("call", "pets.add", #"{"body": {"name": "Mia"}}"#)
        #expect(added == ["name": "Mia"])
        let wrong = ["call", "pets.list", #"{"limit": "x"}"#]
        try await fleet.refused(wrong, "VALIDATION_ERROR", saying: "limit")
        let events = try await fleet.hub("subscribe", "pets.watch")
        #expect(events.exitCode == 0, "\(events.errors)")
        #expect(events.text.contains(#""n""#) && events.text.contains("plain"))
        #expect(!events.text.contains(Self.canary))

        let calls = try await eventually("the calls are written") { () -> [JSONValue]? in
            let calls = try await fleet.ask(
                "call",
                "call.list",
                #"{"operation": "pets.list", "status": "completed"}"#
            )
            return calls["calls"]?.arrayValue.flatMap { $0.isEmpty ? nil : $0 }
        }
        let client = try await fleet.ask("clients", "show", "pets")["id"]
        #expect(calls.first?["providerType"] == "client" && calls.first?["providerId"] == client)
        let tree = String(decoding: JSONValue.array(calls).serialized(), as: UTF8.self)
        #expect(!tree.contains(Self.canary))
        let audit = try await fleet.run("hub", ["audit", "--json"]).text
        #expect(audit.contains("pets.add") && !audit.contains(Self.canary))

        let issued = try await fleet.ask("key", "create", "reader", "--scope", "pets:read")["key"]?.stringValue ?? ""
        let file = try fleet.write(issued, to: "reader.key")
        #expect(try await fleet.hub("call", "pets.list", "--key-file", file).exitCode == 0)
        let denied = ["call", "pets.add", #"{"body": {}}"#, "--key-file", file]
        try await fleet.refused(denied, exits: 77, "ACCESS_DENIED", saying: "pets:write")
    }

    private func whatItAnswersIsKeptInBounds(_ fleet: Fleet) async throws {
        try await fleet.refused(["call", "pets.broken"], "EXECUTION_ERROR", saying: "500")
        let broken = try await fleet.run("hub", ["call", "pets.broken", "--json"])
        #expect(!broken.errors.contains(Self.canary) && broken.errors.contains(SecretVeil.mark), "\(broken.errors)")
        try await fleet.refused(["call", "pets.moved"], "EXECUTION_ERROR", saying: "302")
        try await fleet.refused(["call", "pets.huge"], "TOO_LARGE", saying: "bytes")
        // What does not fit its schema is shaped, and no failure.
        #expect(try await fleet.ask("call", "pets.odd") == ["name": "Mia"])
    }

    private func whoeverSaysNothingIsNotWaitedFor(_ fleet: Fleet, _ place: String) async throws {
        let config = #"{"openapi": {"url": "http://\#(place)/openapi.json", "timeoutSeconds": 1}}"#
        try await fleet.ask("clients", "create", "late", "--type", "custom", "--config", config)
        let late = try await eventually("late.slow is offered") {
            let late = try await fleet.hub("call", "late.slow")
            return late.errors.contains("OPERATION_NOT_FOUND") ? nil : late
        }
        #expect(late.errors.contains("TIMEOUT") && late.errors.contains("1 s"), "\(late.errors)")
    }

    private func placesInsideAreRefused(_ fleet: Fleet, _ place: String) async throws {
        for (name, url) in [
            ("meta", "http://169.254.169.254/openapi.json"), ("own", fleet.url + "/openapi.json"),
            ("name", "http://localhost:\(fleet.port)/openapi.json"), ("six", "http://[::1]:\(fleet.port)/x"),
            ("mapped", "http://[::ffff:127.0.0.1]:\(fleet.port)/x"), ("number", "http://2130706433:\(fleet.port)/x"),
        ] {
            let config = #"{"openapi": {"url": "\#(url)"}}"#
            let made = try await fleet.hub("clients", "create", name, "--type", "custom", "--config", config)
            guard made.exitCode == 0 else {
                Issue.record("\(url): \(made.errors)")
                continue
            }
            let reason = try await eventually("the hub looked at \(url)") {
                try await fleet.ask("clients", "show", name)["offer"]?["reason"]?.stringValue
            }
            #expect(reason.contains("outbound"), "\(url): \(reason)")
        }
        // A document from where it may come, that sends elsewhere.
        let config =
            #"{"openapi": {"url": "http://\#(place)/openapi.json", "namespace": "inner", "baseUrl": "\#(fleet.url)"}}"#
        try await fleet.ask("clients", "create", "inner", "--type", "custom", "--config", config)
        _ = try await eventually("inner is offered") {
            try await fleet.ask("clients", "show", "inner")["offer"]?["status"] == "active" ? true : nil
        }
        let refused = try await eventually("inner is known") {
            let refused = try await fleet.hub("call", "inner.list")
            return refused.errors.contains("OPERATION_NOT_FOUND") ? nil : refused
        }
        #expect(refused.exitCode == 77 && refused.errors.contains("outbound"), "\(refused.errors)")
    }

    private func itGoesWithItsClient(_ fleet: Fleet, _ server: SmallServer) async throws {
        try await fleet.ask("clients", "update", "pets", "--disable")
        _ = try await eventually("pets is off") { () -> Bool? in
            let refused = try await fleet.hub("call", "pets.list")
            return refused.errors.contains("UNAVAILABLE") && refused.errors.contains("disabled") ? true : nil
        }
        try await fleet.ask("clients", "update", "pets", "--enable")
        try await active(fleet)
        server.stop()
        try await fleet.refused(["call", "pets.list"], "UNAVAILABLE", saying: "reached")
        try await fleet.ask("clients", "delete", "pets")
        _ = try await eventually("pets is gone") {
            try await fleet.hub("call", "pets.list").errors.contains("OPERATION_NOT_FOUND") ? true : nil
        }
        let left = try await fleet.ask(
            "call",
            "registration.list",
            #"{"providerType": "client", "operationId": "pets.list"}"#
        )
        #expect(left["registrations"] == [])
    }

    private static func answer(_ request: SmallServer.Request) -> SmallServer.Response {
        let key = request.headers["x-key"] ?? ""
        switch (request.method, request.path.split(separator: "?").first ?? "") {
        case ("GET", "/openapi.json"): return .json(document)
        case ("POST", "/pets"):
            let body = (try? JSONValue(parsing: Array(request.body.utf8))) ?? .null
            return .json(body, "201 Created")
        case ("GET", "/events"):
            return .init("200 OK", "text/event-stream", "data: {\"n\": 1, \"key\": \"\(key)\"}\n\ndata: plain\n\n")
        case ("GET", "/broken"): return .json(["why": .string("no \(key)")], "500 Internal Server Error")
        case ("GET", "/moved"): return .init("302 Found", headers: ["location": "http://127.0.0.1:1/"])
        case ("GET", "/huge"): return .init("200 OK", "text/plain", String(repeating: "x", count: 600_000))
        case ("GET", "/odd"): return .json(["name": "Mia", "extra": 7])
        case ("GET", "/slow"):
            // The caller is gone long before.
            return .silence
        default:
            return .json([
                "asked": .string(request.path), "key": .string(key), "accept": .string(request.headers["accept"] ?? ""),
            ])
        }
    }

    private static let document: JSONValue = {
        func get(_ id: String, _ schema: JSONValue = ["type": "object"]) -> JSONValue {
            [
                "get": [
                    "operationId": .string(id), "summary": "Answers.",
                    "responses": ["200": ["content": ["application/json": ["schema": schema]]]],
                ]
            ]
        }
        let pet: JSONValue = [
            "type": "object", "properties": ["name": ["type": "string"]], "additionalProperties": false,
        ]
        return [
            "openapi": "3.1.0", "info": ["title": "Pets", "version": "1"],
            "paths": [
                "/pets": [
                    "get": [
                        "operationId": "list", "summary": "All pets.",
                        "parameters": [["name": "limit", "in": "query", "schema": ["type": "integer"]]],
                        "responses": ["200": ["content": ["application/json": ["schema": ["type": "object"]]]]],
                    ],
                    "post": [
                        "operationId": "add",
                        "requestBody": ["required": true, "content": ["application/json": ["schema": pet]]],
                        "responses": ["201": ["content": ["application/json": ["schema": pet]]]],
                    ],
                ],
                "/events": [
                    "get": ["operationId": "watch", "responses": ["200": ["content": ["text/event-stream": [:]]]]]
                ],
                "/broken": get("broken"), "/moved": get("moved"), "/huge": get("huge", true), "/odd": get("odd", pet),
                "/slow": get("slow"),
            ],
        ]
    }()
}
