public import Protocol

/// What a driver needs of time. Production answers with the system's monotonic clock, tests with a hand-turned one.
public protocol Timekeeper: Sendable {
    func now() -> Moment
    /// Returns at the moment or later; throws only when the task is cancelled.
    func sleep(until moment: Moment) async throws
}

/// The system's clock that never goes back and goes on while the machine sleeps.
public struct SystemTimekeeper: Timekeeper {
    private let origin: ContinuousClock.Instant

    public init() { origin = ContinuousClock.now }

    public func now() -> Moment { .zero + (ContinuousClock.now - origin) }

    public func sleep(until moment: Moment) async throws {
        try await Task.sleep(until: origin + (moment - .zero), clock: .continuous)
    }
}
