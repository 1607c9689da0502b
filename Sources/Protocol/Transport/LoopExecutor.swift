public import NIOCore

/// Runs tasks on one event loop: what is decided for a connection is then decided where the connection lives, without a
/// change of threads at each step.
///
/// For work that is brief between its waits. What may compute for long goes elsewhere, or the loop's other connections
/// wait for it.
public final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    public init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
