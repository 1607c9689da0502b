import ArgumentParser
import Foundation
import Protocol

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
        @Flag(help: "Make a key that may do only what needs no right: read who it is, and what it may call.")
        var noScopes = false
        @Option(help: "How long it is valid, such as 30d; for ever if absent.") var ttl: DurationArgument?
        @Option(help: "Whose key it will be, by email or id; one's own if absent.") var account: String?
        @OptionGroup var rate: RateOptions

        func validate() throws {
            guard !noScopes || scopes.isEmpty else {
                throw ValidationError("--no-scopes and --scope exclude each other.")
            }
            guard noScopes || !scopes.isEmpty || !resources.isEmpty else {
                throw ValidationError("Say what the key may do, such as --scope session:read, or --no-scopes.")
            }
        }

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
            var table = Table(
                "KEY",
                "PREFIX",
                "NAME",
                "ACCOUNT",
                "STATE",
                "SCOPES",
                "RATE",
                "EXPIRES",
                "LAST USED",
                "ROTATED TO"
            )
            for key in answer["keys"]?.arrayValue ?? [] {
                table.add(
                    key.cell("id"),
                    key.cell("prefix"),
                    key.cell("name"),
                    key.cell("ownerEmail"),
                    KeyShown.state(of: key, at: Date()),
                    KeyShown.scopes(of: key),
                    KeyShown.rate(of: key),
                    key.cell("expiresAt"),
                    key.age("lastUsedAt"),
                    key.cell("rotatedToId")
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

/// A key as people see it in a list.
enum KeyShown {
    /// Scopes take at most this many characters of a line; `--json` has them all.
    static let scopesWidth = 48

    /// Whether it is accepted, and if not, why: what is final first.
    static func state(of key: JSONValue, at now: Date) -> String {
        if key["revokedAt"]?.stringValue != nil { return "revoked" }
        if let end = key["expiresAt"]?.stringValue.flatMap({ Date(wireText: $0) }), end <= now { return "expired" }
        return key["enabled"] == .bool(false) ? "disabled" : "accepted"
    }

    /// What it may do: scopes, then resources, cut with a mark.
    static func scopes(of key: JSONValue) -> String {
        let resources = key["resources"].flatMap { resources -> [String]? in
            guard case .object(let members) = resources else { return nil }
            return members.keys.sorted()
        }
        let all = (key["scopes"]?.arrayValue?.compactMap(\.stringValue) ?? []) + (resources ?? [])
        return all.isEmpty ? "-" : all.joined(separator: ",").cut(to: scopesWidth)
    }

    /// Its own rate, as `2.5/s, 5 at once`; `-` for as often as others.
    static func rate(of key: JSONValue) -> String {
        key["callsPerSecond"].map { $0 == .null } ?? true
            ? "-" : "\(key.cell("callsPerSecond"))/s, \(key.cell("callsBurst")) at once"
    }
}
