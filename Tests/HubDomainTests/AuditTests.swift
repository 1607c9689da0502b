import Foundation
import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// The audit trail: every mutation leaves a line, and who may read which.
struct AuditTests {
    /// Iterates the table: whatever becomes of a mutation, there is one line more, under its name.
    @Test func everyMutationOfTheTableLeavesALine() async throws {
        let hub = try await TestHub.make()
        let mutations = hub.domains.table.specs.filter { $0.type == .mutation }
        #expect(mutations.count >= 25)
        for spec in mutations {
            var caller = hub.admin
            caller.requestId = Ids.random()
            caller.deadline = Date(timeIntervalSinceNow: 5)
            let input = spec.inputSchema["examples"]?.arrayValue?.first ?? [:]
            _ = try? await hub.domains.table.call(spec.id, input: input, by: caller)  // Its line says how it ended.
            let lines = try await hub.ask(ListAudit(requestId: caller.requestId)).entries
            #expect(lines.map(\.action) == [spec.id], "\(spec.id)")
            #expect(lines.first?.accountId == caller.accountId && lines.first?.keyId == caller.keyId)
            #expect(lines.first?.details["inputDigest"]?.stringValue?.hasPrefix("sha256:") == true)
        }
        await hub.close()
    }

    @Test func theTrailIsReadByAccountActionOutcomeOrganisationTimeAndRequest() async throws {
        let hub = try await TestHub.make()
        let ada = try await hub.stranger("org:write", "project:write", "audit:read")
        let begun = Date(timeIntervalSinceNow: -60)
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: ada)
        _ = try await hub.ask(CreateProject(name: "plans", repoUrl: "/plans", org: "ops"), by: ada)
        _ = try await hub.ask(UpdateProject(project: "plans", defaultBranch: "trunk"), by: ada)
        _ = try await hub.refusal(CreateJoinToken(), by: ada)
        _ = try await hub.ask(CreateJoinToken())
        func actions(_ request: ListAudit, by caller: Caller? = nil) async throws -> [String] {
            try await hub.ask(request, by: caller).entries.map(\.action)
        }
        #expect(
            try await actions(ListAudit(account: ada.accountId.rawValue)) == [
                "token.create", "project.update", "project.create", "org.create",
            ]
        )
        #expect(try await actions(ListAudit(action: "project.*")) == ["project.update", "project.create"])
        #expect(try await actions(ListAudit(action: "token.create", outcome: .denied)) == ["token.create"])
        #expect(try await actions(ListAudit(org: "ops")) == ["project.update", "project.create", "org.create"])
        #expect(try await actions(ListAudit(since: begun)).count == 5)
        #expect(try await actions(ListAudit(until: begun)).isEmpty)
        #expect(try await actions(ListAudit(requestId: ada.requestId)).count == 4)
        #expect(try await hub.refusal(ListAudit(org: "none"))?.code == .notFound)
        #expect(try await hub.refusal(ListAudit(account: "none"))?.code == .notFound)
        #expect(try await actions(ListAudit(account: ada.accountId.rawValue, action: "key.*")).isEmpty)

        var (seen, cursor): ([String], String?) = ([], nil)
        repeat {
            let page = try await hub.ask(ListAudit(limit: 2, cursor: cursor))
            seen += page.entries.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(seen.count == 5 && Set(seen).count == 5)

        // Others read their own lines, and those of organisations that they look after.
        let bob = try await hub.stranger("audit:read")
        #expect(try await actions(ListAudit(), by: bob).isEmpty)
        for hidden in [ListAudit(account: ada.accountId.rawValue), ListAudit(org: "ops")] {
            #expect(try await hub.refusal(hidden, by: bob)?.code == .notFound)
        }
        _ = try await hub.ask(AddMember(org: "ops", account: bob.accountId.rawValue), by: ada)
        #expect(try await actions(ListAudit(), by: bob).isEmpty, "members do not look after it")
        #expect(try await actions(ListAudit(account: ada.accountId.rawValue), by: bob).isEmpty)
        _ = try await hub.ask(SetMembership(org: "ops", account: bob.accountId.rawValue, level: .admin), by: ada)
        #expect(try await actions(ListAudit(), by: bob).count == 5)
        #expect(try await actions(ListAudit(), by: ada).count == 6)
        await hub.close()
    }

    @Test func aLineSaysWhatItWasAbout() async throws {
        let hub = try await TestHub.make()
        func about(_ action: String) async throws -> JSONValue? {
            try await hub.ask(ListAudit(action: action, limit: 1)).entries.first?.details["about"]
        }
        let key = try await hub.ask(CreateKey(name: "ci", scopes: ["project:read"])).record.id.rawValue
        #expect(try await about("key.create") == ["name": "ci", "newId": .string(key)])
        let next = try await hub.ask(RotateKey(id: KeyID(key))).record.id.rawValue
        #expect(try await about("key.rotate") == ["id": .string(key), "newId": .string(next)])
        _ = try await hub.ask(RevokeKey(id: KeyID(key)))
        #expect(try await about("key.revoke") == ["id": .string(key)])
        _ = try await hub.refusal(CreateProject(name: "a\u{0}", repoUrl: "https://u:s3cret@h/p"))
        #expect(try await about("project.create") == ["name": "a\u{FFFD}", "repoUrl": "https://…@h/p"])
        let client = try await hub.ask(CreateClient(name: "forge", type: .custom)).id.rawValue
        _ = try await hub.ask(SetSecret(client: "forge", key: "apiKey", value: "s3cret"))
        #expect(try await about("secret.set") == ["client": "forge", "key": "apiKey"])
        #expect(try await about("client.create") == ["name": "forge", "newId": .string(client)])
        await hub.close()
    }

    @Test func whatAnInputNamesIsToldAndNothingElse() {
        let input: JSONValue = [
            "sessionId": "s", "path": "a/b", "paths": ["c", 1, "d"], "key": "k", "text": "s3cret",
            "name": ["x": "s3cret"],
            "command": ["/bin/sh", "-c", "s3cret"], "env": ["A": "s3cret"],
        ]
        let others = ["sessionId": ["s"], "path": ["a/b"], "paths": ["c", "d"], "command": ["/bin/sh"]]
        #expect(NamedInput.names(in: input, isOwn: false) == others)
        #expect(NamedInput.names(in: input, isOwn: true) == others.merging(["key": ["k"]]) { $1 })
        #expect(NamedInput.names(in: ["command": "sh -c s3cret"], isOwn: true) == [:])
        #expect(NamedInput.names(in: "name", isOwn: true) == [:])
        let many: JSONValue = ["paths": .array((0..<999).map { .string("\($0)") }), "sessionId": "s"]
        #expect(NamedInput.names(in: many, isOwn: true).values.joined().count == Limits.auditNames)
    }

    @Test func theTrailOutlivesItsOrganisation() async throws {
        let hub = try await TestHub.make()
        _ = try await hub.ask(CreateOrganization(name: "Ops"))
        _ = try await hub.ask(DeleteOrganization(org: "ops"))
        let lines = try await hub.ask(ListAudit(action: "org.*")).entries
        #expect(lines.map(\.orgId) == [nil, nil])
        #expect(lines.first?.details["org"] == "ops")
        await hub.close()
    }
}
