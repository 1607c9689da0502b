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
        case deliver(CallMessage)
        /// The peer did not know a type that this side sent. For the log.
        case notUnderstood(type: String)
        case ended(LinkEnd)
    }

    /// One machine for one connection; the hello is told as soon as it is up.
    public init(hello: LinkHello) {}

    public var nextDeadline: Moment? { nil }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] { [] }
}
