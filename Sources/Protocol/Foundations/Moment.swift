/// A point on the timeline a machine is told about. It is never read from the system here:
/// production passes the monotonic clock, a simulation passes whatever it likes.
public struct Moment: Hashable, Comparable, Sendable {
    /// Nanoseconds since an origin that only the teller of time knows.
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The origin of the timeline.
    public static let zero = Moment(nanoseconds: 0)

    public static func < (earlier: Moment, later: Moment) -> Bool { earlier.nanoseconds < later.nanoseconds }

    /// As far as the timeline reaches: 292 years either way.
    public static func + (moment: Moment, wait: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds.addingSaturated(wait.nanoseconds))
    }

    public static func - (later: Moment, earlier: Moment) -> Duration {
        let (difference, overflows) = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return .nanoseconds(overflows ? (later < earlier ? .min : .max) : difference)
    }
}

extension Duration {
    /// The whole duration in nanoseconds, truncated; what is longer than 292 years is that long. Peers name durations.
    public var nanoseconds: Int64 { whole(perSecond: 1_000_000_000) }

    /// The whole duration in milliseconds, truncated; at most what an `Int64` holds.
    public var milliseconds: Int64 { whole(perSecond: 1_000) }

    private func whole(perSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        let (product, overflows) = seconds.multipliedReportingOverflow(by: units)
        guard !overflows else { return seconds < 0 ? .min : .max }
        return product.addingSaturated(attoseconds / (1_000_000_000_000_000_000 / units))
    }
}

extension Int64 {
    /// The sum, or the end of the range that it would lie beyond.
    fileprivate func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other < 0 ? .min : .max) : sum
    }
}
