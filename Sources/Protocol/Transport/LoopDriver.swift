public import NIOCore
public import Protocol

/// Gives one machine its hands on an event loop: no task, no queue, one scheduled callback.
///
/// For the hub's thousands of links. `perform` runs on the loop, right after each event, in order; it may tell
/// further events from there.
public final class LoopDriver<M: Machine>: Sendable {
    public init(
        _ machine: M,
        on eventLoop: any EventLoop,
        timekeeper: any Timekeeper,
        perform: @escaping @Sendable (M.Action, LoopDriver<M>) -> Void
    ) {}

    /// Tells the machine; from any thread, in order per thread.
    public func tell(_ event: M.Event) {}
}
