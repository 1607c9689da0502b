import Foundation
import Protocol
import Testing

/// What those who look after a hub type: every command shows a table to people and one JSON object to programs.
@Suite struct LookingAfterTests {
    @Test func everyTableIsThereForPeopleAndForPrograms() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await stage(fleet)
            try await everyListIsShownBothWays(fleet)
            try await everyThingIsShownBothWays(fleet)
            try await whatIsChangedIsSeen(fleet)
            try await whatIsInUseSaysByWhat(fleet)
        }
    }

    private func stage(_ fleet: Fleet) async throws {
        try await fleet.ask("accounts", "create", "ada@example.org", "--name", "Ada")
        try await fleet.ask("orgs", "create", "Engines")
        try await fleet.ask("clients", "create", "gitea", "--type", "custom")
        let set = try await fleet.run("hub", ["secrets", "set", "gitea", "apiKey"], input: Data("geheim\n".utf8))
        #expect(set.exitCode == 0, "\(set.errors)")
        try await fleet.ask("project", "add", "demo", "--repo", "/srv/demo.git")
        try await fleet.ask("tasks", "add", "Ship it", "--project", "demo")
    }

    private func everyListIsShownBothWays(_ fleet: Fleet) async throws {
        let lists: [(command: [String], head: String, key: String, words: String)] = [
            (["accounts"], "ACCOUNT", "accounts", "ada@example.org"), (["orgs"], "SLUG", "organizations", "engines"),
            (["orgs", "members", "engines"], "EMAIL", "members", "owner"), (["roles"], "ROLE", "roles", "architect"),
            (["clients"], "NAME", "clients", "apiKey"), (["secrets"], "SERVICE", "secrets", "gitea"),
            (["audit"], "WHEN", "entries", "org.create"), (["project", "list"], "PROJECT", "projects", "demo"),
            (["token", "list"], "TOKEN", "tokens", ""), (["key", "list"], "", "keys", "first administrator"),
            (["tasks", "list", "--project", "demo"], "", "tasks", "ship-it"),
        ]
        for (command, head, key, words) in lists {
            let table = try await fleet.run("hub", command)
            #expect(table.exitCode == 0 && table.text.hasPrefix(head), "\(command): \(table.text) \(table.errors)")
            #expect(words.isEmpty || table.text.contains(words), "\(command): \(table.text)")
            let json = try await fleet.run("hub", command + ["--json"]).json()
            #expect(json[key]?.arrayValue?.isEmpty == false, "\(command)")
        }
    }

    private func everyThingIsShownBothWays(_ fleet: Fleet) async throws {
        let things: [(command: [String], line: String, key: String)] = [
            (["accounts", "show", "ada@example.org"], "displayName: Ada", "account"),
            (["orgs", "show", "engines"], "slug: engines", "slug"),
            (["roles", "show", "architect"], "mode: primary", "mode"),
            (["clients", "show", "gitea"], "type: custom", "type"),
            (["project", "show", "demo"], "name: demo", "name"),
            (["tasks", "show", "ship-it", "--project", "demo"], "status: pending", "status"),
            (["roles", "resolve", "architect", "git.push"], "deny", "permission"),
        ]
        for (command, line, key) in things {
            let shown = try await fleet.run("hub", command)
            #expect(shown.exitCode == 0 && shown.text.contains(line), "\(command): \(shown.text) \(shown.errors)")
            let json = try await fleet.run("hub", command + ["--json"]).json()
            #expect(json[key] != nil, "\(command)")
        }
    }

    private func whatIsChangedIsSeen(_ fleet: Fleet) async throws {
        #expect(
            try await fleet.ask("accounts", "update", "ada@example.org", "--level", "service")["accessLevel"]
                == "service"
        )
        #expect(try await fleet.ask("accounts", "deactivate", "ada@example.org")["status"] == "deactivated")
        #expect(try await fleet.ask("accounts", "activate", "ada@example.org")["status"] == "active")
        #expect(try await fleet.ask("orgs", "update", "engines", "--name", "Machines")["name"] == "Machines")
        #expect(try await fleet.ask("clients", "update", "gitea", "--disable")["enabled"] == false)
        try await fleet.ask("roles", "create", "scribe", "--description", "Writes.", "--parent", "architect")
        #expect(try await fleet.ask("roles", "update", "scribe", "--temperature", "0.7")["temperature"] == .number(0.7))
        #expect(try await fleet.ask("roles", "delete", "scribe")["name"] == "scribe")
        #expect(try await fleet.hub("secrets", "rotate").text.hasPrefix("0 sealed anew with v1"))
        #expect(try await fleet.ask("accounts", "delete", "ada@example.org")["email"] == "ada@example.org")
        let failed = try await fleet.ask("audit", "--outcome", "failed", "--since", "1h")
        #expect(failed["entries"] == [])
    }

    private func whatIsInUseSaysByWhat(_ fleet: Fleet) async throws {
        try await fleet.ask("project", "add", "ours", "--repo", "/srv/ours.git", "--org", "engines")
        try await fleet.refused(["orgs", "delete", "engines"], "CONFLICT", saying: "ours")
        try await fleet.refused(["accounts", "delete", "admin"], "CONFLICT", saying: "account.deactivate")
        try await fleet.refused(["accounts", "delete", "nobody"], "NOT_FOUND", saying: "nobody")
        try await fleet.refused(["roles", "create", "architect", "--description", "x"], "CONFLICT", saying: "name")
        let denied = try await fleet.ask("audit", "--outcome", "failed")["entries"]?.arrayValue ?? []
        #expect(denied.contains { $0["action"] == "org.delete" && $0["details"]?["code"] == "CONFLICT" })
    }
}
