public import Logging
public import Protocol

/// A Postgres of one's own: made, started, watched and stopped by this program, reachable by its Unix socket alone.
public actor PrivateCluster {
    /// - Parameter directory: Where everything of it lives; created if missing.
    public init(directory: String, settings: ClusterSettings = ClusterSettings(), logger: Logger) {}

    /// Creates the cluster if it is not there, adopts it if it still runs, starts it otherwise; returns once it answers.
    public func start() async throws(Fault) -> DatabaseConfiguration { fatalError() }

    /// Watches the server and starts it again whenever it is gone, until the task is cancelled.
    public func run() async { fatalError() }

    /// Ends the server: open transactions roll back, all that was committed is on disk.
    public func stop() async { fatalError() }
}
