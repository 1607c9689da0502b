import HubCore
import Postgres
import Protocol
import Testing

@testable import HubDomains

/// Roles: what they allow, from whom they inherit, and which rule decided.
struct RoleTests {
    @Test func aStarStandsForAnythingAndNothingElseDoes() {
        let table: [(String, String, Bool)] = [
            ("*", "", true), ("*", "a/b", true), ("", "", true), ("", "a", false), ("fs.*", "fs.write", true),
            ("fs.*", "fs", false), ("docs/*", "docs/a/b.md", true), ("docs/*", "src/docs/a", false),
            ("*.swift", "a.swift", true), ("*.swift", "a.swift.bak", false), ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false), ("a?c", "abc", false), ("**", "x", true), ("ä*", "äö", true),
        ]
        for (pattern, text, expected) in table {
            #expect(Wildcard.matches(pattern, text) == expected, "\(pattern) \(text)")
        }
        let long = String(repeating: "a", count: 2_000)
        #expect(!Wildcard.matches(String(repeating: "a*", count: 200) + "b", long), "it ends in no time")
    }

    @Test func theFirstRuleThatMatchesDecidesOwnBeforeInherited() {
        let own = RoleResolution.Layer(
            name: "own",
            rules: [.init(action: "fs.write", permission: .allow, pattern: "docs/*")]
        )
        let parent = RoleResolution.Layer(
            name: "parent",
            rules: [
                .init(action: "fs.write", permission: .deny), .init(action: "fs.*", permission: .allow),
                .init(action: "fs.read", permission: .deny),
            ]
        )
        func decide(_ action: String, _ subject: String) -> String {
            RoleResolution.decide(action, on: subject, by: [own, parent])
                .map { "\($0.role) \($0.index) \($0.rule.permission.rawValue)" } ?? "nobody"
        }
        #expect(decide("fs.write", "docs/a.md") == "own 0 allow")
        #expect(decide("fs.write", "src/a.swift") == "parent 0 deny")
        #expect(decide("fs.read", "x") == "parent 1 allow", "what stands behind a match says nothing")
        #expect(decide("git.push", "main") == "nobody")
    }

    @Test func eightRolesAreThereFromTheBeginning() async throws {
        let hub = try await TestHub.make()
        let roles = try await hub.ask(ListRoles()).roles
        let primary = ["architect", "coordinator", "decomposer", "implementation-specialist", "poc-specialist"]
        #expect(roles.filter { $0.mode == .primary }.map(\.name) == primary)
        let serving = ["architecture-reviewer", "code-reviewer", "research-specialist"]
        #expect(try await hub.ask(ListRoles(mode: .subagent)).roles.map(\.name) == serving)
        #expect(roles.allSatisfy { $0.temperature == ($0.mode == .primary ? 0.3 : 0.2) && !$0.permissions.isEmpty })
        let review = ResolveRole(role: "code-reviewer", action: "fs.write", subject: "src/a.swift")
        let denied = try await hub.ask(review)
        #expect(denied.permission == .deny && denied.decidedBy?.index == 0 && denied.temperature == 0.2)
        await hub.close()
    }

    @Test func aRoleInheritsWhatItDoesNotSayItself() async throws {
        let hub = try await TestHub.make()
        let rules = [RoleRule(action: "fs.write", permission: .allow, pattern: "docs/*")]
        let made = try await hub.ask(
            CreateRole(
                name: "writer",
                description: "Docs.",
                mode: .subagent,
                permissions: rules,
                parent: "code-reviewer"
            )
        )
        #expect(made.parent == "code-reviewer" && made.permissions == rules && made.temperature == nil)
        let allowed = try await hub.ask(ResolveRole(role: "writer", action: "fs.write", subject: "docs/a.md"))
        #expect(allowed.permission == .allow && allowed.decidedBy?.role == "writer")
        #expect(allowed.chain == ["writer", "code-reviewer"] && allowed.temperature == 0.2)
        let denied = try await hub.ask(ResolveRole(role: "writer", action: "fs.write", subject: "src/a.swift"))
        #expect(denied.permission == .deny && denied.decidedBy?.role == "code-reviewer")
        #expect(denied.reason.contains("code-reviewer"))
        let alone = try await hub.ask(UpdateRole(role: "writer", parent: ""))
        #expect(alone.parent == nil)
        let nothing = try await hub.ask(ResolveRole(role: "writer", action: "git.push", subject: "main"))
        #expect(nothing.permission == .deny && nothing.decidedBy == nil && nothing.reason.contains("No rule"))
        #expect(try await hub.ask(ResolveRole(role: "writer")).permission == nil)
        await hub.close()
    }

    @Test func whatIsWrongWithARoleIsSaid() async throws {
        let hub = try await TestHub.make()
        func make(_ name: String, _ parent: String? = nil) -> CreateRole {
            CreateRole(name: name, description: "x", mode: .primary, parent: parent)
        }
        #expect(try await hub.refusal(make("architect"))?.details?["field"] == "name")
        #expect(try await hub.refusal(make("x", "nobody"))?.code == .notFound)
        #expect(try await hub.refusal(GetRole(role: "architec"))?.message.contains("architect") == true)
        let wrong = CreateRole(
            name: "-x",
            description: "x",
            mode: .primary,
            temperature: 3,
            permissions: [.init(action: "", permission: .ask)],
            tools: []
        )
        let fault = try await hub.refusal(wrong)
        #expect(
            fault?.details?.arrayValue?.compactMap { $0["path"]?.stringValue } == [
                "name", "temperature", "permissions[0].action", "tools",
            ]
        )
        _ = try await hub.ask(make("a"))
        _ = try await hub.ask(make("b", "a"))
        _ = try await hub.ask(make("c", "b"))
        let circle = try await hub.refusal(UpdateRole(role: "a", parent: "c"))
        #expect(circle?.code == .conflict && circle?.details?["field"] == "parent")
        #expect(circle?.message.contains("a → c → b → a") == true)
        #expect(try await hub.refusal(UpdateRole(role: "a", parent: "a"))?.details?["cycle"] == ["a", "a"])
        let inUse = try await hub.refusal(DeleteRole(role: "a"))
        #expect(inUse?.code == .conflict && inUse?.details?["children"] == ["b"])
        _ = try await hub.ask(DeleteRole(role: "a", detachChildren: true))
        #expect(try await hub.ask(GetRole(role: "b")).parentId == nil)
        for number in 0..<RoleStore.depth - 1 {
            let request = make("d\(number)", number == 0 ? nil : "d\(number - 1)")
            #expect(try await hub.refusal(request) == nil)
        }
        _ = try await hub.ask(make("last", "d\(RoleStore.depth - 2)"))
        #expect(try await hub.refusal(make("deeper", "last"))?.code == .conflict)
        await hub.close()
    }
}
