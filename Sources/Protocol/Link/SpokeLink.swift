/// One connection's life as the spoke sees it.
///
///     connecting ──connected──▶ greeting ──welcome──▶ open ──leave / goodbye──▶ leaving ──▶ ended
public struct SpokeLink: Machine {
    /// What happened.
    public enum Event: MachineEvent, Equatable {
        /// The WebSocket is up.
        case connected
        case received(LinkMessage)
        /// The WebSocket is gone.
        case disconnected(CloseReason)
        /// The journal holds records up to and including `next - 1`.
        case journalStored(next: Int64)
        /// The answer to ``Action/loadJournal(after:maxRecords:maxBytes:)``; empty if they cannot be had.
        case journalLoaded([StreamRecord])
        /// Everything up to the mark is durable: the answer to ``Action/applyCommands(_:)``.
        case commandsApplied(StreamMark)
        /// The commands could not be stored; they are asked for again a little later.
        case commandsFailed
        /// The answer to ``Action/measureLoad``.
        case loadMeasured(HostLoad, sessions: Int)
        /// Something of a call is to be sent.
        case call(CallMessage)
        /// The operations that the spoke offers: the welcome wanted them, or they have changed.
        case offer(OperationsSummary)
        /// Leave in order.
        case leave(LinkGoodbye)
        case deadlineReached
    }

    /// What to do about it.
    public enum Action: Hashable, Sendable {
        case send(LinkMessage)
        case close(CloseReason)
        /// The hub took the spoke in; verdicts and limits are in the welcome.
        case opened(LinkWelcome)
        /// Read records behind `after`: at least one, then as many as fit both bounds.
        case loadJournal(after: Int64, maxRecords: Int, maxBytes: Int)
        /// The hub has these for ever: they may be deleted.
        case journalAcknowledged(StreamPosition)
        /// Store these and move the commands' mark, in one transaction.
        case applyCommands([StreamRecord])
        /// Say how the machine fares, for the next heartbeat.
        case measureLoad
        /// What the hub made of the offer. For the log.
        case operationsTaken(OperationsTaken)
        case deliver(CallMessage)
        /// The peer did not know a type that this side sent. For the log.
        case notUnderstood(type: String)
        case ended(LinkEnd)
    }

    enum Phase: Hashable, Sendable {
        /// Nothing was said yet.
        case connecting
        /// The hello is out, the welcome awaited.
        case greeting(until: Moment)
        case open
        /// This end said goodbye; the hub finishes and closes.
        case leaving(LinkGoodbye, until: Moment)
        /// The hub said goodbye; what is being stored is finished first.
        case departing(LinkGoodbye, until: Moment)
        case ended
    }

    let hello: LinkHello
    var phase: Phase = .connecting
    /// From the welcome on.
    var streams: LinkStreams?
    var journalNext: Int64
    var beatAt: Moment?

    /// One machine for one connection; the hello is told as soon as it is up.
    public init(hello: LinkHello) {
        self.hello = hello
        journalNext = hello.journal.next
    }

    public var nextDeadline: Moment? {
        switch phase {
        case .connecting, .ended: nil
        case .greeting(let until): until
        case .open: [streams?.nextDeadline, beatAt].compactMap(\.self).min()
        case .leaving(_, let until), .departing(_, let until): min(until, streams?.nextDeadline ?? until)
        }
    }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        switch event {
        case .connected: return connected(at: now)
        case .received(let message): return received(message, at: now)
        case .disconnected(let reason): return disconnected(reason)
        case .journalStored(let next):
            journalNext = max(journalNext, next)
            return perform(streams?.outgoing.stored(next: next))
        case .journalLoaded(let records): return perform(streams?.outgoing.loaded(records))
        case .commandsApplied(let mark): return perform(streams?.applied(mark, at: now))
        case .commandsFailed:
            streams?.applyFailed(at: now)
            return []
        case .loadMeasured(let load, let sessions): return beat(load, sessions: sessions)
        case .call(let call): return self.call(call)
        case .offer(let offer): return self.offer(offer)
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
                actions.append(.loadJournal(after: after, maxRecords: maxRecords, maxBytes: maxBytes))
            case .send(let batch): actions.append(.send(.append(batch)))
            case .released(let position): actions.append(.journalAcknowledged(position))
            case .apply(let records): actions.append(.applyCommands(records))
            case .acknowledge(let position): actions.append(.send(.acknowledged(position)))
            case .rewind(let rewind): actions.append(.send(.rewind(rewind)))
            case .fail(let reason): return actions + close(reason)
            }
        }
        return actions + departIfDone()
    }
}

extension SpokeLink.Phase {
    fileprivate func allows(_ step: StreamStep) -> Bool {
        switch self {
        case .open: true
        case .leaving, .departing: step.isAllowedWhileLeaving
        // An answer that came after the end.
        case .connecting, .greeting, .ended: false
        }
    }
}
