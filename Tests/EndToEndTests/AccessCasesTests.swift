import Foundation
import Protocol
import Testing

/// Who gets in and who does not, with the exit code and the sentence that each is told.
@Suite struct AccessCasesTests {
    @Test func whoeverMayNotIsToldSoAndWhatToDo() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await joinTokensAdmitAsOftenAndAsLongAsTheySay(fleet)
            try await keysOpenWhatTheyAreFor(fleet)
            try await aLoginIsRememberedOnlyIfTheHubTakesTheKey(fleet)
            try await accountsAndOrganisationsAreLookedAfterFromAShell(fleet)
            try await secretsAndRolesAreKeptFromAShell(fleet)
            try await aFollowerIsLetGoWithItsKey(fleet)
            try await whatIsNotAHubIsNotTakenForOne(fleet)
            try await badConfigurationIsNamed(fleet)
        }
    }

    private func joinTokensAdmitAsOftenAndAsLongAsTheySay(_ fleet: Fleet) async throws {
        func join(_ token: String, as name: String) -> [String] {
            ["join", fleet.url, "--token", token, "--name", name, "--data-dir", fleet.directory(of: name).path]
        }
        try await fleet.refused(join("wrong", as: "w"), exits: 77, "UNAUTHENTICATED", saying: "token", by: "spoke")
        let json = try await fleet.refused(
            join("wrong", as: "w") + ["--json"],
            exits: 77,
            "UNAUTHENTICATED",
            saying: "hub token create",
            by: "spoke"
        )
        let told: JSONValue = try WireCoder.value(from: Array(json.errors.utf8))
        #expect(told["error"]?["code"] == "UNAUTHENTICATED")

        let once = try await fleet.ask("token", "create", "--uses", "1")["token"]?.stringValue ?? ""
        #expect(try await fleet.run("spoke", join(once, as: "first")).exitCode == 0)
        try await fleet.refused(join(once, as: "second"), exits: 77, "UNAUTHENTICATED", saying: "token", by: "spoke")

        let revoked = try await fleet.ask("token", "create")["token"]?.stringValue ?? ""
        for token in try await fleet.ask("token", "list")["tokens"]?.arrayValue ?? [] {
            try await fleet.ask("token", "revoke", token["id"]?.stringValue ?? "")
        }
        try await fleet.refused(join(revoked, as: "third"), exits: 77, "UNAUTHENTICATED", saying: "token", by: "spoke")

        let brief = try await fleet.ask("token", "create", "--ttl", "1s", "--uses", "1000")["token"]?.stringValue ?? ""
        _ = try await eventually("the token expires") {
            try await fleet.run("spoke", join(brief, as: "s\(UUID().uuidString.prefix(8))")).exitCode == 77 ? true : nil
        }
        try await fleet.refused(["token", "create", "--uses", "0"], "VALIDATION_ERROR", saying: "uses")
        try await fleet.refused(["token", "create", "--ttl", "0s"], "VALIDATION_ERROR", saying: "ttlSeconds")
        try await fleet.refused(["token", "revoke", "nope"], "NOT_FOUND", saying: "token.list")
    }

    private func keysOpenWhatTheyAreFor(_ fleet: Fleet) async throws {
        let wrong = try fleet.write("nave_wrong\n", to: "wrong.key")
        try await fleet.refused(["spokes", "--key-file", wrong], exits: 77, "UNAUTHENTICATED", saying: "key")

        let reader = try await fleet.ask("key", "create", "reader", "--scope", "spoke:read")
        let file = try fleet.write(reader["key"]?.stringValue ?? "", to: "reader.key")
        #expect(try await fleet.hub("spokes", "--key-file", file).exitCode == 0)
        let denied = ["project", "add", "x", "--repo", "/x", "--key-file", file]
        try await fleet.refused(denied, exits: 77, "ACCESS_DENIED", saying: "project:write")
        let more = ["key", "create", "more", "--scope", "project:write", "--key-file", file]
        try await fleet.refused(more, exits: 77, "ACCESS_DENIED", saying: "key")

        try await fleet.ask("key", "revoke", reader["record"]?["id"]?.stringValue ?? reader["id"]?.stringValue ?? "")
        try await fleet.refused(["spokes", "--key-file", file], exits: 77, "UNAUTHENTICATED", saying: "key")

        let nothing = try await fleet.hub("key", "create", "nothing")
        #expect(nothing.exitCode == 64 && nothing.errors.contains("--no-scopes"))
        let wide = (0..<9).flatMap { ["--scope", "namespace\($0):read"] }
        let off = try await fleet.run("hub", ["key", "create", "off", "--calls-per-second", "2.5", "--json"] + wide)
            .json()
        try await fleet.ask("key", "update", off["record"]?["id"]?.stringValue ?? "", "--disable")
        let keys = try await fleet.hub("key", "list", "--all").text.split(separator: "\n")
        let line = keys.first { $0.contains(" off ") } ?? ""
        for word in ["  admin  ", "  disabled  ", "namespace0:read,", "…  2.5/s, 3 at once"] {
            #expect(line.contains(word), "\(word) in \(keys)")
        }
        #expect(keys.first { $0.contains(" reader ") }?.contains("  revoked  ") == true)

        let brief = try await fleet.ask("key", "create", "brief", "--scope", "spoke:read", "--ttl", "1s")
        let briefFile = try fleet.write(brief["key"]?.stringValue ?? "", to: "brief.key")
        _ = try await eventually("the key expires") {
            try await fleet.hub("spokes", "--key-file", briefFile).exitCode == 77 ? true : nil
        }
    }

    private func aLoginIsRememberedOnlyIfTheHubTakesTheKey(_ fleet: Fleet) async throws {
        let config = fleet.folder.appending(path: "home/.config/nave")
        let before = try Data(contentsOf: config.appending(path: "client.json"))
        func login(_ arguments: String..., key: String? = nil) async throws -> Finished {
            try await fleet.run("hub", ["login"] + arguments, input: key.map { Data($0.utf8) })
        }
        let wrong = try await login(fleet.url, key: "nave_wrong\n")
        #expect(wrong.exitCode == 77 && wrong.errors.contains("UNAUTHENTICATED"))
        let none = try await login(fleet.url)
        #expect(none.exitCode == 78 && none.errors.contains("standard input"))
        #expect(try await login("nonsense", key: "x").exitCode == 78)
        #expect(try await login("http://127.0.0.1:1", key: "x").exitCode == 69)
        #expect(try Data(contentsOf: config.appending(path: "client.json")) == before, "what was known stays")

        let me = try await fleet.ask("key", "create", "mine", "--scope", "spoke:read")
        let secret = me["key"]?.stringValue ?? ""
        let done = try await login(fleet.url, "--json", key: secret + "\n")
        #expect(done.exitCode == 0, "\(done.errors)")
        #expect(try done.json()["keyId"] == me["record"]?["id"])
        #expect(!done.text.contains(secret) && !done.errors.contains(secret))
        for file in ["client.json", "client.key"] {
            let facts = try FileManager.default.attributesOfItem(atPath: config.appending(path: file).path)
            #expect((facts[.posixPermissions] as? Int) == 0o600, "\(file)")
        }
        #expect(try await fleet.ask("accounts", "show")["scopes"] == ["spoke:read"])
        try await fleet.refused(["accounts"], exits: 77, "ACCESS_DENIED", saying: "account:read")
        try before.write(to: config.appending(path: "client.json"))
        let file = try fleet.write(secret, to: "mine.key")
        #expect(try await login(fleet.url + "/", "--key-file", file).exitCode == 0)
        #expect(try await fleet.ask("accounts", "show")["scopes"] == ["spoke:read"])
        try before.write(to: config.appending(path: "client.json"))
    }

    private func accountsAndOrganisationsAreLookedAfterFromAShell(_ fleet: Fleet) async throws {
        try await fleet.ask("accounts", "create", "ada@example.org", "--name", "Ada")
        try await fleet.refused(["accounts", "create", "ADA@example.org"], "CONFLICT", saying: "ada@example.org")
        let table = try await fleet.hub("accounts").text
        #expect(table.hasPrefix("ACCOUNT") && table.contains("ada@example.org"))
        let issued = try await fleet.ask(
            "key",
            "create",
            "hers",
            "--scope",
            "org:write",
            "--scope",
            "project:admin",
            "--scope",
            "audit:read",
            "--account",
            "ada@example.org",
            "--resource",
            "project:7=deploy,restart",
            "--calls-per-second",
            "100"
        )
        #expect(issued["record"]?["resources"] == ["project:7": ["deploy", "restart"]])
        let key = try fleet.write(issued["key"]?.stringValue ?? "", to: "ada.key")
        func hers(_ arguments: String...) async throws -> Finished {
            try await fleet.run("hub", arguments + ["--key-file", key])
        }
        #expect(try await hers("orgs", "create", "Analytical Engines").exitCode == 0)
        #expect(try await hers("orgs").text.contains("analytical-engines"))
        #expect(try await hers("orgs", "add", "analytical-engines", "admin", "--level", "admin").exitCode == 0)
        #expect(try await hers("orgs", "members", "analytical-engines").text.contains("ada@example.org"))
        let plans = ["plans", "--repo", "/srv/plans.git", "--org", "analytical-engines", "--key-file", key]
        #expect(try await fleet.run("hub", ["project", "add"] + plans).exitCode == 0)
        #expect(try await hers("project", "list", "--org", "analytical-engines").text.contains("plans"))
        let inUse = try await hers("orgs", "delete", "analytical-engines")
        #expect(inUse.exitCode == 1 && inUse.errors.contains("CONFLICT") && inUse.errors.contains("plans"))
        #expect(try await hers("orgs", "transfer", "analytical-engines", "admin").exitCode == 0)
        #expect(try await hers("orgs", "set", "analytical-engines", "admin", "member").exitCode == 77)
        #expect(try await hers("orgs", "show", "analytical-engines").text.contains("membershipLevel: admin"))
        #expect(try await hers("orgs", "remove", "analytical-engines", "ada@example.org").exitCode == 0)
        #expect(try await hers("project", "show", "plans").errors.contains("NOT_FOUND"), "it is its members' alone")

        let id = issued["record"]?["id"]?.stringValue ?? ""
        try await fleet.ask("key", "update", id, "--disable", "--name", "gone")
        #expect(try await hers("orgs").exitCode == 77)
        #expect(try await !fleet.hub("key", "list").text.contains("gone"))
        #expect(try await fleet.hub("key", "list", "--all", "--account", "ada@example.org").text.contains("gone"))
        try await fleet.ask("accounts", "suspend", "ada@example.org")
        let again = ["accounts", "suspend", "ada@example.org"]
        try await fleet.refused(again, "INVALID_TRANSITION", saying: "suspended")
        #expect(try await fleet.ask("accounts", "show", "ada@example.org")["account"]?["status"] == "suspended")
        let audit = try await fleet.hub("audit", "--account", "ada@example.org", "--since", "1h").text
        #expect(audit.hasPrefix("WHEN") && audit.contains("org.transferOwnership") && audit.contains("CONFLICT"))
        #expect(audit.contains("FROM") && audit.contains("127.0.0.1"))
        #expect(audit.contains("ABOUT") && audit.contains("org=analytical-engines"))
        try await fleet.refused(["audit", "--account", "ada@typo"], "NOT_FOUND", saying: "ada@typo")
        try await fleet.refused(["audit", "--org", "nope"], "NOT_FOUND", saying: "nope")
        let lines = try await fleet.ask("audit", "--org", "analytical-engines", "--action", "org.*", "--limit", "3")
        #expect(lines["entries"]?.arrayValue?.count == 3)
    }

    private func aFollowerIsLetGoWithItsKey(_ fleet: Fleet) async throws {
        try await fleet.addSpoke("worker")
        try await fleet.addProject("endless")
        let session = try await fleet.spawn("endless", ["sh", "-c", "while :; do echo x; sleep 0.2; done"])
        let issued = try await fleet.ask("key", "create", "follower", "--scope", "session:read")
        let file = try fleet.write(issued["key"]?.stringValue ?? "", to: "follower.key")
        async let followed = fleet.run("hub", ["logs", session, "-f", "--key-file", file])
        let id = issued["record"]?["id"]?.stringValue ?? ""
        _ = try await eventually("the follower was let in") {
            let keys = try await fleet.ask("key", "list")["keys"]?.arrayValue ?? []
            return keys.first { $0["id"]?.stringValue == id }?["lastUsedAt"]
        }
        try await fleet.ask("key", "revoke", id)
        let finished = try await followed
        #expect(finished.exitCode == 77 && finished.errors.contains("UNAUTHENTICATED"), "\(finished.errors)")
        try await fleet.ask("abort", session)
    }

    private func secretsAndRolesAreKeptFromAShell(_ fleet: Fleet) async throws {
        let canary = "canary-\(UUID().uuidString)"
        let config = #"{"baseUrl":"https://git.example.org"}"#
        try await fleet.ask("clients", "create", "gitea", "--type", "vcs", "--config", config)
        let leaky = ["clients", "create", "x", "--type", "custom", "--config", #"{"token":"x"}"#]
        try await fleet.refused(leaky, "VALIDATION_ERROR", saying: "secret.set")
        let set = try await fleet.run("hub", ["secrets", "set", "gitea", "token"], input: Data((canary + "\n").utf8))
        #expect(set.exitCode == 0, "\(set.errors)")
        #expect(try await fleet.hub("secrets").text.contains("token"))
        #expect(try await fleet.hub("clients").text.contains("token"))
        #expect(try await fleet.ask("secrets", "rotate")["remaining"] == 0)
        for command in [["clients", "show", "gitea"], ["secrets"], ["audit"], ["call", "setting.get"]] {
            let shown = try await fleet.run("hub", command + ["--json"])
            #expect(shown.exitCode == 0 && !shown.text.contains(canary), "\(command)")
        }
        let keys = fleet.folder.appending(path: "hub/secret.keys").path
        let mode = try FileManager.default.attributesOfItem(atPath: keys)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        try await fleet.ask("secrets", "delete", "gitea", "token")
        try await fleet.ask("clients", "delete", "gitea")

        #expect(try await fleet.hub("roles").text.contains("implementation-specialist"))
        let rules = #"[{"action":"fs.write","permission":"allow","pattern":"docs/*"}]"#
        try await fleet.ask(
            "roles",
            "create",
            "writer",
            "--description",
            "Docs.",
            "--parent",
            "code-reviewer",
            "--permissions",
            rules
        )
        #expect(try await fleet.hub("roles", "resolve", "writer", "fs.write", "docs/a").text.hasPrefix("allow"))
        let denied = try await fleet.hub("roles", "resolve", "writer", "fs.write", "src/a").text
        #expect(denied.hasPrefix("deny") && denied.contains("code-reviewer"))
        try await fleet.refused(["roles", "delete", "code-reviewer"], "CONFLICT", saying: "writer")
        try await fleet.refused(["roles", "update", "code-reviewer", "--parent", "writer"], "CONFLICT", saying: "→")
        try await fleet.ask("roles", "delete", "writer")
    }

    private func whatIsNotAHubIsNotTakenForOne(_ fleet: Fleet) async throws {
        let nobody = "http://127.0.0.1:1"
        try await fleet.refused(["spokes", "--url", nobody], exits: 69, "UNAVAILABLE", saying: "No hub answers")
        try await fleet.refused(["logs", "x", "-f", "--url", nobody], exits: 69, "UNAVAILABLE", saying: "No hub")
        let join = ["join", nobody, "--token", "t", "--data-dir", fleet.directory(of: "n").path]
        try await fleet.refused(join, exits: 69, "UNAVAILABLE", saying: "No hub answers", by: "spoke")
        for address in ["nonsense", "ftp://127.0.0.1", "http://"] {
            try await fleet.refused(["spokes", "--url", address], exits: 78, "VALIDATION_ERROR", saying: "address")
        }
    }

    private func badConfigurationIsNamed(_ fleet: Fleet) async throws {
        let open = try fleet.write("key", to: "open.key", mode: 0o644)
        try await fleet.refused(["spokes", "--key-file", open], exits: 78, "VALIDATION_ERROR", saying: "chmod 600")
        try await fleet.refused(["spokes", "--key-file", "/nope"], exits: 78, "VALIDATION_ERROR", saying: "/nope")
        let data = fleet.folder.appending(path: "other-hub").path
        try await fleet.refused(["serve", "--listen", "x", "--data-dir", data], exits: 78, "hub: ", saying: "--listen")
        let broken = try fleet.write("x: [", to: "broken.yaml")
        try await fleet.refused(
            ["serve", "--config", broken, "--data-dir", data],
            exits: 78,
            "hub: ",
            saying: "broken.yaml"
        )
        for usage in [["bogus"], ["spawn"], ["spawn", "--project", "x"], ["token", "create", "--label", "x"]] {
            try await fleet.refused(usage, exits: 64, "Error", saying: "Usage")
        }
        try await fleet.refused(["join", fleet.url], exits: 64, "Error", saying: "--token", by: "spoke")
    }
}
