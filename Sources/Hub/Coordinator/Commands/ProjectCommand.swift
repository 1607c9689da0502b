import ArgumentParser
import Foundation
import Protocol

/// `hub project add|list|show|remove`
struct ProjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project",
        abstract: "The git repositories that work happens in.",
        subcommands: [Add.self, List.self, Show.self, Remove.self]
    )

    struct Add: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a repository known.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "A short name.") var name: String
        @Option(help: "What git clone understands: a URL, or a path that exists on the spokes.") var repo: String
        @Option(help: "The branch that work begins from.") var branch: String?
        @Option(help: "The organisation whose members alone shall see it, by slug or id.") var org: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["name": .string(name), "repoUrl": .string(absolute(repo))]
            input["defaultBranch"] = branch.map(JSONValue.string)
            input["org"] = org.map(JSONValue.string)
            let project = try await hub.call("project.create", .object(input))
            if client.json { return try Output.json(project) }
            try Output.line("\(project.cell("id"))  \(project.cell("name"))")
        }

        /// A relative path means one thing here and another on a spoke.
        private func absolute(_ repository: String) -> String {
            guard !repository.contains(":"), FileManager.default.fileExists(atPath: repository) else {
                return repository
            }
            return URL(filePath: repository).standardizedFileURL.path(percentEncoded: false)
        }
    }

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "All projects.")

        @OptionGroup var client: ClientOptions
        @Option(help: "Only those of this organisation, by slug or id.") var org: String?

        func ask(_ hub: HubClient) async throws {
            let input: JSONValue = org.map { ["org": .string($0)] } ?? [:]
            let answer = try await hub.pages("project.list", "projects", input)
            if client.json { return try Output.json(answer) }
            var table = Table("PROJECT", "NAME", "BRANCH", "REPOSITORY")
            for project in answer["projects"]?.arrayValue ?? [] {
                table.add(
                    project.cell("id"),
                    project.cell("name"),
                    project.cell("defaultBranch"),
                    project.cell("repoUrl")
                )
            }
            try Output.line(table.text(empty: "No projects. Add one with `hub project add NAME --repo URL`."))
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One project.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The project, by name or id.") var project: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("project.get", ["project": .string(project)])
            if client.json { return try Output.json(answer) }
            guard case .object(let fields) = answer else { return }
            for key in fields.keys.sorted() { try Output.line("\(key): \(answer.cell(key))") }
        }
    }

    struct Remove: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a project and all its sessions.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The project, by name or id.") var project: String
        @Flag(help: "Give up what was salvaged of its worktrees as well.") var discardSalvaged = false

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["project": .string(project)]
            if discardSalvaged { input["discardSalvaged"] = true }
            let answer = try await hub.call("project.delete", .object(input))
            if client.json { try Output.json(answer) }
        }
    }
}
