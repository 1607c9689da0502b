public import NIOCore
public import Protocol

/// Gives one machine its hands on an event loop: no task, no queue, one scheduled callback.
///
/// For the hub's thousands of links. `perform` runs on the loop, right after each event, in order; it may tell
/// further events from there, which are handled when the actions before them are done.
///
/// Inlinable, so that it is compiled for each machine where that is driven: every message of a link goes through here.
public final class LoopDriver<M: Machine>: Sendable {
    public typealias Perform = @Sendable (M.Action, LoopDriver<M>) -> Void

    @usableFromInline let eventLoop: any EventLoop
    @usableFromInline let timekeeper: any Timekeeper
    @usableFromInline let core: NIOLoopBoundBox<Core>

    /// What only the loop touches. A class, so that the machine is changed in place and never copied.
    @usableFromInline
    final class Core {
        @usableFromInline var machine: M
        @usableFromInline var perform: Perform?
        @usableFromInline var waiting: [M.Event] = []
        @usableFromInline var isPerforming = false
        @usableFromInline var timer: Scheduled<Void>?
        @usableFromInline var armedFor: Moment?

        @usableFromInline
        init(machine: consuming M, perform: @escaping Perform) {
            self.machine = machine
            self.perform = perform
        }
    }

    @inlinable
    public init(
        _ machine: M,
        on eventLoop: any EventLoop,
        timekeeper: any Timekeeper,
        perform: @escaping Perform
    ) {
        self.eventLoop = eventLoop
        self.timekeeper = timekeeper
        core = .makeBoxSendingValue(Core(machine: machine, perform: perform), eventLoop: eventLoop)
    }

    /// Tells the machine. At once on the loop, behind what waits there from any other thread.
    @inlinable
    public func tell(_ event: M.Event) {
        guard !eventLoop.inEventLoop else { return handle(event) }
        eventLoop.execute { self.handle(event) }
    }

    /// Reads something of the machine, on the loop.
    @inlinable
    public func inspect<Value>(_ read: (borrowing M) -> Value) -> Value { read(core.value.machine) }

    /// The machine's work is over: no timer, no further actions, and nothing that `perform` held is kept alive.
    /// On the loop.
    @inlinable
    public func finish() {
        let core = core.value
        core.timer?.cancel()
        core.timer = nil
        core.armedFor = nil
        core.perform = nil
        core.waiting = []
    }

    @inlinable
    func handle(_ event: M.Event) {
        let core = core.value
        guard !core.isPerforming else { return core.waiting.append(event) }
        core.isPerforming = true
        take(event, core)
        while !core.waiting.isEmpty {
            let waiting = core.waiting
            core.waiting = []
            for event in waiting { take(event, core) }
        }
        core.isPerforming = false
        rearm(core)
    }

    @inlinable
    func take(_ event: M.Event, _ core: Core) {
        for action in core.machine.handle(event, at: timekeeper.now()) { core.perform?(action, self) }
    }

    /// A timer that fires too early is harmless, so one is replaced only by an earlier one: a message that
    /// moves the silence limit costs nothing here.
    @inlinable
    func rearm(_ core: Core) {
        guard core.perform != nil, let deadline = core.machine.nextDeadline else { return }
        if let armed = core.armedFor, armed <= deadline { return }
        core.timer?.cancel()
        core.armedFor = deadline
        let wait = max(0, (deadline - timekeeper.now()).nanoseconds)
        core.timer = eventLoop.scheduleTask(in: .nanoseconds(wait)) { [weak self] in self?.deadlineReached() }
    }

    @inlinable
    func deadlineReached() {
        core.value.armedFor = nil
        core.value.timer = nil
        handle(.deadlineReached)
    }
}
