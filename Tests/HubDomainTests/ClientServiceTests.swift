import Foundation
import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Web services of clients: what their config may say, what they offer and when, and who may know.
struct ClientServiceTests {
    static func document(pets: JSONValue = ["type": "array"]) -> JSONValue {
        [
            "openapi": "3.1.0", "info": ["title": "Pets", "version": "1"],
            "servers": [["url": "https://pets.example/v1"]],
            "paths": [
                "/pets": [
                    "get": [
                        "operationId": "list", "summary": "All pets.",
                        "parameters": [
                            ["name": "limit", "in": "query", "schema": ["type": "integer"]],
                            ["name": "x-key", "in": "header", "required": true, "schema": ["type": "string"]],
                        ],
                        "responses": ["200": ["content": ["application/json": ["schema": pets]]]],
                    ],
                    "post": [
                        "operationId": "add",
                        "requestBody": ["content": ["application/json": ["schema": ["type": "object"]]]],
                        "responses": ["201": [:]],
                    ],
                ],
                "/events": [
                    "get": ["operationId": "watch", "responses": ["200": ["content": ["text/event-stream": [:]]]]]
                ],
                "/form": ["post": ["requestBody": ["content": ["text/plain": [:]]], "responses": [:]]],
            ],
        ]
    }

    static let credential: JSONValue = ["in": "header", "name": "x-key", "key": "apiKey"]

    static func config(_ more: [String: JSONValue] = [:]) -> JSONValue {
        var openapi: [String: JSONValue] = ["document": document(), "credential": credential]
        openapi.merge(more) { $1 }
        return ["openapi": .object(openapi)]
    }

    /// A look at all clients, as the hub's runner has it.
    static func look(_ hub: TestHub, reason: String? = nil) async throws {
        let check = RegistrationCheck(served: hub.domains.table.specs.map(\.namespace))
        for client in try await hub.domains.services.clients() {
            guard let service = client.service else {
                try await hub.domains.services.take(nil, of: client)
                continue
            }
            if let reason = client.isEnabled ? reason : "It is disabled." {
                let finding = ClientFinding(namespace: client.namespace, reason: reason)
                try await hub.domains.services.take(finding, of: client)
                continue
            }
            let finding = try ClientFinding(
                reading: service.document ?? .null,
                of: service,
                namespace: client.namespace,
                home: nil,
                check: check
            )
            try await hub.domains.services.take(finding, of: client)
        }
        try await hub.domains.services.refresh()
    }

