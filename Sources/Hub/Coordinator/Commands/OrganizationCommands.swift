import ArgumentParser
import Protocol

/// `hub orgs list|show|create|update|delete|transfer|members|add|set|remove`
struct OrganizationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orgs",
        abstract: "Organisations: who shares which projects.",
        subcommands: [
            List.self, Show.self, Create.self, Update.self, Delete.self, Transfer.self, Members.self, Add.self,
            SetLevel.self, Remove.self,
        ],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "One's organisations; all of them for administrators."
        )

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("org.list", "organizations")
            if client.json { return try Output.json(answer) }
            var table = Table("SLUG", "NAME", "ID", "OWN LEVEL", "MEMBERS", "PROJECTS")
            for org in answer["organizations"]?.arrayValue ?? [] {
                table.add(
                    org.cell("slug"),
                    org.cell("name"),
                    org.cell("id"),
                    org.cell("membershipLevel"),
                    org.cell("members"),
                    org.cell("projects")
                )
            }
            try Output.line(table.text(empty: "No organisations. Make one with `hub orgs create NAME`."))
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One organisation.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The organisation, by slug or id.") var org: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("org.get", ["org": .string(org)])
            try client.json ? Output.json(answer) : Output.fields(answer)
        }
    }

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make an organisation of one's own.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "What people call it.") var name: String
        @Option(help: "Its short name; made from the name if absent.") var slug: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["name": .string(name)]
            input["slug"] = slug.map(JSONValue.string)
            let org = try await hub.call("org.create", .object(input))
            try client.json ? Output.json(org) : Output.line("\(org.cell("id"))  \(org.cell("slug"))")
        }
    }

    struct Update: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Change an organisation's names.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The organisation, by slug or id.") var org: String
        @Option(help: "What people shall call it.") var name: String?
        @Option(help: "Its new short name.") var slug: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["org": .string(org)]
            input["name"] = name.map(JSONValue.string)
            input["slug"] = slug.map(JSONValue.string)
            let answer = try await hub.call("org.update", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Delete: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Remove an organisation that has no projects.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The organisation, by slug or id.") var org: String
        @Flag(help: "Let its projects go on outside any organisation, open to all.") var detachProjects = false

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["org": .string(org)]
            if detachProjects { input["detachProjects"] = true }
            let answer = try await hub.call("org.delete", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Transfer: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make another account answer for an organisation.")

        @OptionGroup var client: ClientOptions
        @OptionGroup var membership: MembershipArguments

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("org.transferOwnership", .object(membership.input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Members: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Who is in an organisation.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The organisation, by slug or id.") var org: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("org.members", "members", ["org": .string(org)])
            if client.json { return try Output.json(answer) }
            var table = Table("EMAIL", "NAME", "LEVEL", "ACCOUNT", "STATUS", "SINCE")
            for member in answer["members"]?.arrayValue ?? [] {
                table.add(
                    member.cell("email"),
                    member.cell("displayName"),
                    member.cell("membershipLevel"),
                    member.cell("accountId"),
                    member.cell("status"),
                    member.age("createdAt")
                )
            }
            try Output.line(table.text(empty: "No members."))
        }
    }

    struct Add: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Take an account into an organisation.")

        @OptionGroup var client: ClientOptions
        @OptionGroup var membership: MembershipArguments
        @Option(help: "What it may do there: owner, admin or member.") var level: String?

        func ask(_ hub: HubClient) async throws {
            var input = membership.input
            input["level"] = level.map(JSONValue.string)
            let answer = try await hub.call("org.addMember", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct SetLevel: ClientCommand {
        static let configuration = CommandConfiguration(commandName: "set", abstract: "Change a member's level.")

        @OptionGroup var client: ClientOptions
        @OptionGroup var membership: MembershipArguments
        @Argument(help: "What it may do there: owner, admin or member.") var level: String

        func ask(_ hub: HubClient) async throws {
            let input = membership.input.merging(["level": .string(level)]) { $1 }
            let answer = try await hub.call("org.setMembership", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Remove: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "End a membership.")

        @OptionGroup var client: ClientOptions
        @OptionGroup var membership: MembershipArguments

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("org.removeMember", .object(membership.input))
            if client.json { try Output.json(answer) }
        }
    }
}

/// Somebody in an organisation.
struct MembershipArguments: ParsableArguments {
    @Argument(help: "The organisation, by slug or id.") var org: String
    @Argument(help: "The account, by email or id.") var account: String

    var input: [String: JSONValue] { ["org": .string(org), "account": .string(account)] }
}
