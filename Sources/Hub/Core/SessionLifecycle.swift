public import Protocol

/// Which states of a session follow which.
public enum SessionLifecycle {
    /// A session is busy from its spawn to its end, idle afterwards, and archived for good. One that is taken up again,
    /// or whose spoke was given up, waits for a place (retry) before it is busy.
    public static func mayBecome(_ next: SessionStatus, from status: SessionStatus) -> Bool {
        switch (status, next) {
        case (.busy, .idle), (.busy, .retry), (.retry, .busy), (.retry, .idle), (.idle, .retry), (.idle, .archived):
            true
        case (.idle, .idle), (.idle, .busy), (.busy, .busy), (.busy, .archived), (.retry, .retry),
            (.retry, .archived), (.archived, .idle), (.archived, .busy), (.archived, .retry), (.archived, .archived):
            false
        }
    }
}

/// Which states of a mapping follow which, and what a session's end makes of it.
public enum MappingLifecycle {
    /// Active leads to each of the others; nothing leads back.
    public static func mayBecome(_ next: MappingStatus, from status: MappingStatus) -> Bool {
        switch (status, next) {
        case (.active, .completed), (.active, .failed), (.active, .aborted): true
        case (.active, .active), (.completed, _), (.failed, _), (.aborted, _): false
        }
    }

    /// Completed only by exit code 0 of its own accord.
    public static func outcome(of reason: ExitReason, exitCode: Int32?) -> MappingStatus {
        switch reason {
        case .exited: exitCode == 0 ? .completed : .failed
        case .aborted: .aborted
        case .timeout, .failed, .lost: .failed
        }
    }

    /// Whether a session and its latest mapping may be in these states at the same time (coordination.md).
    ///
    /// A busy session has an active mapping; one that ended has the mapping that its end makes of it.
    public static func agree(
        _ session: SessionStatus,
        endedFor reason: ExitReason?,
        exitCode: Int32?,
        mapping: MappingStatus
    ) -> Bool {
        switch session {
        case .busy, .retry: reason == nil && mapping == .active
        case .idle: reason.map { outcome(of: $0, exitCode: exitCode) == mapping } ?? (mapping != .active)
        // Only what has ended is put away.
        case .archived: reason.map { outcome(of: $0, exitCode: exitCode) == mapping } ?? false
        }
    }
}
