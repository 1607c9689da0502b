/// The calls that one end of a link has under way over it, in both directions (calls.md, the call protocol).
///
/// What this end asked ends exactly once, whatever the peer says, says twice, says late or never says. What the peer
/// asked is begun at most once. An answer to nothing disturbs nobody; it is counted. Values of a subscription never
/// exceed the credit that their consumer gave. Nothing outlives the link.
///
///     asked:     ask ──▶ waiting ──answer / end / deadline / giveUp / link's end──▶ finished, once
///                        waiting ──recall──▶ finished, once; then last word / deadline / link's end──▶ proven, once
///     answering: begin ──▶ running ──answer / end──▶ sent        (abort, link's end ──▶ cancel)
public struct CallMachine: Machine {
    /// What happened.
    public enum Event: MachineEvent, Equatable {
        /// This end asks. Ask ``obstacle(toAsking:)`` first.
        case ask(CallAsk)
        /// The consumer of a subscription that this end asked for has taken this many values and has room again.
        case taken(requestId: String, values: Int)
        /// Whoever asked does not wait any more.
        case giveUp(requestId: String)
        /// The same, and until then the provider may say what became of it.
        case recall(requestId: String, until: Moment)
        case received(CallMessage)
        /// The answer to ``Action/begin(_:)``: the last word of a query or mutation, or one value of a subscription
        /// for which there is credit.
        case answered(CallResponded, isLast: Bool)
        /// The answer to ``Action/begin(_:)``: a subscription's natural end.
        case completed(CallEnded)
        /// The answer to ``Action/begin(_:)``: it failed.
        case failed(CallFailed)
        /// The link is over.
        case ended
        case deadlineReached
    }

    /// What to do about it. The driver knows the time of day that messages carry.
    public enum Action: Hashable, Sendable {
        case send(CallMessage)
        /// Tell the peer that the call is aborted.
        case abort(requestId: String)
        /// Tell the peer so, and that it shall say what became of it.
        case recall(requestId: String)
        /// Let the peer send this many more values.
        case grant(requestId: String, values: Int)
        /// Tell the peer that its request is not begun.
        case refuse(requestId: String, CallError)
        /// Run what the peer asks for; a subscription may send ``credit`` values.
        case begin(CallRequested, credit: Int)
        /// What the peer asked for may send this many more values.
        case allow(requestId: String, values: Int)
        /// Stop running what the peer asked for; nothing of it is sent any more.
        case cancel(requestId: String)
        /// A value of a subscription that this end asked for.
        case deliver(requestId: String, JSONValue)
        /// A call that this end asked for is over. Exactly once for each.
        case finished(requestId: String, CallResult)
        /// What the provider of a recalled call said last; `nil` if it said nothing in time. Once for each recall.
        case proven(requestId: String, CallResult?)
        /// The peer answered what was not asked, or is over: for the count.
        case ignored(requestId: String)
    }

    struct Asked: Hashable, Sendable {
        var isStream: Bool
        var deadline: Moment?
        var idleTimeout: Duration?
        /// When it will have said nothing for too long; `nil` also while it has no credit to say anything.
        var idleAt: Moment?
        /// Values that the peer may still send.
        var credit: Int
    }

    /// A call that nobody waits for any more but whoever wants to know how it ended.
    struct Recalled: Hashable, Sendable {
        var isStream: Bool
        var until: Moment
    }

    var asked: [String: Asked] = [:]
    var recalled: [String: Recalled] = [:]
    /// What the peer asked for, with the values that it will still take.
    var answering: [String: Int] = [:]
    /// No later than the earliest deadline of any call: firing too early costs one look, never a missed one.
    var alarm: Moment?
    var isOver = false

    /// Values of a subscription that may be sent before their consumer grants more; both ends agree on it.
    public let credit: Int
    /// Calls under way in each direction.
    public let capacity: Int

