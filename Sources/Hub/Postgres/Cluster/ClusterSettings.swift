/// What a private Postgres is told at its start; everything else is Postgres' default.
public struct ClusterSettings: Sendable, Hashable {
    /// Connections of all programs together (`max_connections`). A hub takes nine; the rest is for tools and tests.
    public var connectionsMax = 100
    /// Memory that Postgres keeps pages in (`shared_buffers`). A quarter of a small machine; the system's cache does
    /// the rest.
    public var sharedBuffersMegabytes = 128
    /// Write-ahead log between two checkpoints (`max_wal_size`). More of it means fewer pauses and a longer recovery.
    public var walMegabytes = 1_024
    /// Whether commits wait for the disk (`fsync`, `synchronous_commit`, `full_page_writes`). `false` only for a
    /// database that may be thrown away.
    public var isDurable = true
    /// How long a server may take until it answers. A recovery after a crash reads all of the write-ahead log.
    public var startLongest = Duration.seconds(120)
    /// How long a fast shutdown may take until the server is ended at once, to recover at its next start.
    public var stopLongest = Duration.seconds(10)

    /// The defaults above.
    public init() {}

    /// The settings as `-c name=value` of the command line, so that they win over the cluster's own file.
    var arguments: [String] {
        var settings = [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "max_connections=\(connectionsMax)",
            "shared_buffers=\(sharedBuffersMegabytes)MB",
            "max_wal_size=\(walMegabytes)MB",
            // Postgres is told where it stands by its starter, not by what an administrator may have left.
            "logging_collector=off",
            "log_destination=stderr",
            "log_line_prefix=%m [%p] ",
            "timezone=UTC",
        ]
        if !isDurable { settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] }
        return settings.flatMap { ["-c", $0] }
    }
}
