/// One connection's life as the hub sees it.
///
///     greeting ──hello──▶ reconciling ──welcome──▶ open ──leave / goodbye──▶ leaving ──▶ ended
///                              └──refuse──▶ leaving
public struct HubLink: Machine {
    /// What happened.
    public enum Event: MachineEvent, Equatable {
        /// The WebSocket is up: the handshake's time begins.
        case connected
        case received(LinkMessage)
        /// The WebSocket is gone.
        case disconnected(CloseReason)
        /// The answer to ``Action/reconcile(_:)``: the spoke is taken in.
        case welcome(LinkWelcome)
        /// The answer to ``Action/reconcile(_:)``: it is not.
        case refuse(LinkRefused)
        /// The answer to ``Action/applyJournal(_:)``: the durable mark is this. Usually the last record's; if
        /// another connection of the spoke was faster, what is stored is told and the rest is asked for again.
        case journalApplied(StreamMark)
        /// Not committed; the same records are asked for again a little later.
        case journalFailed
        /// The spoke's commands are stored up to and including `next - 1`.
        case commandsStored(next: Int64)
        /// The answer to ``Action/loadCommands(after:maxRecords:maxBytes:)``; empty if they cannot be had.
        case commandsLoaded([StreamRecord])
        /// Something of a call is to be sent.
        case call(CallMessage)
        /// The answer to ``Action/offered(_:)``.
        case operationsTaken(OperationsTaken)
        /// From the next heartbeat on the spoke beats at this interval.
        case changeHeartbeat(Duration)
        /// Leave in order: drain, restart, replaced.
        case leave(LinkGoodbye)
        case deadlineReached
    }

    /// What to do about it.
    public enum Action: Hashable, Sendable {
        case send(LinkMessage)
        case close(CloseReason)
        /// Compare the spoke's truth with the hub's, in one transaction; answer with welcome or refuse.
        case reconcile(LinkHello)
        /// The link is open.
        case opened
        /// Apply these and move the journal's mark, in one transaction.
        case applyJournal([StreamRecord])
        /// Read commands behind `after`: at least one, then as many as fit both bounds.
        case loadCommands(after: Int64, maxRecords: Int, maxBytes: Int)
        /// The spoke has these for ever.
        case commandsAcknowledged(StreamPosition)
        case heartbeat(LinkHeartbeat)
        /// The spoke offers these operations, and no others from now on.
        case offered(OperationsSummary)
        case deliver(CallMessage)
        /// The peer did not know a type that this side sent. For the log.
        case notUnderstood(type: String)
        case ended(LinkEnd)
    }

    enum Phase: Hashable, Sendable {
        /// The hello is awaited; the time for it begins when the connection is up.
        case greeting(until: Moment?)
        /// The hello was told to the hub, whose verdict is awaited.
        case reconciling(LinkHello, until: Moment)
        case open
        /// This end said goodbye; the spoke finishes and closes.
        case leaving(LinkGoodbye, until: Moment)
        /// The spoke said goodbye; what is being applied is finished first.
        case departing(LinkGoodbye, until: Moment)
        case ended
    }

    var phase: Phase = .greeting(until: nil)
    /// From the welcome on.
    var streams: LinkStreams?
    /// What the store said of the commands while the spoke was not taken in yet.
    var commandsNext: Int64 = 0
    /// An interval that the spoke is to be told with the next answer to a heartbeat.
    var newInterval: Duration?

    /// One machine for one connection.
    public init() {}

    public var nextDeadline: Moment? {
        switch phase {
        case .greeting(let until): until
        case .reconciling(_, let until): until
        case .open: streams?.nextDeadline
        case .leaving(_, let until), .departing(_, let until): min(until, streams?.nextDeadline ?? until)
        case .ended: nil
        }
    }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        switch event {
        case .connected: return connected(at: now)
        case .received(let message): return received(message, at: now)
        case .disconnected(let reason): return disconnected(reason)
        case .welcome(let welcome): return self.welcome(welcome, at: now)
        case .refuse(let refused): return refuse(refused)
        case .journalApplied(let mark): return perform(streams?.applied(mark, at: now))
        case .journalFailed:
            streams?.applyFailed(at: now)
            return []
        case .commandsStored(let next):
            commandsNext = max(commandsNext, next)
            return perform(streams?.outgoing.stored(next: next))
        case .commandsLoaded(let records): return perform(streams?.outgoing.loaded(records))
        case .call(let call): return self.call(call)
        case .operationsTaken(let taken): return self.taken(taken)
        case .changeHeartbeat(let interval):
            newInterval = interval
            return []
        case .leave(let goodbye): return leave(goodbye, at: now)
        case .deadlineReached: return deadlineReached(at: now)
        }
    }

    /// Carries out what the streams want, as far as the phase allows.
    mutating func perform(_ steps: [StreamStep]?) -> [Action] {
        var actions: [Action] = []
        for step in steps ?? [] where phase.allows(step) {
            switch step {
            case .load(let after, let maxRecords, let maxBytes):
                actions.append(.loadCommands(after: after, maxRecords: maxRecords, maxBytes: maxBytes))
            case .send(let batch): actions.append(.send(.append(batch)))
            case .released(let position): actions.append(.commandsAcknowledged(position))
            case .apply(let records): actions.append(.applyJournal(records))
            case .acknowledge(let position): actions.append(.send(.acknowledged(position)))
            case .rewind(let rewind): actions.append(.send(.rewind(rewind)))
            case .fail(let reason): return actions + close(reason)
            }
        }
        return actions + departIfDone()
    }
}

extension HubLink.Phase {
    fileprivate func allows(_ step: StreamStep) -> Bool {
        switch self {
        case .open: true
        case .leaving, .departing: step.isAllowedWhileLeaving
        // An answer that came after the end.
        case .greeting, .reconciling, .ended: false
        }
    }
}
