public import Protocol

/// Which MCP sessions a hub process keeps, whose they are and when they were last used: bounded in number and in
/// idleness, in memory only. A client whose session is gone begins another.
public struct MCPSessionBook: Sendable {
    /// How many sessions there may be.
    public struct Bounds: Hashable, Sendable {
        public var sessions: Int
        /// Of one owner.
        public var perOwner: Int
        /// Without a message.
        public var idle: Duration

        public init(
            sessions: Int = Limits.mcpSessions,
            perOwner: Int = Limits.mcpSessionsPerOwner,
            idle: Duration = Limits.mcpSessionIdle
        ) {
            self.sessions = sessions
            self.perOwner = perOwner
            self.idle = idle
        }
    }

    private struct Entry {
        let owner: String
        var usedAt: Moment
    }

    private var entries: [String: Entry] = [:]
    private let bounds: Bounds

    public init(_ bounds: Bounds = Bounds()) { self.bounds = bounds }

    /// Sessions that are kept.
    public var count: Int { entries.count }

    /// Enters a session and answers those that end to make room: the idle ones, then the owner's least recently used,
    /// then anyone's.
    public mutating func open(_ id: String, for owner: String, at now: Moment) -> [String] {
        var ended = expire(at: now)
        while entries.values.count(where: { $0.owner == owner }) >= bounds.perOwner {
            ended += dropOldest { $0.owner == owner }
        }
        while entries.count >= bounds.sessions { ended += dropOldest { _ in true } }
        entries[id] = Entry(owner: owner, usedAt: now)
        return ended
    }

    /// Whether the session is there and the owner's; counts as a use.
    public mutating func use(_ id: String, by owner: String, at now: Moment) -> Bool {
        guard let entry = entries[id], entry.owner == owner, now - entry.usedAt < bounds.idle else { return false }
        entries[id]?.usedAt = now
        return true
    }

    /// Ends a session; answers whether it was there and the owner's.
    public mutating func close(_ id: String, by owner: String) -> Bool {
        guard entries[id]?.owner == owner else { return false }
        entries[id] = nil
        return true
    }

    /// Ends those that were idle too long and answers which.
    public mutating func expire(at now: Moment) -> [String] {
        let idle = entries.filter { now - $0.value.usedAt >= bounds.idle }.map(\.key).sorted()
        for id in idle { entries[id] = nil }
        return idle
    }

    private mutating func dropOldest(where isMeant: (Entry) -> Bool) -> [String] {
        let oldest = entries.filter { isMeant($0.value) }.min {
            ($0.value.usedAt, $0.key) < ($1.value.usedAt, $1.key)
        }
        guard let oldest else { return [] }
        entries[oldest.key] = nil
        return [oldest.key]
    }
}
