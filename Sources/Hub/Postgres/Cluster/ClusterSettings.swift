/// What a private Postgres is told at its start; everything else is Postgres' default.
public struct ClusterSettings: Sendable, Hashable {
    /// Connections of all programs together.
    public var connectionsMax = 100
    /// Memory that Postgres keeps pages in. A quarter of a small machine; the system's cache does the rest.
    public var sharedBuffersMegabytes = 128
    /// Whether commits wait for the disk. `false` only for a database that may be thrown away.
    public var isDurable = true

    /// The defaults above.
    public init() {}
}
