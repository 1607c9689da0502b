/// Delays between attempts: exponential with full jitter, so that a fleet does not come back in step.
///
/// Source: “Exponential Backoff And Jitter”, AWS Architecture Blog, 2015 (the “full jitter” form).
public struct Backoff: Sendable, Hashable {
    public private(set) var attempts = 0
    private let first: Duration
    private let longest: Duration

    public init(first: Duration = Limits.reconnectFirst, longest: Duration = Limits.reconnectLongest) {
        self.first = first
        self.longest = longest
    }

    /// How long to wait before the next attempt; never less than `atLeast`.
    public mutating func next(
        atLeast: Duration = .zero,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = min(attempts, 30)
        let ceiling = min(longest.nanoseconds, first.nanoseconds << doublings)
        attempts += 1
        return atLeast + .nanoseconds(Int64.random(in: 0...max(ceiling, 1), using: &generator))
    }

    /// The attempt worked: the next failure starts small again.
    public mutating func reset() { attempts = 0 }
}
