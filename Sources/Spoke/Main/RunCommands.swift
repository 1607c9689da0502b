import ArgumentParser
import Foundation
import Protocol
import SpokeAgent

/// `spoke join URL (--token T | --token-file FILE)`
struct JoinCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Get a credential from a hub, once.",
        discussion: "The hub's operator makes the token with `hub token create`."
    )

    @OptionGroup var local: LocalOptions
    @Argument(help: "The hub's address, such as http://127.0.0.1:7420.") var url: String
    @Option(help: "The join token. Others on this machine can see it: prefer --token-file.") var token: String?
    @Option(help: "A file that holds the join token.") var tokenFile: String?
    @Option(help: "What this spoke is called; the machine's name if absent.") var name: String?
    @Option(help: "A PEM file with the authorities that vouch for the hub; the system's if absent.") var caFile: String?
    @Option(name: .customLong("label"), help: "A label (k=v); may be repeated.") var labels: [String] = []

    func validate() throws {
        guard (token == nil) != (tokenFile == nil) else {
            throw ValidationError("Give either --token or --token-file.")
        }
        for label in labels where !label.dropFirst().contains("=") {
            throw ValidationError("--label takes NAME=VALUE, not “\(label)”.")
        }
    }

    func act() async throws {
        let pairs = labels.map { label in
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), String(parts[1]))
        }
        let joining = Joining(
            hub: url,
            token: try joinToken(),
            name: name ?? Host.name(),
            labels: Dictionary(pairs, uniquingKeysWith: { $1 }),
            authorityFile: caFile.map { URL(filePath: $0).standardizedFileURL.path(percentEncoded: false) }
        )
        let credential = try await joining.run(in: local.paths)
        if local.json {
            Output.json(["spokeId": credential.spokeId.rawValue, "name": credential.name, "hub": credential.hub])
        } else {
            Output.line("joined \(credential.hub) as \(credential.name); start it with `spoke run`")
        }
    }

    private func joinToken() throws(Fault) -> String {
        if let token { return token }
        let path = tokenFile ?? ""
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Fault(.validation, "The token file \(path) cannot be read.")
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// `spoke run`
struct RunCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Work until told to stop; offline if need be.",
        discussion: """
            Prints one line of JSON at its first connection. SIGTERM leaves the hub in order; sessions go on without
            the agent and are found again by the next run.
            """
    )

    @OptionGroup var local: LocalOptions
    @Option(help: "The configuration; spoke.yaml in the data directory if absent.") var config: String?

    func act() async throws {
        let paths = local.paths
        let configuration = try SpokeConfiguration.read(
            config ?? paths.configuration,
            required: config != nil
        )
        try configuration.own.checkPlaces()
        try await SpokeAgent(paths: paths, configuration: configuration).run()
    }
}
