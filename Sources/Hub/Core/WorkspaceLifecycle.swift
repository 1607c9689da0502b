public import Protocol

/// Which states of a workspace follow which.
///
///     pending ──▶ ready ◀──▶ busy        any of them ──▶ lost
///        │          │ ▲                  any but itself ──▶ removed, for good
///        ▼          ▼ │
///     removed ◀── salvaging
public enum WorkspaceLifecycle {
    /// One step; the machine's arrows and nothing else.
    public static func mayBecome(_ next: WorkspaceState, from state: WorkspaceState) -> Bool {
        switch (state, next) {
        case (.removed, _): false
        case (_, .removed): true
        case (.pending, .ready), (.pending, .busy), (.pending, .lost): true
        case (.ready, .busy), (.ready, .salvaging), (.ready, .lost): true
        case (.busy, .ready), (.busy, .lost): true
        case (.salvaging, .ready), (.salvaging, .salvaging), (.salvaging, .lost): true
        // A machine that was away brings back what was given up; it is removed in order then.
        case (.lost, .salvaging): true
        case (.pending, _), (.ready, _), (.busy, _), (.salvaging, _), (.lost, _): false
        }
    }

    /// Whether a workspace may be in this state while a session works on it, or while none does.
    ///
    /// - Parameter isWorkedOn: whether an active mapping names it: from the spawn to the session's end.
    public static func agrees(_ state: WorkspaceState, isWorkedOn: Bool) -> Bool {
        switch state {
        case .pending, .ready: true
        case .busy: isWorkedOn
        case .salvaging, .removed, .lost: !isWorkedOn
        }
    }
}

/// Whether an offer of an operation stands with its provider.
public enum RegistrationLifecycle {
    /// An offer comes and goes with its provider's connection, any number of times.
    public static func mayBecome(_ next: RegistrationStatus, from status: RegistrationStatus) -> Bool { next != status }

    /// Whether an offer may be in this state.
    ///
    /// - Parameters:
    ///   - isThere: whether the provider is known at all; an offer goes with it.
    ///   - isConnected: whether a link to it stands; a hub that is known is there.
    public static func agrees(_ status: RegistrationStatus, isThere: Bool, isConnected: Bool) -> Bool {
        isThere && (status == .inactive || isConnected)
    }
}

/// How far a message is written, and how far one to a session has come.
public enum MessageLifecycle {
    /// One step. What is complete may still turn out not to have been delivered, and what was given up at a session's
    /// end to have been: its spoke tells when it comes back.
    public static func mayBecome(_ next: MessageStatus, from status: MessageStatus) -> Bool {
        switch (status, next) {
        case (.pending, .complete), (.pending, .error), (.streaming, .complete), (.streaming, .error),
            (.complete, .error), (.error, .complete):
            true
        case (.pending, _), (.streaming, _), (.complete, _), (.error, _): false
        }
    }

    /// Deliveries go forward, step by step or several at once, never back.
    public static func mayBecome(_ next: Delivery, from delivery: Delivery) -> Bool {
        switch (delivery, next) {
        case (.queued, .delivered), (.queued, .consumed), (.delivered, .consumed): true
        case (.queued, .queued), (.delivered, .queued), (.delivered, .delivered), (.consumed, _): false
        }
    }

    /// Whether a message may stand so.
    ///
    /// - Parameters:
    ///   - delivery: `nil` for what no process is given: what agents say, and what is only noted.
    ///   - isOver: whether the session has ended; nothing waits for delivery to it any more.
    public static func agrees(_ status: MessageStatus, delivery: Delivery?, isOver: Bool) -> Bool {
        switch (status, delivery) {
        case (.pending, .queued): !isOver
        case (.streaming, nil), (.complete, nil), (.error, _): true
        case (.complete, .delivered), (.complete, .consumed): true
        case (.pending, _), (.streaming, _), (.complete, .queued): false
        }
    }
}
