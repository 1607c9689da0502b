import Foundation
import Protocol
import TestSupport
import Testing

/// What is written about the programs is what the programs say.
@Suite struct DocumentTests {
    @Test func thePageOfCommandsIsWhatTheProgramsSay() async throws {
        let fleet = try Fleet()
        var programs: [JSONValue] = []
        for name in ["hub", "spoke"] {
            programs.append(try await fleet.run(name, ["--experimental-dump-help"]).json())
        }
        await fleet.stop()
        let page = CommandPages.page(programs)
        #expect(page.contains("### hub token create"))
        #expect(try WrittenPage.difference(of: "docs/commands.md", from: page) == nil)
    }

    /// As shipped it starts a hub; with every setting in force the first complaint is of a file that is not there.
    @Test func theHubsExampleOfSettingsIsUnderstood() async throws {
        try await withFleet { fleet in
            let example = try WrittenPage.text("deploy/hub.yaml.example")
            let shipped = fleet.folder.appending(path: "shipped.yaml")
            try Data(example.utf8).write(to: shipped)
            let ready = try await fleet.startHub(["--config", shipped.path])
            #expect(ready["database"]?.stringValue == "private")

            let full = fleet.folder.appending(path: "full.yaml")
            try Data(example.replacing(#/(?m)^#(?=[a-zA-Z]+:|  [a-zA-Z]+:)/#, with: "").utf8).write(to: full)
            let refused = try await fleet.run("hub", ["serve", "--config", full.path, "--database", "host=/nowhere"])
            #expect(refused.exitCode == 78)
            #expect(refused.errors.contains("/etc/nave/hub.key cannot be found"), "\(refused.errors)")
        }
    }
}
