import Foundation
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
        #expect(try await actions(ListAudit(org: "none")).isEmpty)
        #expect(try await actions(ListAudit(account: "none")).isEmpty)

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
        _ = try await hub.ask(AddMember(org: "ops", account: bob.accountId.rawValue), by: ada)
        #expect(try await actions(ListAudit(), by: bob).isEmpty, "members do not look after it")
        _ = try await hub.ask(SetMembership(org: "ops", account: bob.accountId.rawValue, level: .admin), by: ada)
        #expect(try await actions(ListAudit(), by: bob).count == 5)
        #expect(try await actions(ListAudit(), by: ada).count == 6)
        await hub.close()
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
