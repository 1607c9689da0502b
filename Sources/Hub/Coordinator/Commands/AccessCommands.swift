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
