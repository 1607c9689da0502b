import ArgumentParser
import Foundation
import Protocol

/// `hub land SESSION --into main`
struct LandCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "land",
        abstract: "Bring what a session did into another branch.",
        discussion: """
            Merges on the spoke that has the branch, in no worktree, and sends the result to the origin. Nothing is
            changed if the two sides disagree: then the files are listed and the exit code is 1.

              hub land fix-login-1f2e3d4c --into main --dry-run
              hub land --project website --branch wt/fix-login --into main --strategy squash
            """
    )

    @OptionGroup var client: ClientOptions
    @Argument(help: "The session.") var session: String?
    @Option(help: "The branch that gets the commits; the project's main branch if absent.") var into: String?
    @Option(help: "Instead of a session: the branch to land.") var branch: String?
    @Option(help: "The project of that branch, by name or id.") var project: String?
    @Option(help: "merge, squash, rebase or fastForward.") var strategy: String = "merge"
    @Option(help: "The commit's message: a text, @FILE, or - for standard input.") var message: String?
    @Flag(help: "Only say whether it would go.") var dryRun = false
    @Flag(inversion: .prefixedNo, help: "Send it to the origin; unless told, not to a clone with files.") var push:
        Bool?
    @Flag(help: "Though the session still works.") var force = false

    func validate() throws {
        guard LandingStrategy(rawValue: strategy) != nil else {
            throw ValidationError("--strategy is merge, squash, rebase or fastForward.")
        }
        guard (session == nil) != (branch == nil), (branch == nil) == (project == nil) else {
            throw ValidationError("Give either a session or --branch with --project.")
        }
    }

    func ask(_ hub: HubClient) async throws {
        var input: [String: JSONValue] = ["strategy": .string(strategy)]
        input["sessionId"] = session.map(JSONValue.string)
        input["branch"] = branch.map(JSONValue.string)
        input["projectId"] = project.map(JSONValue.string)
        input["into"] = into.map(JSONValue.string)
        input["message"] = try message.map { .string(try TextArgument.read($0)) }
        input["push"] = push.map(JSONValue.bool)
        if dryRun { input["dryRun"] = true }
        if force { input["force"] = true }
        let answer = try await hub.call("coord.land", .object(input), timeout: .seconds(330))
        let conflicts = answer["conflicts"]?.arrayValue ?? []
        if client.json {
            try Output.json(answer)
        } else {
            try Output.line(Self.sentence(answer))
            for conflict in conflicts { try Output.line("  \(conflict.cell("path"))  \(conflict.cell("kind"))") }
        }
        if !conflicts.isEmpty { throw ExitCode(1) }
    }

    private static func sentence(_ answer: JSONValue) -> String {
        let way = "\(answer.cell("branch")) → \(answer.cell("into"))"
        switch answer["outcome"]?.stringValue {
        case "landed":
            let place = answer["pushed"] == true ? "sent to the origin" : "kept on the spoke as \(answer.cell("ref"))"
            return "landed  \(way)  \(answer.cell("commit"))  \(place)"
        case "mergeable": return "would land  \(way)  \(answer.cell("commits")) commits, no conflict"
        case "upToDate": return "up to date  \(way)"
        default: return "conflicts  \(way)"
        }
    }
}
