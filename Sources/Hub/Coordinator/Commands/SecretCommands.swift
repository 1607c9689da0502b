import ArgumentParser
import Foundation
import Protocol

/// `hub clients list|show|create|update|delete`
struct ClientsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients",
        abstract: "Services outside that the hub and its spokes reach.",
        subcommands: [List.self, Show.self, Create.self, Update.self, Delete.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "All services.")

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("client.list", "clients")
            if client.json { return try Output.json(answer) }
            var table = Table("NAME", "TYPE", "ENABLED", "SECRETS", "ID")
            for one in answer["clients"]?.arrayValue ?? [] {
                table.add(one.cell("name"), one.cell("type"), one.cell("enabled"), one.cell("secrets"), one.cell("id"))
            }
            try Output.line(table.text(empty: "No services."))
        }
    }

    struct Show: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "One service.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The service, by name or id.") var name: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("client.get", ["client": .string(name)])
            try client.json ? Output.json(answer) : Output.fields(answer)
        }
    }

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a service known.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "Its name.") var name: String
        @Option(help: "What it is: llm-provider, vcs, compute, mcp-server or custom.") var type: String
        @Option(help: "How to reach it: JSON, @FILE, or - for standard input. Never a secret.") var config: String?

        func ask(_ hub: HubClient) async throws {
            let input: JSONValue = [
                "name": .string(name), "type": .string(type), "config": try TextArgument.readJSON(config),
            ]
            let answer = try await hub.call("client.create", input)
            try client.json ? Output.json(answer) : Output.line("\(answer.cell("id"))  \(answer.cell("name"))")
        }
    }

    struct Update: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Change a service.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The service, by name or id.") var name: String
        @Option(help: "How to reach it: JSON, @FILE, or - for standard input.") var config: String?
        @Flag(help: "Do not use it any more.") var disable = false
        @Flag(help: "Use it again.") var enable = false

        func validate() throws {
            guard !(enable && disable) else { throw ValidationError("--enable and --disable exclude each other.") }
        }

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["client": .string(name)]
            if config != nil { input["config"] = try TextArgument.readJSON(config) }
            if enable != disable { input["enabled"] = .bool(enable) }
            let answer = try await hub.call("client.update", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Delete: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a service and its secrets.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The service, by name or id.") var name: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("client.delete", ["client": .string(name)])
            if client.json { try Output.json(answer) }
        }
    }
}

/// `hub secrets list|set|delete|rotate`
struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "What services need to be told and nobody may read.",
        subcommands: [List.self, SetValue.self, Delete.self, Rotate.self],
        defaultSubcommand: List.self
    )

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "All secrets, without their values.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "Only those of this service, by name or id.") var name: String?

        func ask(_ hub: HubClient) async throws {
            let input: JSONValue = name.map { ["client": .string($0)] } ?? [:]
            let answer = try await hub.pages("secret.list", "secrets", input)
            if client.json { return try Output.json(answer) }
            var table = Table("SERVICE", "KEY", "SEALED WITH", "EXPIRES", "SET")
            for secret in answer["secrets"]?.arrayValue ?? [] {
                table.add(
                    secret.cell("client"),
                    secret.cell("key"),
                    secret.cell("keyVersion"),
                    secret.cell("expiresAt"),
                    secret.age("updatedAt")
                )
            }
            try Output.line(table.text(empty: "No secrets."))
        }
    }

    struct SetValue: ClientCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Give a service a secret, from standard input or a file."
        )

        @OptionGroup var client: ClientOptions
        @Argument(help: "The service, by name or id.") var name: String
        @Argument(help: "What the secret is called, such as apiKey.") var key: String
        @Option(help: "A file that holds it; otherwise it is read from standard input.") var file: String?
        @Option(help: "How long it is of use, such as 30d.") var ttl: DurationArgument?

        func ask(_ hub: HubClient) async throws {
            // Never an argument: others on this machine see those.
            var value = try TextArgument.read(file.map { "@\($0)" } ?? "-")
            if value.hasSuffix("\n") { value.removeLast() }
            var input: [String: JSONValue] = [
                "client": .string(name), "key": .string(key), "value": .string(value),
            ]
            input["ttlSeconds"] = ttl.map { .integer(Int64($0.seconds)) }
            let answer = try await hub.call("secret.set", .object(input))
            if client.json { try Output.json(answer) }
        }
    }

    struct Delete: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a secret.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The service, by name or id.") var name: String
        @Argument(help: "What the secret is called.") var key: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("secret.delete", ["client": .string(name), "key": .string(key)])
            if client.json { try Output.json(answer) }
        }
    }

    struct Rotate: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Seal all secrets anew with the hub's newest key.")

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("secret.rotate", [:], timeout: .seconds(600))
            if client.json { return try Output.json(answer) }
            try Output.line(
                "\(answer.cell("rotated")) sealed anew with \(answer.cell("keyVersion")), "
                    + "\(answer.cell("remaining")) remain."
            )
        }
    }
}
