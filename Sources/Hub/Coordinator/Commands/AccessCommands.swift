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
            let answer = try await hub.call("token.list")
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

/// `hub key create|list|revoke|rotate`
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "API keys for callers.",
        subcommands: [Create.self, List.self, Revoke.self, Rotate.self]
    )

    struct Create: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key; it is shown this once.")

        @OptionGroup var client: ClientOptions
        @Argument(help: "What the key is for.") var name: String
        @Option(name: .customLong("scope"), help: "A scope such as session:read; may be repeated.")
        var scopes: [String] = []
        @Option(help: "How long it is valid, such as 30d; for ever if absent.") var ttl: DurationArgument?

        func ask(_ hub: HubClient) async throws {
            var input: [String: JSONValue] = ["name": .string(name)]
            input["scopes"] = .array(scopes.map(JSONValue.string))
            input["ttlSeconds"] = ttl.map { .integer(Int64($0.seconds)) }
            let answer = try await hub.call("key.create", .object(input))
            try client.json ? Output.json(answer) : Output.line(answer.cell("key"))
        }
    }

    struct List: ClientCommand {
        static let configuration = CommandConfiguration(abstract: "Keys, without their secrets.")

        @OptionGroup var client: ClientOptions

        func ask(_ hub: HubClient) async throws {
            let answer = try await hub.pages("key.list", "keys")
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

/// `hub login URL --key-file FILE`
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Remember a hub and a key for the commands on this machine."
    )

    @Argument(help: "The hub's address.") var url: String
    @Option(help: "A file that holds the key (mode 0600).") var keyFile: String
    @Option(help: "A PEM file with the authorities that vouch for the hub; the system's if absent.") var caFile: String?

    func run() async throws {
        do {
            let path = Self.absolute(keyFile)
            let authorities = caFile.map(Self.absolute)
            let configuration = try ClientConfiguration.resolve(url: url, keyFile: path, authorityFile: authorities)
            let hub = try HubClient(configuration)
            try await hub.closing { hub in _ = try await hub.call(GetAccount.name) }
            try ClientConfiguration.File(url: url, keyFile: path, caFile: authorities).write()
        } catch let failure as CommandFailure {
            Output.fail(failure.fault, json: false)
            throw ExitCode(failure.exitCode)
        }
    }
}

extension LoginCommand {
    fileprivate static func absolute(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
    }
}

extension ClientConfiguration.File {
    /// Writes `client.json`, for the owner alone.
    func write(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let path = ClientConfiguration.path(in: environment)
        let directory = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let written = FileManager.default.createFile(
            atPath: path,
            contents: Data(WireCoder.bytes(of: self)),
            attributes: [.posixPermissions: 0o600]
        )
        guard written else { throw CommandFailure.configuration("\(path) cannot be written.") }
    }
}
