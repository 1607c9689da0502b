import HubCore
import Protocol
import Testing

@testable import HubDomains

/// On whose machines an organisation's sessions may run.
struct TrustTests {
    @Test func anOrganisationsSessionsRunOnMachinesOfItsOwnPeople() async throws {
        let hub = try await TestHub.make()
        let spokes = hub.domains.coordination.spokes
        let scopes = ["org:write", "project:admin", "token:write"]
        let (member, stranger) = (try await hub.stranger(scopes), try await hub.stranger(scopes))
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: member)
        let plans = try await hub.ask(CreateProject(name: "plans", repoUrl: "/plans", org: "ops"), by: member)
        let open = try await hub.ask(CreateProject(name: "open", repoUrl: "/open"), by: member)
        var ids: [String: SpokeID] = [:]
        for (name, owner) in [("admins", hub.admin), ("members", member), ("strangers", stranger)] {
            let token = try await hub.ask(CreateJoinToken(), by: owner).token
            ids[name] = try await spokes.join(JoinRequest(token: token, name: name)).spokeId
        }
        func trusted(for project: ProjectID) async throws -> Set<String> {
            let facts = try await spokes.facts(for: project, onlyFree: false)
            return Set(facts.filter(\.isTrusted).map(\.name))
        }
        #expect(try await trusted(for: plans.id) == ["admins", "members"])
        #expect(try await trusted(for: open.id) == ["admins", "members", "strangers"])
        // Whoever looks after the machines may say otherwise of one.
        let kept = try #require(ids["strangers"])
        _ = try await spokes.keep(kept, for: plans.id)
        #expect(try await trusted(for: plans.id) == ["admins", "members", "strangers"])
        _ = try await spokes.keep(kept, for: nil)
        _ = try await hub.ask(AddMember(org: "ops", account: stranger.accountId.rawValue), by: member)
        #expect(try await trusted(for: plans.id) == ["admins", "members", "strangers"])
        await hub.close()
    }
}
