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
        /// Committed: the answer to ``Action/applyJournal(_:)``.
        case journalApplied(StreamMark)
        /// Not committed; the same records are asked for again a little later.
        case journalFailed
        /// The spoke's commands are stored up to and including `next - 1`.
        case commandsStored(next: Int64)
        /// The answer to ``Action/loadCommands(after:maxRecords:maxBytes:)``; empty if they cannot be had.
        case commandsLoaded([StreamRecord])
        /// Something of a call is to be sent.
        case call(CallMessage)
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
        case deliver(CallMessage)
        /// The peer did not know a type that this side sent. For the log.
        case notUnderstood(type: String)
        case ended(LinkEnd)
    }

    /// One machine for one connection.
    public init() {}

    public var nextDeadline: Moment? { nil }

    public mutating func handle(_ event: Event, at now: Moment) -> [Action] { [] }
}
