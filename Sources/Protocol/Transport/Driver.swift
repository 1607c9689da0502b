public import Protocol

/// Gives one machine its hands: feeds it events, keeps its one timer, offers its actions in order.
///
/// The actions wait in a bounded stream; when it overflows the stream ends, which its reader must take as
/// the end of whatever the machine was for.
public actor Driver<M: Machine> {
    private var machine: M
    private let timekeeper: any Timekeeper
    private let outbox: AsyncStream<M.Action>.Continuation
    private var timer: Task<Void, Never>?
    private var armedFor: Moment?

    /// The actions, in the order the machine decided them. Iterate once, from the task that performs them.
    public nonisolated let actions: AsyncStream<M.Action>

    public init(_ machine: M, timekeeper: any Timekeeper, actionsMax: Int = 4_096) {
        self.machine = machine
        self.timekeeper = timekeeper
        (actions, outbox) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(actionsMax))
    }

    deinit {
        timer?.cancel()
        outbox.finish()
    }

    /// Never suspends between the event and its actions, so no other event can slip in between.
    public func tell(_ event: M.Event) {
        for action in machine.handle(event, at: timekeeper.now()) {
            if case .dropped = outbox.yield(action) { return finish() }
        }
        rearm()
    }

    /// Ends the stream of actions and the timer; later events change nothing that anyone sees.
    public func finish() {
        timer?.cancel()
        timer = nil
        armedFor = nil
        outbox.finish()
    }

    /// A timer that fires too early is harmless, so one is replaced only by an earlier one.
    private func rearm() {
        guard let deadline = machine.nextDeadline else { return }
        if let armedFor, armedFor <= deadline { return }
        armedFor = deadline
        timer?.cancel()
        timer = Task { [timekeeper, weak self] in
            // Cancelled means replaced or finished: nothing is left to tell.
            guard (try? await timekeeper.sleep(until: deadline)) != nil else { return }
            await self?.deadlinePassed(deadline)
        }
    }

    private func deadlinePassed(_ deadline: Moment) {
        guard armedFor == deadline else { return }
        armedFor = nil
        tell(.deadlineReached)
    }
}
