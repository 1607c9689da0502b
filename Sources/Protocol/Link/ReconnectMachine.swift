/// When a spoke dials, and when it does not.
public struct ReconnectMachine: Machine {
    /// What happened. `draw` is a random number that the driver brings: the machine makes none.
    public enum Event: MachineEvent, Equatable {
        case start
        /// No link came about: no route, a refused upgrade.
        case dialFailed(Fault, draw: UInt64)
        case opened
        case ended(LinkEnd, draw: UInt64)
        /// Something gives hope (a network came up, an operator asks): dial at once.
        case wake
        case stop
        case deadlineReached
    }

    /// What to do about it.
    public enum Action: Hashable, Sendable {
        /// Connect; to another hub than the configured one if `elsewhere` names it.
        case dial(elsewhere: String?)
        /// Only for the log: the next attempt is so far away because of this.
        case waiting(Duration, because: String)
        /// Never dial again: a newer incarnation of this spoke lives, or the owner stopped it.
        case giveUp(because: String)
    }

    public init() {}

    public var nextDeadline: Moment? { nil }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] { [] }
}
