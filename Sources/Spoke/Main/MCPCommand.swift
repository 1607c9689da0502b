import ArgumentParser
import SpokeAgent

#if canImport(Glibc)
    import Glibc
#endif

/// `spoke mcp`, from inside a worktree
struct MCPCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Serve the Model Context Protocol on standard input and output, with what this session was granted."
    )
    @OptionGroup var local: LocalOptions

    func act() async throws {
        // A client that has gone is noticed by the end of the input.
        signal(SIGPIPE, SIG_IGN)
        let provider = SessionProvider(
            session: try InsideSession.identity(),
            origin: InsideSession.origin,
            socket: local.socket
        )
        await StandardMCP(provider).serve()
    }
}
