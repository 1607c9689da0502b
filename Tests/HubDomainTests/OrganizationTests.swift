import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Organisations and who may do what in them.
struct OrganizationTests {
    typealias Member = MembershipRules.Member

    /// Every deed by every level: who may.
    static let table: [(MembershipRules.Deed, Set<MembershipLevel>)] = [
        (.see, [.owner, .admin, .member]),
        (.change, [.owner, .admin]),
        (.dispose, [.owner]),
        (.add(.member), [.owner, .admin]),
        (.add(.admin), [.owner, .admin]),
        (.add(.owner), [.owner]),
        (.set(Member(level: .member, answers: false), to: .admin), [.owner, .admin]),
        (.set(Member(level: .member, answers: false), to: .owner), [.owner]),
        (.set(Member(level: .owner, answers: false), to: .member), [.owner]),
        (.set(Member(level: .owner, answers: true), to: .admin), []),
        (.set(Member(level: .owner, answers: true), to: .owner), [.owner]),
        (.remove(Member(level: .member, answers: false), isSelf: false), [.owner, .admin]),
        (.remove(Member(level: .owner, answers: false), isSelf: false), [.owner]),
        (.remove(Member(level: .member, answers: false), isSelf: true), [.owner, .admin, .member]),
        (.remove(Member(level: .owner, answers: true), isSelf: true), []),
    ]

    @Test func whoMayDoWhatIsAsTheTableSays() {
        for (deed, allowed) in Self.table {
            for level in MembershipLevel.allCases {
                let refusal = MembershipRules.refusal(of: deed, by: level, oversees: false)
                #expect((refusal == nil) == allowed.contains(level), "\(deed) by \(level)")
            }
            #expect(MembershipRules.refusal(of: deed, by: nil, oversees: false)?.code == .accessDenied)
            let isStuck = MembershipRules.refusal(of: deed, by: nil, oversees: true) != nil
            #expect(isStuck == allowed.isEmpty, "\(deed) by an overseer")
        }
    }

    @Test func anOrganisationIsMadeWithItsOwnerAndFoundByMembersOnly() async throws {
        let hub = try await TestHub.make()
        let (ada, bob) = (try await hub.stranger("org:write"), try await hub.stranger("org:write"))
        let org = try await hub.ask(CreateOrganization(name: "Analytical Engines"), by: ada)
        #expect(org.slug == "analytical-engines" && org.membershipLevel == .owner && org.members == 1)
        #expect(org.ownerId == ada.accountId)
        #expect(try await hub.ask(GetOrganization(org: org.id.rawValue), by: ada) == org)
        #expect(try await hub.refusal(GetOrganization(org: org.slug), by: bob)?.code == .notFound)
        #expect(try await hub.ask(ListOrganizations(), by: bob).organizations.isEmpty)
        #expect(try await hub.ask(GetOrganization(org: org.slug)).membershipLevel == nil, "administrators see all")
        #expect(try await hub.ask(ListOrganizations()).organizations.map(\.id) == [org.id])
        for wrong in [
            CreateOrganization(name: "Analytical Engines", slug: "other"),
            CreateOrganization(name: "Other", slug: "analytical-engines"),
        ] {
            let fault = try await hub.refusal(wrong, by: bob)
            #expect(fault?.code == .conflict)
            #expect(fault?.details?["field"] == (wrong.name == "Other" ? "slug" : "name"))
        }
        #expect(try await hub.refusal(CreateOrganization(name: "x", slug: "-x"), by: bob)?.code == .validation)
        #expect(try await hub.refusal(CreateOrganization(name: "…"), by: bob)?.code == .validation)
        let renamed = try await hub.ask(UpdateOrganization(org: org.slug, slug: "engines"), by: ada)
        #expect(renamed.slug == "engines" && renamed.name == "Analytical Engines")
        #expect(try await hub.refusal(UpdateOrganization(org: "engines", name: "Mine"), by: bob)?.code == .notFound)
        await hub.close()
    }

