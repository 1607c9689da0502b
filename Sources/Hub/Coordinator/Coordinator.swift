public import ArgumentParser

/// The hub as seen from a shell: every client command, for the `hub` binary to offer next to `serve` and `migrate`.
public enum Coordinator {
    public static let commands: [any ParsableCommand.Type] = [
        SpawnCommand.self, StatusCommand.self, LogsCommand.self, MessageCommand.self, AbortCommand.self,
        WaitCommand.self, WhyCommand.self, SpokesCommand.self, WorktreesCommand.self, RestoreCommand.self,
        ProjectCommand.self, OperationsCommand.self, CallCommand.self, SubscribeCommand.self, TokenCommand.self,
        KeyCommand.self, AccountsCommand.self, OrganizationsCommand.self, AuditCommand.self, ClientsCommand.self,
        SecretsCommand.self, RolesCommand.self, VerifyCommand.self, LoginCommand.self, CallsCommand.self,
        TasksCommand.self, LandCommand.self, AttachCommand.self, MessagesCommand.self, DetectionsCommand.self,
    ]
}
