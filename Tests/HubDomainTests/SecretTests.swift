import Crypto
import Foundation
import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Services outside and their secrets: kept sealed, rotated, never read back.
struct SecretTests {
    @Test func aSealedSecretOpensInItsPlaceOnly() throws {
        let (first, second) = (SecretSeal.line(version: 1), SecretSeal.line(version: 2))
        let seal = try SecretSeal(first)
        let sealed = try seal.seal("geheim", client: "c", key: "token")
        #expect(sealed.keyVersion == "v1")
        #expect(try seal.open(sealed, client: "c", key: "token") == "geheim")
        for (client, key) in [("d", "token"), ("c", "token2"), ("ct", "oken")] as [(ClientID, String)] {
            #expect(throws: Fault.self) { try seal.open(sealed, client: client, key: key) }
        }
        #expect(try seal.seal("geheim", client: "c", key: "token") != sealed, "a nonce of its own each")
        var damaged = sealed
        damaged.data = Data((Data(base64Encoded: sealed.data) ?? Data()).map { $0 ^ 1 }).base64EncodedString()
        #expect(throws: Fault.self) { try seal.open(damaged, client: "c", key: "token") }
        let newer = try SecretSeal("\(second)\n\(first)\n")
        #expect(newer.version == "v2")
        #expect(try newer.open(sealed, client: "c", key: "token") == "geheim")
        let lacking = #expect(throws: Fault.self) { try SecretSeal(second).open(sealed, client: "c", key: "token") }
        #expect(lacking?.code == .unavailable && lacking?.message.contains("v1") == true)
        #expect(throws: Fault.self) { try SecretSeal.none.seal("x", client: "c", key: "k") }
    }

    @Test func aFileOfKeysIsReadStrictly() {
        let good = SecretSeal.line(version: 1)
        for text in ["v1", "v0:\(good.dropFirst(3))", "x1:\(good.dropFirst(3))", "v1:AAAA", "\(good)\n\(good)"] {
            let fault = #expect(throws: Fault.self) { try SecretSeal(text) }
            #expect(fault?.code == .validation && fault?.message.contains("AAAA") == false)
        }
    }

    @Test func aClientIsMadeCheckedChangedAndForgotten() async throws {
        let hub = try await TestHub.make()
        let made = try await hub.ask(
            CreateClient(name: "gitea", type: .vcs, config: ["baseUrl": "https://git.example.org"])
        )
        #expect(made.ownerId == hub.admin.accountId && made.enabled && made.secrets.isEmpty)
        let twice = CreateClient(name: "gitea", type: .custom)
        #expect(try await hub.refusal(twice)?.details?["field"] == "name")
        let wrong: [(ClientType, JSONValue, String)] = [
            (.vcs, [:], "config.baseUrl"), (.llmProvider, ["baseUrl": "ftp://x"], "config.baseUrl"),
            (.vcs, ["baseUrl": "https://me:pass@git.example.org"], "config.baseUrl"),
            (.mcpServer, ["url": "https://mcp.example.org/?token=abc"], "config.url"),
            (.mcpServer, [:], "config"), (.mcpServer, ["command": []], "config.command"),
            (.custom, ["deep": [["api_key": "x"]]], "config.deep[0].api_key"), (.custom, [], "config"),
        ]
        for (type, config, path) in wrong {
            let fault = try await hub.refusal(CreateClient(name: "x", type: type, config: config))
            #expect(fault?.code == .validation)
            #expect(fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue } == [path])
        }
        _ = try await hub.ask(SetSecret(client: "gitea", key: "token", value: "geheim"))
        #expect(try await hub.ask(GetClient(client: "gitea")).secrets == ["token"])
        #expect(try await hub.ask(UpdateClient(client: made.id.rawValue, enabled: false)).enabled == false)
        #expect(try await hub.ask(ListClients(enabled: true)).clients.isEmpty)
        #expect(try await hub.ask(ListClients(type: .vcs)).clients.map(\.id) == [made.id])
        _ = try await hub.ask(DeleteClient(client: "gitea"))
        #expect(try await hub.count("SELECT count(*) FROM nave.client_secrets") == 0)
        #expect(try await hub.refusal(GetClient(client: "gitea"))?.code == .notFound)
        await hub.close()
    }

