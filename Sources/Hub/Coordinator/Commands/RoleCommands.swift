import ArgumentParser
import Protocol

/// `hub roles list|show|create|update|delete|resolve`
struct RolesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roles",
        abstract: "The roles in which agents work.",
        subcommands: [List.self, Show.self, Create.self, Update.self, Delete.self, Resolve.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "All roles.")

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("role.list", "roles")
            if client.json { return try Output.json(answer) }
            var table = Table("ROLE", "MODE", "PARENT", "RULES", "DESCRIPTION")
            for role in answer["roles"]?.arrayValue ?? [] {
                table.add(
                    role.cell("name"),
                    role.cell("mode"),
                    role.cell("parent"),
                    String(role["permissions"]?.arrayValue?.count ?? 0),
                    role.cell("description")
                )
            }
            try Output.line(table.text(empty: "No roles."))
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One role with its rules in order.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The role, by name or id.") var role: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("role.get", ["role": .string(role)])
            if client.json { return try Output.json(answer) }
            guard case .object(var fields) = answer else { return }
            let rules = fields.removeValue(forKey: "permissions")?.arrayValue ?? []
            try Output.fields(.object(fields))
            var table = Table("RULE", "ACTION", "ON", "SAYS")
            for (index, rule) in rules.enumerated() {
                table.add(
                    "\(index + 1)",
                    rule.cell("action"),
                    rule["pattern"]?.stringValue ?? "*",
                    rule.cell("permission")
                )
            }
            try Output.line(table.text(empty: "No rules of its own."))
        }
    }

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a role.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "Its name.") var name: String
        @Option(help: "What it is for.") var description: String
        @Option(help: "primary or subagent.") var mode = "subagent"
        @OptionGroup var options: RoleOptions

        func ask(_ hub: HubClient) async throws {
            var input = try options.input()
            input["name"] = .string(name)
            input["description"] = .string(description)
            input["mode"] = .string(mode)
            let answer = try await hub.call("role.create", .object(input))
            try client.json ? Output.json(answer) : Output.line("\(answer.cell("id"))  \(answer.cell("name"))")
        }
    }

    struct Update: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Change a role.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The role, by name or id.") var role: String
        @OptionGroup var options: RoleOptions

        func ask(_ hub: HubClient) async throws {
            var input = try options.input()
            input["role"] = .string(role)
            let answer = try await hub.call("role.update", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Delete: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a role that nothing uses.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The role, by name or id.") var role: String
        @Flag(help: "Let roles that inherit from it go on without a parent.") var detachChildren = false

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["role": .string(role)]
            if detachChildren { input["detachChildren"] = true }
            let answer = try await hub.call("role.delete", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Resolve: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "What a role says of an action, and why.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The role, by name or id.") var role: String
        @Argument(help: "The action, such as fs.write.") var action: String
        @Argument(help: "On what: a path, a command, a branch.") var subject: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["role": .string(role), "action": .string(action)]
            input["subject"] = subject.map(JSONValue.string)
            let answer = try await hub.call("role.resolve", .object(input))
            if client.json { return try Output.json(answer) }
            try Output.line("\(answer.cell("permission"))\n\(answer.cell("reason"))")
        }
    }
}

/// What may be said of a role besides its name.
struct RoleOptions: ParsableArguments {
    @Option(help: "The role from which it inherits, by name or id; empty for none.") var parent: String?
    @Option(help: "How freely the model speaks, 0 to 2.") var temperature: Double?
    @Option(help: "The model that it uses.") var model: String?
    @Option(help: "What an agent in it is told: a text, @FILE, or - for standard input.") var prompt: String?
    @Option(help: "Its rules in order, as JSON, @FILE, or -: [{\"action\", \"permission\", \"pattern\"?}, …].")
    var permissions: String?

    func input() throws -> [String: JSONValue] {
        var input: [String: JSONValue] = [:]
        input["parent"] = parent.map(JSONValue.string)
        input["temperature"] = temperature.map(JSONValue.number)
        input["model"] = model.map(JSONValue.string)
        input["prompt"] = try prompt.map { .string(try TextArgument.read($0)) }
        if permissions != nil { input["permissions"] = try TextArgument.readJSON(permissions) }
        return input
    }
}
