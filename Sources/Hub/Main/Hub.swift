import ArgumentParser
import Coordinator
import Protocol

/// The hub: a server, and the client that speaks to it, in one binary.
@main
struct Hub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub",
        abstract: "Runs a Nave hub, or asks one.",
        version: Release.version,
        subcommands: subcommands
    )

    /// Everything that `hub` can be told. The client's commands stand beside those of the server.
    static let subcommands: [any ParsableCommand.Type] =
        [ServeCommand.self, MigrateCommand.self] + Coordinator.commands
}
