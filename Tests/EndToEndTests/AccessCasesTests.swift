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

        let brief = try await fleet.ask("key", "create", "brief", "--scope", "spoke:read", "--ttl", "1s")
        let briefFile = try fleet.write(brief["key"]?.stringValue ?? "", to: "brief.key")
        _ = try await eventually("the key expires") {
            try await fleet.hub("spokes", "--key-file", briefFile).exitCode == 77 ? true : nil
        }
    }

    private func whatIsNotAHubIsNotTakenForOne(_ fleet: Fleet) async throws {
        let nobody = "http://127.0.0.1:1"
        let begun = ContinuousClock.now
        try await fleet.refused(["spokes", "--url", nobody], exits: 69, "UNAVAILABLE", saying: "No hub answers")
        try await fleet.refused(["logs", "x", "-f", "--url", nobody], exits: 69, "UNAVAILABLE", saying: "No hub")
        #expect(ContinuousClock.now - begun < .seconds(20), "nobody there is said at once")
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