    /// One machine for one connection.
    public init(credit: Int = Limits.subscriptionCredit, capacity: Int = Limits.callsInFlight) {
        self.credit = credit
        self.capacity = capacity
    }

    public var nextDeadline: Moment? { alarm }

    /// Calls that this end asked for and that have not ended.
    public var askedCount: Int { asked.count }
    /// Calls of the peer that are being run.
    public var answeringCount: Int { answering.count }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        switch event {
        case .ask(let ask): return self.ask(ask, at: now)
        case .taken(let id, let values): return taken(id, values, at: now)
        case .giveUp(let id): return giveUp(id)
        case .recall(let id, let until): return recall(id, until: until)
        case .received(let message): return received(message, at: now)
        case .answered(let answer, let isLast): return answered(answer, isLast: isLast)
        case .completed(let end): return ended(end.requestId, with: .completed(end))
        case .failed(let failure): return ended(failure.requestId, with: .failed(failure))
        case .ended: return end()
        case .deadlineReached: return deadlineReached(at: now)
        }
    }

    mutating func wake(by moment: Moment?) {
        guard let moment else { return }
        alarm = alarm.map { min($0, moment) } ?? moment
    }

    /// The link is over, and with it everything.
    private mutating func end() -> [Action] {
        isOver = true
        alarm = nil
        let lost = CallError(Self.disconnected)
        let finished = asked.keys.sorted().map { Action.finished(requestId: $0, .failed(lost)) }
        let unproven = recalled.keys.sorted().map { Action.proven(requestId: $0, nil) }
        let cancelled = answering.keys.sorted().map { Action.cancel(requestId: $0) }
        asked = [:]
        recalled = [:]
        answering = [:]
        return finished + unproven + cancelled
    }

    private mutating func deadlineReached(at now: Moment) -> [Action] {
        guard let alarm, now >= alarm else { return [] }
        var actions: [Action] = []
        var next: Moment?
        for (id, call) in asked.sorted(by: { $0.key < $1.key }) {
            if let due = [call.deadline, call.idleAt].compactMap(\.self).min() {
                guard due <= now else {
                    next = next.map { min($0, due) } ?? due
                    continue
                }
                asked[id] = nil
                let isIdle = call.deadline.map { $0 > now } ?? true
                let late = CallError(isIdle ? Self.silent(call.idleTimeout ?? .zero) : Self.late)
                actions += [.abort(requestId: id), .finished(requestId: id, .failed(late))]
            }
        }
        for (id, call) in recalled.sorted(by: { $0.key < $1.key }) {
            guard call.until <= now else {
                next = next.map { min($0, call.until) } ?? call.until
                continue
            }
            recalled[id] = nil
            actions.append(.proven(requestId: id, nil))
        }
        self.alarm = next
        return actions
    }
}

/// One call that this end asks for.
public struct CallAsk: Hashable, Sendable {
    public var request: CallRequested
    /// Whether the operation is a subscription: any number of values instead of one answer.
    public var isStream: Bool
    /// After this the call is given up, and its provider told so.
    public var deadline: Moment?

    public init(_ request: CallRequested, isStream: Bool, deadline: Moment?) {
        self.request = request
        self.isStream = isStream
        self.deadline = deadline
    }
}

/// How a call that this end asked for ended.
public enum CallResult: Hashable, Sendable {
    /// The response envelope of a query or mutation.
    case answered(JSONValue)
    /// A subscription's natural end.
    case completed
    case failed(CallError)
}

extension CallMachine {
    static let disconnected = Fault(.spokeDisconnected, "The link to the provider broke before it had answered.")
    static let late = Fault(.timeout, "The provider did not answer in time; allow more time.")
    static let left = Fault(.aborted, "The caller left before the answer came.")

    static func silent(_ wait: Duration) -> Fault {
        Fault(.timeout, "The subscription said nothing for \(wait.milliseconds) ms and was given up.")
    }
}