    @Test func anOrganisationsClientIsItsMembersAlone() async throws {
        let hub = try await TestHub.make()
        let scopes = ["org:write", "client:admin", "secret:admin"]
        let (ada, bob) = (try await hub.stranger(scopes), try await hub.stranger(scopes))
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: ada)
        _ = try await hub.ask(CreateClient(name: "ours", type: .custom, org: "ops"), by: ada)
        _ = try await hub.ask(SetSecret(client: "ours", key: "k", value: "v"), by: ada)
        #expect(try await hub.refusal(GetClient(client: "ours"), by: bob)?.code == .notFound)
        #expect(try await hub.ask(ListClients(), by: bob).clients.isEmpty)
        #expect(try await hub.ask(ListSecrets(), by: bob).secrets.isEmpty)
        #expect(try await hub.ask(ListSecrets(), by: ada).secrets.count == 1)
        #expect(try await hub.refusal(SetSecret(client: "ours", key: "k", value: "x"), by: bob)?.code == .notFound)
        let inUse = try await hub.refusal(DeleteOrganization(org: "ops"), by: ada)
        #expect(inUse?.code == .conflict && inUse?.details?["clients"] == ["ours"])
        await hub.close()
    }

    @Test func secretsAreSetListedForgottenAndNeverRead() async throws {
        let hub = try await TestHub.make()
        let canary = "canary-\(Ids.random())"
        _ = try await hub.ask(CreateClient(name: "svc", type: .custom))
        var caller = hub.admin
        caller.idempotencyKey = "once"
        let set = try await hub.ask(SetSecret(client: "svc", key: "token", value: canary, ttlSeconds: 60), by: caller)
        #expect(set.keyVersion == "v1" && set.expiresAt != nil)
        _ = try await hub.ask(SetSecret(client: "svc", key: "other", value: canary))
        for wrong in [
            SetSecret(client: "svc", key: "-x", value: "v"), SetSecret(client: "svc", key: "k", value: ""),
            SetSecret(client: "svc", key: "k", value: "v", ttlSeconds: 0),
        ] {
            #expect(try await hub.refusal(wrong)?.code == .validation)
        }
        let large = SetSecret(client: "svc", key: "k", value: String(repeating: "x", count: Limits.secretBytes + 1))
        #expect(try await hub.refusal(large)?.code == .tooLarge)
        let first = try await hub.ask(ListSecrets(limit: 1))
        let second = try await hub.ask(ListSecrets(client: "svc", limit: 1, cursor: first.nextCursor))
        #expect((first.secrets + second.secrets).map(\.key) == ["other", "token"])

        // No table holds it in the clear, no read answers with it.
        let tables = try await hub.database.query(
            Statement<String>("SELECT tablename::text FROM pg_tables WHERE schemaname = 'nave'")
        )
        for table in tables {
            let rows = try await hub.database.query(Statement<String>("SELECT t::text FROM nave.\(table) AS t"))
            #expect(!rows.contains { $0.contains(canary) }, "it is in \(table)")
        }
        let spoken: [JSONValue] = [[:], ["client": "svc"], ["role": "coordinator"]]
        for spec in hub.domains.table.specs where spec.type == .query {
            for input in spoken {
                guard let answer = try? await hub.domains.table.call(spec.id, input: input, by: hub.admin) else {
                    continue  // It wants something else.
                }
                #expect(!String(decoding: answer.envelope, as: UTF8.self).contains(canary), "\(spec.id) tells")
            }
        }
        _ = try await hub.ask(DeleteSecret(client: "svc", key: "token"))
        #expect(try await hub.refusal(DeleteSecret(client: "svc", key: "token"))?.code == .notFound)
        await hub.close()
    }

    @Test func anInterruptedRotationGoesOnWhereItStopped() async throws {
        let old = SecretSeal.line(version: 1)
        let hub = try await TestHub.make(seal: SecretSeal(old))
        let client = try await hub.ask(CreateClient(name: "svc", type: .custom)).id
        for number in 0..<7 {
            _ = try await hub.ask(SetSecret(client: "svc", key: "k\(number)", value: "value \(number)"))
        }
        // One that was changed by hand cannot be opened; it stays and is counted.
        try await hub.database.execute(
            Statement<Void>(
                """
                UPDATE nave.client_secrets SET value = jsonb_set(value, '{nonce}', '"AAAAAAAAAAAAAAAA"')
                 WHERE key = 'k3'
                """
            )
        )
        let seal = try SecretSeal(SecretSeal.line(version: 2) + "\n" + old)
        let store = SecretStore(database: hub.database, seal: seal)
        #expect(try await store.reveal("k1", of: client) == "value 1", "older keys still open")
        let first = try await store.rotate(limit: 2)
        #expect(first == .init(keyVersion: "v2", rotated: 2, remaining: 5))
        let second = try await store.rotate(limit: nil)
        #expect(second == .init(keyVersion: "v2", rotated: 4, remaining: 1))
        #expect(try await store.rotate(limit: nil).rotated == 0)
        let alone = SecretStore(database: hub.database, seal: seal)
        for number in [0, 1, 2, 4, 5, 6] {
            #expect(try await alone.reveal("k\(number)", of: client) == "value \(number)")
        }
        await #expect(throws: Fault.self) { try await alone.reveal("k3", of: client) }
        // Another hub with another key of the same version is told before it does harm.
        let foreign = SecretStore(database: hub.database, seal: try SecretSeal(SecretSeal.line(version: 2)))
        let fault = await #expect(throws: Fault.self) { try await foreign.rotate(limit: nil) }
        #expect(fault?.code == .conflict)
        await hub.close()
    }
}
