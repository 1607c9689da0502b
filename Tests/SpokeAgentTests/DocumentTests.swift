import Foundation
import SpokeAgent
import SpokeCore
import TestSupport
import Testing

/// The examples of settings say what the spoke understands, and what it does without them.
@Suite struct DocumentTests {
    @Test func theSpokesExampleShowsTheDefaults() throws {
        let shipped = try SpokeConfiguration.read(Self.path("spoke.yaml.example"), required: true)
        let standard = SpokeConfiguration.standard
        #expect(shipped.slots == standard.slots)
        #expect(shipped.warmWorktrees == standard.warmWorktrees)
        #expect(shipped.journalSoftBytes == standard.journalSoftBytes)
        #expect(shipped.journalHardBytes == standard.journalHardBytes)
        #expect(shipped.diskReserve == standard.diskReserve)
        #expect(shipped.logLevel == standard.logLevel)
    }

    @Test func everySettingOfTheSpokesExampleIsUnderstood() throws {
        let full = try Self.inForce("spoke.yaml.example")
        defer { try? FileManager.default.removeItem(atPath: full) }  // Only tidiness.
        let configuration = try SpokeConfiguration.read(full, required: true)
        #expect(configuration.agents["claude"]?.promptVia == .stdin)
        #expect(configuration.labels["gpu"] == "none")
        #expect(!configuration.redact.isEmpty)
        let known = try WrittenPage.text("Sources/Spoke/Agent/Configuration/SpokeConfiguration.swift")
        for setting in known.matches(of: #/"(\w+)": nil/#) {
            #expect(
                try WrittenPage.text("deploy/spoke.yaml.example").contains("\(setting.1):"),
                "\(setting.1) is not shown"
            )
        }
    }

    @Test func theExampleOfAPolicyPermitsWhatNoPolicyPermits() throws {
        #expect(try PolicyFile.read(Self.path("policy.yaml.example")) == Policy(environment: try Self.environment()))
        let full = try Self.inForce("policy.yaml.example")
        defer { try? FileManager.default.removeItem(atPath: full) }  // Only tidiness.
        let policy = try PolicyFile.read(full)
        #expect(policy.sessionsMax == 8)
        #expect(policy.hours.map(\.description) == ["20:00-07:00"])
        #expect(!policy.repositories.permits("https://elsewhere.example/x.git"))
    }

    /// The example names the environment's list, and what it denies is added to what is always denied.
    private static func environment() throws -> AllowList {
        try PolicyFile.read(path("policy.yaml.example")).environment
    }

    private static func path(_ file: String) -> String { WrittenPage.root.appending(path: "deploy/\(file)").path }

    /// The example with every setting that is commented out in force.
    private static func inForce(_ file: String) throws -> String {
        let text = try WrittenPage.text("deploy/\(file)").replacing(#/(?m)^#(?=\w+:| {2,}[\w-]+)/#, with: "")
        let copy = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(file)")
        try Data(text.utf8).write(to: copy)
        return copy.path
    }
}
