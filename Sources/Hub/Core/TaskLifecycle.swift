public import Protocol

/// Which states of a task follow which, who may bring them about, and what a session's end makes of its task.
///
///     pending ──▶ in-progress ──▶ completed
///       ▲ ▲          │   ▲  └────▶ failed
///       │ │          ▼   │           │
///       │ └──────── blocked          │
///       └────────────────────────────┘ retry
public enum TaskLifecycle {
    /// What a caller may ask of a task.
    public enum Deed: String, CaseIterable, Hashable, Sendable {
        case start, complete, fail, block, unblock, retry
        /// Leaves a task in order without having done it: it is blocked, with the reason.
        case leave
    }

    /// One step; the machine's arrows and nothing else.
    public static func mayBecome(_ next: TaskStatus, from status: TaskStatus) -> Bool {
        switch (status, next) {
        case (.pending, .inProgress), (.inProgress, .completed), (.inProgress, .failed), (.inProgress, .blocked),
            (.blocked, .pending), (.blocked, .inProgress), (.failed, .pending):
            true
        case (.pending, _), (.inProgress, _), (.blocked, _), (.failed, _), (.completed, _): false
        }
    }

    /// Where a deed leads from a state; `nil` if it may not be done there.
    ///
    /// - Parameter isWorkedOn: whether a session that is not over works on the task. Such a task is completed or failed
    ///   by the session's end alone, and goes on, once unblocked, where it was.
    public static func outcome(of deed: Deed, on status: TaskStatus, isWorkedOn: Bool) -> TaskStatus? {
        let next: TaskStatus =
            switch deed {
            case .start: .inProgress
            case .complete: .completed
            case .fail: .failed
            case .block, .leave: .blocked
            case .unblock: isWorkedOn ? .inProgress : .pending
            case .retry: .pending
            }
        let isRightDeed: Bool =
            switch (deed, status) {
            case (.start, .pending), (.block, .inProgress), (.leave, .inProgress), (.unblock, .blocked),
                (.retry, .failed):
                true
            case (.complete, .inProgress), (.fail, .inProgress): !isWorkedOn
            case (.start, _), (.complete, _), (.fail, _), (.block, _), (.leave, _), (.unblock, _), (.retry, _): false
            }
        return isRightDeed && mayBecome(next, from: status) ? next : nil
    }

    /// What becomes of a task when the session that works on it has ended.
    ///
    /// A blocked task passes through in-progress on its way, an aborted one through blocked: what a coordinator
    /// cancelled can be taken up again. A task that was left with a reason is never completed, whatever the exit code.
    public static func after(_ outcome: MappingStatus, wasLeft: Bool) -> TaskStatus? {
        switch outcome {
        case .active: nil
        case .completed: wasLeft ? .pending : .completed
        case .failed: .failed
        case .aborted: .pending
        }
    }

    /// Whether a task and the mapping that brought it to its state may be in these states at the same time.
    public static func agree(_ task: TaskStatus, mapping: MappingStatus, wasLeft: Bool) -> Bool {
        switch mapping {
        case .active: task == .inProgress || task == .blocked
        case .completed, .failed, .aborted: task == after(mapping, wasLeft: wasLeft)
        }
    }

    /// What somebody can do about a deed that was refused, as the end of a sentence.
    public static func advice(against deed: Deed, on status: TaskStatus, isWorkedOn: Bool) -> String {
        if isWorkedOn, deed == .complete || deed == .fail, status == .inProgress {
            return "a session works on it, and its end decides; wait for it or abort it."
        }
        switch status {
        case .pending: return "start or claim it first."
        case .inProgress: return "somebody works on it; complete, fail or block it first."
        case .completed: return "that is final; create another task."
        case .failed: return "retry it first."
        case .blocked: return "unblock it first."
        }
    }
}
