public import Protocol

/// Meters one asker: a steady rate with room for a burst.
///
/// Source: the generic cell rate view of a token bucket (Turner, “New directions in communications”, 1986).
public struct TokenBucket: Hashable, Sendable {
    /// How fast a bucket fills and how much it holds.
    public struct Rate: Hashable, Sendable {
        public var perSecond: Double
        public var burst: Int

        public init(perSecond: Double, burst: Int) {
            precondition(perSecond > 0 && burst > 0, "A rate that never lets anything through is not a rate.")
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    public private(set) var rate: Rate
    private var tokens: Double
    private var asOf: Moment

    /// A full bucket.
    public init(_ rate: Rate, at now: Moment) {
        self.rate = rate
        self.tokens = Double(rate.burst)
        self.asOf = now
    }

    /// Goes on at another rate with what is in the bucket, or with what fits.
    public mutating func adopt(_ other: Rate, at now: Moment) {
        guard other != rate else { return }
        fill(at: now)
        rate = other
        tokens = min(tokens, Double(other.burst))
    }

    /// Takes one token, or answers how long it takes until there is one.
    public mutating func take(at now: Moment) -> Duration? {
        fill(at: now)
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return .nanoseconds(Int64(((1 - tokens) / rate.perSecond * 1_000_000_000).rounded(.up)))
    }

    /// Whether nothing would be lost by forgetting this bucket.
    public func isFull(at now: Moment) -> Bool {
        var copy = self
        copy.fill(at: now)
        return copy.tokens >= Double(rate.burst)
    }

    private mutating func fill(at now: Moment) {
        // A clock that seems to run backwards fills nothing.
        guard now > asOf else { return }
        let seconds = Double((now - asOf).nanoseconds) / 1_000_000_000
        tokens = min(Double(rate.burst), tokens + seconds * rate.perSecond)
        asOf = now
    }
}

/// The buckets of all askers, bounded: full ones are forgotten first, since they would be made anew as they are.
public struct RateTable: Sendable {
    private var buckets: [String: TokenBucket] = [:]
    /// What holds for askers without a rate of their own.
    public var rate: TokenBucket.Rate
    private let entriesMax: Int

    public init(_ rate: TokenBucket.Rate, entriesMax: Int = Limits.rateEntries) {
        self.rate = rate
        self.entriesMax = entriesMax
    }

    /// Askers that are remembered.
    public var count: Int { buckets.count }

    /// Takes one token of `asker`, or answers how long it must wait for one.
    ///
    /// - Parameter own: The asker's own rate, if it has one.
    public mutating func take(for asker: String, own: TokenBucket.Rate? = nil, at now: Moment) -> Duration? {
        if buckets[asker] == nil, buckets.count >= entriesMax {
            buckets = buckets.filter { !$0.value.isFull(at: now) }
            // Everyone is busy: forgetting all is kinder than growing or than refusing strangers.
            if buckets.count >= entriesMax { buckets.removeAll(keepingCapacity: true) }
        }
        let rate = own ?? rate
        buckets[asker, default: TokenBucket(rate, at: now)].adopt(rate, at: now)
        return buckets[asker]?.take(at: now)
    }
}