    @Test func membersComeChangeAndGoByTheRules() async throws {
        let hub = try await TestHub.make()
        let (ada, bob) = (try await hub.stranger("org:write"), try await hub.stranger("org:write"))
        let cem = try await hub.stranger("org:write")
        let (adaId, bobId, cemId) = (ada.accountId.rawValue, bob.accountId.rawValue, cem.accountId.rawValue)
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: ada)
        #expect(try await hub.ask(AddMember(org: "ops", account: bobId), by: ada).membershipLevel == .member)
        let twice = try await hub.refusal(AddMember(org: "ops", account: bobId), by: ada)
        #expect(twice?.code == .conflict && twice?.details?["field"] == "account")
        #expect(try await hub.refusal(AddMember(org: "ops", account: cemId), by: bob)?.code == .accessDenied)
        #expect(try await hub.refusal(AddMember(org: "ops", account: cemId), by: cem)?.code == .notFound)
        _ = try await hub.ask(SetMembership(org: "ops", account: bobId, level: .admin), by: ada)
        _ = try await hub.ask(AddMember(org: "ops", account: cemId), by: bob)
        let owner = SetMembership(org: "ops", account: cemId, level: .owner)
        #expect(try await hub.refusal(owner, by: bob)?.code == .accessDenied)
        #expect(try await hub.ask(ListMembers(org: "ops"), by: cem).members.count == 3)
        #expect(
            try await hub.ask(ListMembers(org: "ops", level: .owner), by: cem).members.map(\.accountId) == [
                ada.accountId
            ]
        )

        // The account that answers can neither go nor be unmade, not even by an administrator.
        #expect(try await hub.refusal(RemoveMember(org: "ops"), by: ada)?.code == .conflict)
        #expect(try await hub.refusal(RemoveMember(org: "ops", account: adaId))?.code == .conflict)
        let demoted = SetMembership(org: "ops", account: adaId, level: .member)
        #expect(try await hub.refusal(demoted)?.code == .conflict)
        let given = try await hub.ask(TransferOwnership(org: "ops", account: bobId), by: ada)
        #expect(given.ownerId == bob.accountId && given.membershipLevel == .admin)
        #expect(try await hub.ask(RemoveMember(org: "ops"), by: ada).accountId == ada.accountId)
        #expect(try await hub.refusal(ListMembers(org: "ops"), by: ada)?.code == .notFound)
        #expect(try await hub.refusal(RemoveMember(org: "ops", account: adaId), by: bob)?.code == .notFound)
        _ = try await hub.ask(SuspendAccount(account: cemId))
        let locked = try await hub.refusal(TransferOwnership(org: "ops", account: cemId), by: bob)
        #expect(locked?.code == .conflict && locked?.details?["field"] == "account")
        await hub.close()
    }

    @Test func aProjectBelongsToTheMembersOfItsOrganisation() async throws {
        let hub = try await TestHub.make()
        let ada = try await hub.stranger("org:write", "project:admin", "session:read", "workspace:read", "salvage:read")
        let bob = try await hub.stranger("org:write", "project:admin", "session:read", "workspace:read", "salvage:read")
        _ = try await hub.ask(CreateOrganization(name: "Ops"), by: ada)
        #expect(try await hub.refusal(CreateProject(name: "x", repoUrl: "/x", org: "ops"), by: bob)?.code == .notFound)
        let project = try await hub.ask(CreateProject(name: "secret-plans", repoUrl: "/plans", org: "ops"), by: ada)
        _ = try await hub.ask(CreateProject(name: "open", repoUrl: "/open"), by: ada)
        #expect(try await hub.ask(ListProjects(), by: ada).projects.map(\.name) == ["open", "secret-plans"])
        #expect(try await hub.ask(ListProjects(org: "ops"), by: ada).projects.map(\.name) == ["secret-plans"])
        #expect(try await hub.ask(ListProjects(), by: bob).projects.map(\.name) == ["open"])
        for name in ["secret-plans", project.id.rawValue] {
            #expect(try await hub.refusal(GetProject(project: name), by: bob)?.code == .notFound)
            #expect(try await hub.refusal(DeleteProject(project: name), by: bob)?.code == .notFound)
            #expect(try await hub.refusal(ListSessions(projectId: project.id), by: bob)?.code == .notFound)
        }
        let missed = try await hub.refusal(GetProject(project: "secret-plan"), by: bob)
        #expect(missed?.code == .notFound && missed?.message.contains("secret-plans") == false)
        #expect(try await hub.ask(GetProject(project: "secret-plans"), by: ada).orgId == project.orgId)

        _ = try await hub.ask(AddMember(org: "ops", account: bob.accountId.rawValue), by: ada)
        #expect(try await hub.ask(GetProject(project: "secret-plans"), by: bob).id == project.id)
        let moved = UpdateProject(project: "secret-plans", org: "")
        #expect(try await hub.refusal(moved, by: bob)?.code == .accessDenied, "members do not give it away")
        #expect(try await hub.refusal(DeleteProject(project: "secret-plans"), by: bob)?.code == .accessDenied)
        let inUse = try await hub.refusal(DeleteOrganization(org: "ops"), by: ada)
        #expect(inUse?.code == .conflict && inUse?.details?["projects"] == ["secret-plans"])
        #expect(try await hub.refusal(DeleteOrganization(org: "ops"), by: bob)?.code == .accessDenied)
        #expect(try await hub.ask(UpdateProject(project: "secret-plans", org: ""), by: ada).orgId == nil)
        #expect(try await hub.ask(UpdateProject(project: "secret-plans", org: "ops"), by: ada).orgId == project.orgId)
        _ = try await hub.ask(DeleteOrganization(org: "ops", detachProjects: true), by: ada)
        #expect(try await hub.ask(GetProject(project: "secret-plans"), by: bob).orgId == nil)
        await hub.close()
    }
}
