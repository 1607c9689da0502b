/// A point on the timeline a machine is told about. It is never read from the system here:
/// production passes the monotonic clock, a simulation passes whatever it likes.
public struct Moment: Hashable, Comparable, Sendable {
    /// Nanoseconds since an origin that only the teller of time knows.
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The origin of the timeline.
    public static let zero = Moment(nanoseconds: 0)

    public static func < (earlier: Moment, later: Moment) -> Bool { earlier.nanoseconds < later.nanoseconds }

    public static func + (moment: Moment, wait: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds + wait.nanoseconds)
    }

    public static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Duration {
    /// The whole duration in nanoseconds, truncated.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The whole duration in milliseconds, truncated.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
