import ArgumentParser
import Foundation
import Protocol

/// `hub token create|list|revoke`
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Join tokens for new spokes.",
        subcommands: [Create.self, List.self, Revoke.self]
    )

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a join token; it is shown this once.")

        @OptionGroup var client: ClientOptions
        @Option(help: "How long it may be used, such as 1h.") var ttl: DurationArgument?
        @Option(help: "How many spokes may join with it.") var uses: Int?
        @Option(name: .customLong("label"), help: "A label for each of them (k=v); may be repeated.")
        var labels: [String] = []

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = [:]
            input["ttlSeconds"] = ttl.map { .integer(Int64($0.seconds)) }
            input["uses"] = uses.map { .integer(Int64($0)) }
            let wanted = try KeyValue.parse(labels, option: "--label")
            if !wanted.isEmpty { input["labels"] = .object(wanted.mapValues(JSONValue.string)) }
            let answer = try await hub.call("token.create", .object(input))
            if client.json { return try Output.json(answer) }
            try Output.line(answer.cell("token"))
            Output.note("Expires \(answer.cell("expiresAt")). Use it with `spoke join URL --token-file FILE`.")
        }
    }

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Tokens that may still be used.")

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("token.list", "tokens")
            if client.json { return try Output.json(answer) }
            var table = Table("TOKEN", "USES LEFT", "EXPIRES", "LABELS")
            for token in answer["tokens"]?.arrayValue ?? [] {
                table.add(token.cell("id"), token.cell("usesLeft"), token.cell("expiresAt"), token.cell("labels"))
            }
            try Output.line(table.text(empty: "No join tokens."))
        }
    }

    struct Revoke: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token useless.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The token's id.") var token: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("token.revoke", ["id": .string(token)])
            if client.json { try Output.json(answer) }
        }
    }
}

/// `hub key create|list|update|revoke|rotate`
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "API keys for callers.",
        subcommands: [Create.self, List.self, Update.self, Revoke.self, Rotate.self]
    )

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key; it is shown this once.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "What the key is for.") var name: String
        @Option(name: .customLong("scope"), help: "A scope such as session:read; may be repeated.")
        var scopes: [String] = []
        @Option(name: .customLong("resource"), help: "Actions on a resource (type:id=action,action); may be repeated.")
        var resources: [String] = []
        @Option(help: "How long it is valid, such as 30d; for ever if absent.") var ttl: DurationArgument?
        @Option(help: "Whose key it will be, by email or id; one's own if absent.") var account: String?
        @OptionGroup var rate: RateOptions

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["name": .string(name)]
            input["scopes"] = .array(scopes.map(JSONValue.string))
            input["ttlSeconds"] = ttl.map { .integer(Int64($0.seconds)) }
            input["account"] = account.map(JSONValue.string)
            let wanted = try KeyValue.parse(resources, option: "--resource")
            if !wanted.isEmpty {
                input["resources"] = .object(
                    wanted.mapValues { .array($0.split(separator: ",").map { .string(String($0)) }) }
                )
            }
            let answer = try await hub.call("key.create", .object(input.merging(rate.input) { $1 }))
            try client.json ? Output.json(answer) : Output.line(answer.cell("key"))
        }
    }

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Keys, without their secrets.")

        @OptionGroup var client: ClientOptions
        @Option(help: "Only keys of this account, by email or id.") var account: String?
        @Flag(help: "Also keys that are revoked, switched off or expired.") var all = false

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = [:]
            input["account"] = account.map(JSONValue.string)
            if all { input["includeRevoked"] = true }
            let answer = try await hub.pages("key.list", "keys", .object(input))
            if client.json { return try Output.json(answer) }
            var table = Table("KEY", "PREFIX", "NAME", "SCOPES", "EXPIRES", "LAST USED", "REVOKED")
            for key in answer["keys"]?.arrayValue ?? [] {
                table.add(
                    key.cell("id"),
                    key.cell("prefix"),
                    key.cell("name"),
                    key.cell("scopes"),
                    key.cell("expiresAt"),
                    key.age("lastUsedAt"),
                    key.cell("revokedAt")
                )
            }
            try Output.line(table.text(empty: "No keys."))
        }
    }

    struct Update: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Rename a key, switch it off or on, change its rate.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The key's id.") var key: String
        @Option(help: "Its new name.") var name: String?
        @Flag(help: "Refuse it until it is enabled again.") var disable = false
        @Flag(help: "Accept it again.") var enable = false
        @OptionGroup var rate: RateOptions

        func validate() throws {
            guard !(enable && disable) else { throw ValidationError("--enable and --disable exclude each other.") }
        }

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["id": .string(key)]
            input["name"] = name.map(JSONValue.string)
            if enable != disable { input["enabled"] = .bool(enable) }
            let answer = try await hub.call("key.update", .object(input.merging(rate.input) { $1 }))
            if client.json { try Output.json(answer) }
        }
    }

    struct Revoke: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key useless at once.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The key's id.") var key: String

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.call("key.revoke", ["id": .string(key)])
            if client.json { try Output.json(answer) }
        }
    }

    struct Rotate: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Replace a key; the old one lives on for a while.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "The key's id.") var key: String
        @Option(help: "How long the old key stays valid, such as 1h.") var overlap: DurationArgument?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["id": .string(key)]
            input["overlapSeconds"] = overlap.map { .integer(Int64($0.seconds)) }
            let answer = try await hub.call("key.rotate", .object(input))
            try client.json ? Output.json(answer) : Output.line(answer.cell("key"))
        }
    }
}

/// How often a key may call.
struct RateOptions: ParsableArguments {
    @Option(help: "Calls a second on average, if not as many as other keys.") var callsPerSecond: Double?
    @Option(help: "Calls at once; goes with --calls-per-second.") var callsBurst: Int?

    var input: [String: JSONValue] {
        var input: [String: JSONValue] = [:]
        input["callsPerSecond"] = callsPerSecond.map(JSONValue.number)
        input["callsBurst"] = callsBurst.map { .integer(Int64($0)) }
        return input
    }
}
