import ArgumentParser
import Protocol

/// The spoke: `join` once, `run` always, the rest for people and for processes inside worktrees (contract.md).
@main struct Spoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spoke",
        abstract: "Works in git worktrees on this machine, for a hub.",
        version: Release.version,
        subcommands: [
            JoinCommand.self, RunCommand.self, StatusCommand.self, DoctorCommand.self, DrainCommand.self,
            JournalCommand.self, WorktreesCommand.self, SessionsCommand.self, CallCommand.self, SubscribeCommand.self,
            NotifyCommand.self, MCPCommand.self,
        ]
    )
}
