/// When a spoke dials, and when it does not.
///
///     idle ──start──▶ dialing ──opened──▶ linked ──ended──▶ waiting ──deadline──▶ dialing
///                        └──dialFailed──▶ waiting              └──replaced, stop──▶ over
///
/// Waits are full-jitter exponential, never less than what the hub asked for. Where only a person can help (a
/// credential, a version, a diverged journal) it goes on asking every few minutes: the person may act at the hub,
/// and the spoke's work goes on meanwhile. Only a newer incarnation of the same spoke ends it for good, because
/// two that take the link from each other would never stop.
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

    private enum State: Hashable {
        case idle
        case dialing
        case linked(since: Moment)
        case waiting(until: Moment)
        case over
    }

    private var state: State = .idle
    private var backoff = Backoff()
    private var elsewhere: String?
    private var elsewhereFailures = 0

    public init() {}

    public var nextDeadline: Moment? {
        guard case .waiting(let until) = state else { return nil }
        return until
    }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        switch event {
        case .start, .wake: startOrWake()
        case .dialFailed(let fault, let draw): dialFailed(fault, draw, at: now)
        case .opened: opened(at: now)
        case .ended(let end, let draw): ended(end, draw, at: now)
        case .stop: giveUp("The spoke was told to stop.")
        case .deadlineReached: deadlineReached(at: now)
        }
    }

    private mutating func startOrWake() -> [Action] {
        switch state {
        case .idle, .waiting: dial()
        case .dialing, .linked, .over: []
        }
    }

    private mutating func deadlineReached(at now: Moment) -> [Action] {
        guard case .waiting(let until) = state, now >= until else { return [] }
        return dial()
    }

    private mutating func dial() -> [Action] {
        state = .dialing
        return [.dial(elsewhere: elsewhere)]
    }

    private mutating func opened(at now: Moment) -> [Action] {
        guard case .dialing = state else { return [] }
        state = .linked(since: now)
        elsewhereFailures = 0
        return []
    }

    private mutating func dialFailed(_ fault: Fault, _ draw: UInt64, at now: Moment) -> [Action] {
        guard case .dialing = state else { return [] }
        if [.unauthenticated, .accessDenied].contains(fault.code) {
            return wait(atLeast: Limits.reconnectRefused, draw, at: now, because: fault.message)
        }
        forgetElsewhereIfHopeless()
        let asked = fault.details?["retryAfterMilliseconds"]?.integerValue
        return wait(atLeast: asked.map(LinkStreams.bounded) ?? .zero, draw, at: now, because: fault.message)
    }

    /// Another hub that does not answer is given up for the one the spoke was configured with.
    private mutating func forgetElsewhereIfHopeless() {
        guard elsewhere != nil else { return }
        elsewhereFailures += 1
        guard elsewhereFailures >= Self.elsewhereAttempts else { return }
        (elsewhere, elsewhereFailures) = (nil, 0)
        backoff.reset()
    }

    private static let elsewhereAttempts = 3

    private mutating func ended(_ end: LinkEnd, _ draw: UInt64, at now: Moment) -> [Action] {
        switch state {
        case .linked(let since):
            if now - since >= Limits.reconnectSettled { backoff.reset() }
        // Refused before it was open.
        case .dialing: break
        case .idle, .waiting, .over: return []
        }
        switch end {
        case .refused(let refused): return self.refused(refused, draw, at: now)
        case .goodbye(let goodbye):
            guard goodbye.reason != .replaced else { return giveUp("A newer incarnation of this spoke took over.") }
            if let url = goodbye.elsewhere { (elsewhere, elsewhereFailures) = (url, 0) }
            let asked = goodbye.retryAfterMilliseconds.map(LinkStreams.bounded) ?? .zero
            let message = goodbye.message ?? "The hub said goodbye: \(goodbye.reason.rawValue)."
            return wait(atLeast: asked, draw, at: now, because: message)
        case .left(let goodbye):
            guard goodbye.reason == .restart else { return giveUp("The spoke left: \(goodbye.reason.rawValue).") }
            return wait(atLeast: .zero, draw, at: now, because: "The spoke says hello anew.")
        case .closed(let reason), .lost(let reason): return broken(reason, draw, at: now)
        }
    }

    private mutating func broken(_ reason: CloseReason, _ draw: UInt64, at now: Moment) -> [Action] {
        if reason.code == CloseReason.replaced.code { return giveUp(reason.text) }
        let isLasting = reason.code == CloseReason.diverged("").code
        return wait(atLeast: isLasting ? Limits.reconnectRefused : .zero, draw, at: now, because: reason.description)
    }

    private mutating func refused(_ refused: LinkRefused, _ draw: UInt64, at now: Moment) -> [Action] {
        let asked = refused.retryAfterMilliseconds.map(LinkStreams.bounded)
        switch refused.code {
        case .replaced:
            return giveUp(refused.message)
        case .diverged, .credential, .version, .invalid:
            return wait(atLeast: asked ?? Limits.reconnectRefused, draw, at: now, because: refused.message)
        default:
            return wait(atLeast: asked ?? .zero, draw, at: now, because: refused.message)
        }
    }

    private mutating func wait(atLeast: Duration, _ draw: UInt64, at now: Moment, because: String) -> [Action] {
        var drawn = DrawnNumbers(state: draw)
        let delay = backoff.next(atLeast: atLeast, using: &drawn)
        state = .waiting(until: now + delay)
        return [.waiting(delay, because: because)]
    }

    private mutating func giveUp(_ why: String) -> [Action] {
        guard state != .over else { return [] }
        state = .over
        return [.giveUp(because: why)]
    }
}

/// Numbers that follow from one that was drawn elsewhere: a constant would make `Int64.random` loop.
/// The steps are those of SplitMix64 (Steele, Lea, Flood 2014).
private struct DrawnNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
