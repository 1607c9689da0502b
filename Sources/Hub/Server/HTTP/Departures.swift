import NIOCore
import Protocol
import Synchronization
import Transport

/// Notices that a client has hung up while its request is being answered, and stops what is done for it.
///
/// A connection is read on while a request is answered, so its end is seen at once, whoever reads it.
final class Departures: Sendable {
    /// One connection's client.
    fileprivate final class Bell: Sendable {
        private struct State {
            var hasLeft = false
            var stop: (@Sendable () -> Void)?
        }

        private let state = Mutex(State())

        func ring() {
            let stop = state.withLock { state in
                state.hasLeft = true
                return state.stop
            }
            stop?()
        }

        func listen(_ stop: (@Sendable () -> Void)?) {
            let hasLeft = state.withLock { state in
                state.stop = stop
                return state.hasLeft
            }
            if hasLeft { stop?() }
        }
    }

    private let bells = Mutex<[ObjectIdentifier: Bell]>([:])

    /// Watches a connection from here on. On its event loop.
    func watch(_ channel: any Channel) throws {
        let (bell, id) = (Bell(), ObjectIdentifier(channel as AnyObject))
        bells.withLock { $0[id] = bell }
        channel.closeFuture.whenComplete { _ in
            _ = self.bells.withLock { $0.removeValue(forKey: id) }
            bell.ring()
        }
        try channel.pipeline.syncOperations.addHandler(Watch(bell))
    }

    /// Runs the work, and cancels it when the connection's client hangs up or the task is cancelled.
    ///
    /// - Parameter executor: Where it runs; on the common threads if there is none.
    func untilGone<Value: Sendable>(
        _ channel: any Channel,
        on executor: LoopExecutor?,
        _ work: @escaping @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let id = ObjectIdentifier(channel as AnyObject)
        guard let bell = bells.withLock({ $0[id] }) else { return try await work() }
        // Not a child: a child could not be cancelled without all that is around it.
        let task = Task(executorPreference: executor) { () async -> Result<Value, Fault> in
            do throws(Fault) { return .success(try await work()) } catch { return .failure(error) }
        }
        bell.listen { task.cancel() }
        defer { bell.listen(nil) }
        return try await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }.get()
    }

    /// The end of what the client sends: it has closed, or half of it, and waits for nothing.
    private final class Watch: ChannelInboundHandler {
        typealias InboundIn = NIOAny

        private let bell: Bell

        init(_ bell: Bell) { self.bell = bell }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { bell.ring() }
            context.fireUserInboundEventTriggered(event)
        }
    }
}