    @Test func whatAConfigMayNotSayIsNamed() async throws {
        let hub = try await TestHub.make()
        let wrong: [(JSONValue, String)] = [
            ([:], "config.openapi"), (["url": "https://a.example", "document": [:]], "config.openapi"),
            (["url": "ftp://a.example"], "config.openapi.url"),
            (["url": "https://me:pw@a.example/"], "config.openapi.url"),
            (["url": "https://a.example/?token=ghp_0123456789abcdef"], "config.openapi.url"),
            (["url": "https://a.example", "baseUrl": "https://a.example/?x=1"], "config.openapi.baseUrl"),
            (["url": "https://a.example", "namespace": "a.b"], "config.openapi.namespace"),
            (["url": "https://a.example", "namespace": "session"], "config.openapi.namespace"),
            (["url": "https://a.example", "namespace": "fs"], "config.openapi.namespace"),
            (["url": "https://a.example", "version": "1@2"], "config.openapi.version"),
            (["url": "https://a.example", "timeoutSeconds": 0], "config.openapi.timeoutSeconds"),
            (["url": "https://a.example", "colour": "blue"], "config.openapi.colour"),
            (["url": 7], "config.openapi.url"),
            (
                ["url": "https://a.example", "credential": ["in": "cookie", "key": "k"]], "config.openapi.credential.in"
            ),
            (["url": "https://a.example", "credential": ["in": "bearer"]], "config.openapi.credential.key"),
            (
                ["url": "https://a.example", "credential": ["in": "header", "key": "k", "name": "Host"]],
                "config.openapi.credential.name"
            ),
            (
                ["url": "https://a.example", "credential": ["in": "bearer", "key": "k", "name": "x"]],
                "config.openapi.credential.name"
            ),
            (
                ["url": "https://a.example", "credential": ["in": "query", "key": "k"]],
                "config.openapi.credential.name"
            ),
            (
                ["url": "https://a.example", "credential": ["in": "header", "key": "k", "name": "x", "user": "u"]],
                "config.openapi.credential.user"
            ),
            (["document": ["swagger": "2.0"]], "config.openapi.document"),
            (["document": ["openapi": "3.0.0", "paths": [:]]], "config.openapi.document"),
            (["document": ["openapi": "3.0.0", "paths": ["/x": ["get": [:]]]]], "config.openapi.baseUrl"),
        ]
        for (openapi, path) in wrong {
            let fault = try await hub.refusal(
                CreateClient(name: "pets", type: .custom, config: ["openapi": openapi])
            )
            let paths = fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue }
            #expect(fault?.code == .validation && paths == [path], "\(openapi): \(String(describing: fault))")
        }
        let config: JSONValue = ["baseUrl": "https://a.example", "openapi": ["url": "https://a.example"]]
        #expect(try await hub.refusal(CreateClient(name: "p", type: .vcs, config: config))?.code == .validation)
        // A value where a name belongs is refused like every secret in a config.
        let leaky = Self.config(["credential": ["in": "bearer", "key": "k", "token": "x"]])
        #expect(try await hub.refusal(CreateClient(name: "pets", type: .custom, config: leaky))?.code == .validation)
        await hub.close()
    }

    @Test func onlyAnAdministratorOfClientsHasTheHubMakeRequests() async throws {
        let hub = try await TestHub.make()
        let writer = hub.caller("client:write", "client:read")
        let create = CreateClient(name: "pets", type: .custom, config: Self.config())
        #expect(try await hub.refusal(create, by: writer)?.code == .accessDenied)
        _ = try await hub.ask(CreateClient(name: "plain", type: .custom), by: writer)
        let changed = UpdateClient(client: "plain", config: Self.config())
        #expect(try await hub.refusal(changed, by: writer)?.code == .accessDenied)
        _ = try await hub.ask(create)
        for change in [
            UpdateClient(client: "pets", config: [:]), UpdateClient(client: "pets", name: "fauna"),
            UpdateClient(client: "pets", config: Self.config(["baseUrl": "https://evil.example"])),
        ] {
            #expect(try await hub.refusal(change, by: writer)?.code == .accessDenied)
        }
        #expect(try await hub.ask(UpdateClient(client: "pets", enabled: false), by: writer).enabled == false)
        await hub.close()
    }

    @Test func anOfferStandsWhileItsClientDoes() async throws {
        let hub = try await TestHub.make()
        let client = try await hub.ask(CreateClient(name: "Pets", type: .custom, config: Self.config()))
        #expect(client.offer == nil)
        try await Self.look(hub)
        let offer = try #require(try await hub.ask(GetClient(client: "Pets")).offer)
        #expect(offer.status == .active && offer.operations == 3 && offer.namespace == "pets")
        #expect(offer.server == "https://pets.example/v1" && offer.leftOut.contains { $0.contains("/form") })
        let listed = try await hub.ask(ListOperations(namespace: "pets")).operations
        #expect(Set(listed.map(\.id)) == ["pets.list", "pets.add", "pets.watch"])
        #expect(Set(listed.map(\.type)) == [.query, .mutation, .subscription])
        let schema = try await hub.ask(GetOperationSchema(operation: "pets.list"))
        #expect(schema.providers?.map(\.type) == [.client] && schema.providers?.first?.name == "Pets")
        // The place of the credential is not the caller's.
        #expect(schema.inputSchema["properties"]?["limit"] != nil && schema.inputSchema["properties"]?["x-key"] == nil)
        #expect(schema.accessControl == .scopes("pets:read"))
        #expect(try await hub.ask(GetOperationSchema(operation: "pets.add")).accessControl == .scopes("pets:write"))
        #expect(try await hub.ask(ListOperations(namespace: "pets"), by: hub.caller("x:read")).operations.isEmpty)

        // A second look finds nothing new and writes nothing.
        let updated = try await hub.ask(GetClient(client: "Pets")).updatedAt
        try await Self.look(hub)
        #expect(try await hub.ask(GetClient(client: "Pets")).updatedAt == updated)

        _ = try await hub.ask(UpdateClient(client: "Pets", enabled: false))
        try await hub.domains.services.refresh([client.id])
        let disabled = #expect(throws: Fault.self) { try hub.domains.services.operation("pets.list")?.request() }
        #expect(disabled?.code == .unavailable && disabled?.message.contains("disabled") == true)
        try await Self.look(hub)
        let rows = try await hub.ask(ListRegistrations(providerType: .client)).registrations
        #expect(rows.count == 3 && rows.allSatisfy { $0.status == .inactive && $0.reason == "It is disabled." })
        #expect(try await hub.ask(GetClient(client: "Pets")).offer?.reason == "It is disabled.")
        #expect(try await hub.ask(ListOperations(namespace: "pets")).operations.isEmpty)

        _ = try await hub.ask(UpdateClient(client: "Pets", enabled: true))
        try await Self.look(hub)
        let back = try await hub.ask(ListRegistrations(providerType: .client, status: .active)).registrations
        #expect(back.count == 3 && back.allSatisfy { $0.reason == nil })
        try await Self.look(hub, reason: "It is away.")
        let away = #expect(throws: Fault.self) { try hub.domains.services.operation("pets.list")?.request() }
        #expect(away?.details?["reason"] == "It is away.")

        _ = try await hub.ask(DeleteClient(client: "Pets"))
        try await hub.domains.services.refresh([client.id])
        #expect(hub.domains.services.operation("pets.list") == nil)
        #expect(
            try await hub.count("SELECT count(*) FROM nave.operation_registrations WHERE provider_type='client'") == 0
        )
        await hub.close()
    }

    @Test func anIncompatibleDocumentIsRefusedUnderTheSameVersion() async throws {
        let hub = try await TestHub.make()
        let create = CreateClient(name: "pets", type: .custom, config: Self.config())
        _ = try await hub.ask(create)
        try await Self.look(hub)
        let other = Self.document(pets: ["type": "object"])
        _ = try await hub.ask(UpdateClient(client: "pets", config: Self.config(["document": other])))
        try await hub.domains.services.refresh()
        // What was found under the former config is not called with this one's credential.
        let between = #expect(throws: Fault.self) { try hub.domains.services.operation("pets.add")?.request() }
        #expect(between?.message.contains("read anew") == true)
        try await Self.look(hub)
        let offer = try #require(try await hub.ask(GetClient(client: "pets")).offer)
        #expect(offer.operations == 2 && offer.leftOut.first?.contains("outputSchema") == true, "\(offer.leftOut)")
        let refused = #expect(throws: Fault.self) { try hub.domains.services.operation("pets.list")?.request() }
        #expect(refused?.message.contains("under a new version") == true)
        #expect(throws: Never.self) { try hub.domains.services.operation("pets.add")?.request() }

        let newer = Self.config(["document": other, "version": "2"])
        _ = try await hub.ask(UpdateClient(client: "pets", config: newer))
        try await Self.look(hub)
        #expect(hub.domains.services.operation("pets.list")?.contract.spec.version == "2")
        #expect(throws: Never.self) { try hub.domains.services.operation("pets.list@2")?.request() }
        #expect(try await hub.ask(ListRegistrations(providerType: .client)).registrations.count == 3)
        // And back again.
        _ = try await hub.ask(UpdateClient(client: "pets", config: Self.config()))
        try await Self.look(hub)
        #expect(hub.domains.services.operation("pets.list")?.contract.spec.version == "1")
        #expect(try await hub.ask(ListRegistrations(providerType: .client)).registrations.count == 3)

        // Nobody else answers in its name.
        _ = try await hub.ask(
            CreateClient(name: "other", type: .custom, config: Self.config(["namespace": "pets"]))
        )
        try await Self.look(hub)
        let second = try await hub.ask(GetClient(client: "other")).offer
        #expect(second?.status == .inactive && second?.reason?.contains("another client") == true)
        await hub.close()
    }

    @Test func anOrganisationsServiceIsItsMembersAlone() async throws {
        let hub = try await TestHub.make()
        let scopes = ["org:write", "client:admin", "secret:admin", "pets:read", "operation:read"]
        let (ada, bob) = (try await hub.stranger(scopes), try await hub.stranger(scopes))
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: ada)
        _ = try await hub.ask(CreateClient(name: "pets", type: .custom, config: Self.config(), org: "ops"), by: ada)
        try await Self.look(hub)
        let list = ListOperations(namespace: "pets")
        #expect(try await hub.ask(list, by: ada).operations.map(\.id) == ["pets.list"])
        #expect(try await hub.ask(list, by: bob).operations.isEmpty)
        #expect(try await hub.ask(list).operations.count == 3)
        let operation = try #require(hub.domains.services.operation("pets.list"))
        try await hub.domains.services.admit(ada, to: operation)
        await #expect(throws: Fault.self) { try await hub.domains.services.admit(bob, to: operation) }
        await hub.close()
    }

    @Test func aSecretIsOpenedForARequestAndSeenNowhere() async throws {
        let hub = try await TestHub.make()
        let canary = "canary-\(Ids.random())"
        _ = try await hub.ask(CreateClient(name: "pets", type: .custom, config: Self.config()))
        try await Self.look(hub)
        let operation = try #require(hub.domains.services.operation("pets.list"))
        let service = try operation.request().service
        let lacking = await #expect(throws: Fault.self) {
            _ = try await hub.domains.services.addition(to: service, of: operation.client)
        }
        #expect(lacking?.code == .unavailable && lacking?.message.contains("secret.set") == true)
        _ = try await hub.ask(SetSecret(client: "pets", key: "apiKey", value: canary))
        let addition = try await hub.domains.services.addition(to: service, of: operation.client)
        #expect(addition.headers == ["x-key": canary] && addition.veil.hiding("x \(canary)") == "x [hidden]")
        try await Self.look(hub)
        for table in ["clients", "client_secrets", "operations", "operation_registrations", "audit_logs"] {
            let rows = try await hub.database.query(Statement<String>("SELECT t::text FROM nave.\(table) AS t"))
            #expect(!rows.contains { $0.contains(canary) }, "it is in \(table)")
        }
        await hub.close()
    }

    @Test func aCredentialStandsWhereItIsSaidTo() throws {
        let bearer = try ClientCredential(in: .bearer, key: "k").addition(showing: "s")
        #expect(bearer.headers == ["authorization": "Bearer s"])
        let query = try ClientCredential(in: .query, name: "key", key: "k").addition(showing: "s/t")
        #expect(query.query == ["key": "s/t"] && query.headers.isEmpty)
        let basic = try ClientCredential(in: .basic, user: "me", key: "k").addition(showing: "pass")
        #expect(basic.headers == ["authorization": "Basic bWU6cGFzcw=="])
        #expect(basic.veil.hiding("bWU6cGFzcw== pass") == "[hidden] [hidden]")
        let whole = try ClientCredential(in: .basic, key: "k").addition(showing: "me:pass")
        #expect(whole.headers == basic.headers && whole.veil.hiding("pass") == "[hidden]")
        let wrong = #expect(throws: Fault.self) {
            try ClientCredential(in: .bearer, key: "k").addition(showing: "can\r\nary")
        }
        #expect(wrong?.message.contains("ary") == false)
    }
}
