import ArgumentParser
import Protocol

/// `hub accounts list|show|create|update|suspend|activate|deactivate|delete`
struct AccountsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accounts",
        abstract: "Who may have keys.",
        subcommands: [
            List.self, Show.self, Create.self, Update.self, Suspend.self, Activate.self, Deactivate.self, Delete.self,
        ],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "All accounts.")

        @OptionGroup var client: ClientOptions
        @Option(help: "Only accounts in this state: active, suspended or deactivated.") var status: String?
        @Option(help: "Only accounts whose email or name contains this.") var text: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = [:]
            input["status"] = status.map(JSONValue.string)
            input["text"] = text.map(JSONValue.string)
            let answer = try await hub.pages("account.list", "accounts", .object(input))
            if client.json { return try Output.json(answer) }
            var table = Table("ACCOUNT", "EMAIL", "NAME", "LEVEL", "STATUS", "CREATED")
            for account in answer["accounts"]?.arrayValue ?? [] {
                table.add(
                    account.cell("id"),
                    account.cell("email"),
                    account.cell("displayName"),
                    account.cell("accessLevel"),
                    account.cell("status"),
                    account.age("createdAt")
                )
            }
            try Output.line(table.text(empty: "No accounts."))
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One account; who one is, if none is named.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The account, by email or id.") var account: String?

        func ask(_ hub: HubClient) async throws {
            let input: JSONValue = account.map { ["account": .string($0)] } ?? [:]
            let answer = try await hub.call("account.get", input)
            if client.json { return try Output.json(answer) }
            try Output.fields(answer["account"] ?? .null)
            if account == nil { try Output.line("scopes: \(answer.cell("scopes"))") }
        }
    }

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an account; give it a key with `hub key create`."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "Its email.") var email: String
        @Option(help: "What people call it.") var name: String?
        @Option(help: "What it is for: admin, user or service.") var level: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["email": .string(email)]
            input["displayName"] = name.map(JSONValue.string)
            input["accessLevel"] = level.map(JSONValue.string)
            let account = try await hub.call("account.create", .object(input))
            try client.json ? Output.json(account) : Output.line("\(account.cell("id"))  \(account.cell("email"))")
        }
    }

    struct Update: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Change an account.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The account, by email or id.") var account: String
        @Option(help: "Its new email.") var email: String?
        @Option(help: "What people call it.") var name: String?
        @Option(help: "What it is for: admin, user or service.") var level: String?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["account": .string(account)]
            input["email"] = email.map(JSONValue.string)
            input["displayName"] = name.map(JSONValue.string)
            input["accessLevel"] = level.map(JSONValue.string)
            let answer = try await hub.call("account.update", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Suspend: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Lock an account: its keys are refused at once.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The account, by email or id.") var account: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("account.suspend", ["account": .string(account)])
            if client.json { try Output.json(answer) }
        }
    }

    struct Activate: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Open an account again.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The account, by email or id.") var account: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("account.activate", ["account": .string(account)])
            if client.json { try Output.json(answer) }
        }
    }

    struct Deactivate: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Give an account up; what it did stays on record.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The account, by email or id.") var account: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("account.deactivate", ["account": .string(account)])
            if client.json { try Output.json(answer) }
        }
    }

    struct Delete: ClientCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an account that never changed anything and owns nothing."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The account, by email or id.") var account: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("account.delete", ["account": .string(account)])
            if client.json { try Output.json(answer) }
        }
    }
}

extension Output {
    /// An object for people: a line a field, by name.
    static func fields(_ value: JSONValue) throws {
        guard case .object(let members) = value else { return }
        for key in members.keys.sorted() { try line("\(key): \(value.cell(key))") }
    }
}
