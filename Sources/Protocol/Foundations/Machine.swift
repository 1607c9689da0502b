/// A decision-maker without hands: it is told what happened and when, and answers what to do.
///
/// A machine performs no IO, reads no clock, draws no randomness and makes no identifiers.
/// Its driver brings all four in with the event.
public protocol Machine: Sendable {
    associatedtype Event: MachineEvent
    associatedtype Action: Sendable, Equatable

    /// Takes in one event and returns the actions to perform, in order.
    mutating func handle(_ event: Event, at now: Moment) -> [Action]

    /// When the driver must call back even if nothing else happens; `nil` for never.
    var nextDeadline: Moment? { get }
}

/// What a machine may be told.
public protocol MachineEvent: Sendable {
    /// The moment the machine asked for has come. Spurious calls are harmless.
    static var deadlineReached: Self { get }
}
