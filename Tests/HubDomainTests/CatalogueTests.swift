import Foundation
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// What callers learn about operations, settings and themselves; and what nobody learns.
struct CatalogueTests {
    @Test func everyoneSeesWhatTheyMayRunAndNothingElse() async throws {
        let hub = try await TestHub.make()
        let reader = hub.caller("project:read")
        let seen = try await hub.ask(ListOperations(), by: reader).operations.map(\.id)
        #expect(seen.filter { $0.hasPrefix("project.") } == ["project.get", "project.list"])
        #expect(!seen.contains("key.create"))
        #expect(seen.contains("account.get"))
        #expect(try await hub.ask(ListOperations()).operations.count == hub.domains.table.specs.count)
        let queries = try await hub.ask(ListOperations(namespace: "project", type: .mutation)).operations.map(\.id)
        #expect(queries == ["project.create", "project.delete", "project.update"])
        #expect(
            try await hub.refusal(GetOperationSchema(operation: "key.create"), by: reader)?.code == .operationNotFound
        )
        await hub.close()
    }

    @Test func aSearchFindsByAllWordsTheIdFirst() async throws {
        let hub = try await TestHub.make()
        let found = try await hub.ask(SearchOperations(query: "Project create")).operations.map(\.id)
        #expect(found.first == "project.create")
        #expect(try await hub.ask(SearchOperations(query: "project zebra")).operations.isEmpty)
        #expect(try await hub.ask(SearchOperations(query: "key", limit: 2)).operations.count == 2)
        #expect(try await hub.refusal(SearchOperations(query: " - "))?.code == .validation)
        await hub.close()
    }

    @Test func aSchemaSaysHowToCall() async throws {
        let hub = try await TestHub.make()
        let spec = try await hub.ask(GetOperationSchema(operation: "project.create"))
        #expect(spec.type == .mutation)
        #expect(spec.accessControl == .scopes("project:write"))
        #expect(spec.inputSchema["required"] == ["name"])
        #expect(spec.inputSchema["additionalProperties"] == false)
        #expect(spec.inputSchema["properties"]?["repoUrl"]?["description"]?.stringValue?.isEmpty == false)
        #expect(spec.outputSchema["properties"]?["defaultBranch"]?["type"] == "string")
        await hub.close()
    }

    @Test func aHubPublishesItsOperationsOnceAndWithdrawsThem() async throws {
        let hub = try await TestHub.make()
        let (store, specs) = (hub.domains.operations, hub.domains.table.specs)
        for _ in 0..<2 { try await store.publish(specs, by: "hub-1") }
        try await store.publish(specs, by: "hub-2")
        let known = try await hub.count("SELECT count(*) FROM nave.operations WHERE namespace <> 'system'")
        #expect(known == Int64(specs.count))
        let active = "SELECT count(*) FROM nave.operation_registrations WHERE status = 'active'"
        #expect(try await hub.count(active) == Int64(specs.count * 2))
        #expect(try await hub.count("SELECT count(*) FROM nave.operations WHERE updated_at > created_at") == 0)
        // A further version stands beside the former; who still runs that one offers that one.
        var changed = specs
        changed[0].version = "2"
        for _ in 0..<2 { try await store.publish(changed, by: "hub-3") }
        #expect(try await hub.count("SELECT count(*) FROM nave.operations WHERE version = '2' AND id LIKE '%@2'") == 1)
        let offered = """
            SELECT count(*) FROM nave.operation_registrations r JOIN nave.operations o ON o.id = r.operation_id
             WHERE r.provider_id = 'hub-3' AND o.version = '2'
            """
        #expect(try await hub.count(offered) == 1)
        #expect(try await hub.count(active) == Int64(specs.count * 3))
        try await store.withdraw("hub-3")
        try await store.withdraw("hub-1")
        #expect(try await hub.count(active) == Int64(specs.count))
        await hub.close()
    }

    @Test func aSettingIsKeptUntilItIsNull() async throws {
        let hub = try await TestHub.make()
        #expect(
            try await hub.ask(SetSetting(key: "retention.outputDays", value: 30)).settings == [
                "retention.outputDays": 30
            ]
        )
        #expect(try await hub.ask(GetSettings()).settings == ["retention.outputDays": 30])
        #expect(try await hub.ask(SetSetting(key: "retention.outputDays", value: .null)).settings.isEmpty)
        #expect(try await hub.refusal(SetSetting(key: "-x", value: 1))?.code == .validation)
        let levels: JSONValue = ["*": "all", "fs": "failures"]
        #expect(try await hub.ask(SetSetting(key: "calls.recording", value: levels)).settings.values.first == levels)
        for wrong in ["all", ["fs": "some"], ["fs": 1], ["all"]] as [JSONValue] {
            let refusal = try await hub.refusal(SetSetting(key: "calls.recording", value: wrong))
            #expect(refusal?.code == .validation && refusal?.message.contains("mutations") == true)
        }
        _ = try await hub.ask(SetSetting(key: "calls.recording", value: .null))
        let large = JSONValue.string(String(repeating: "x", count: Limits.settingBytes))
        #expect(try await hub.refusal(SetSetting(key: "x", value: large))?.code == .tooLarge)
        #expect(
            try await hub.refusal(SetSetting(key: "x", value: 1), by: hub.caller("setting:read"))?.code == .accessDenied
        )
        await hub.close()
    }

    @Test func sortableIdsSortByTheTimeTheyWereMade() {
        let base = 1_700_000_000.123
        let ids = (0..<1_000).map {
            Ids.sortable(at: base + Double($0) / 1_000_000, tail: UInt64.random(in: 0 ... .max))
        }
        #expect(ids == ids.sorted())
        #expect(ids.allSatisfy { UUID(uuidString: $0) != nil && $0.dropFirst(14).first == "7" })
        #expect(ids.allSatisfy { "89ab".contains($0[$0.index($0.startIndex, offsetBy: 19)]) })
        #expect(Set((0..<1_000).map { _ in Ids.sortable() }).count == 1_000)
    }

    /// Canary: after all that can be done with secrets, no table holds one, and no read answers with one.
    @Test func noSecretIsInAnyTableOrReadableByAnyone() async throws {
        let hub = try await TestHub.make()
        var caller = hub.admin
        caller.idempotencyKey = "canary"
        let key = try await hub.ask(CreateKey(name: "canary", scopes: ["*"]), by: caller)
        let rotated = try await hub.ask(RotateKey(id: key.record.id))
        let token = try await hub.ask(CreateJoinToken())
        let canaries = [hub.adminKey.revealed, hub.joinToken.revealed, key.key, rotated.key, token.token]
            .map { String($0.suffix(52)) }
        let tables = try await hub.database.query(
            Statement<String>("SELECT tablename::text FROM pg_tables WHERE schemaname = 'nave'")
        )
        #expect(tables.count >= 12)
        for table in tables {
            let rows = try await hub.database.query(Statement<String>("SELECT t::text FROM nave.\(table) AS t"))
            for row in rows { #expect(!canaries.contains { row.contains($0) }, "a secret is in \(table)") }
        }
        let reads = hub.domains.table.specs.filter { $0.type == .query && $0.inputSchema["required"] == nil }
        #expect(reads.count >= 5)
        for read in reads {
            let text: String
            do {
                let answer = try await hub.domains.table.call(read.id, input: [:], by: hub.admin)
                text = String(decoding: answer.envelope, as: UTF8.self)
            } catch {
                // One that wants one of several fields says so.
                #expect(error.code == .validation, "\(read.id): \(error)")
                text = "\(error)"
            }
            #expect(!canaries.contains { text.contains($0) }, "a secret is answered by \(read.id)")
        }
        await hub.close()
    }
}
