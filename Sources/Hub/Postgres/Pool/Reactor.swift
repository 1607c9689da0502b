import CPostgres
import Foundation
import Logging
import Protocol
import Synchronization

/// The door to the one thread that drives all connections of a ``Database``.
///
/// Any thread posts messages; the thread sleeps in `poll` and is woken through an eventfd. It lives from `init` until
/// ``Message/stop`` or until everything is closed.
final class Reactor: Sendable {
    enum Message: Sendable {
        case submit(Job)
        /// Wants a connection for itself; told whether it got one, and asks for it by the same number from then on.
        case lease(PoolMachine.RequestID, @Sendable (Result<Void, Failure>) -> Void)
        case submitOnLease(PoolMachine.RequestID, Job)
        case release(PoolMachine.RequestID, isReusable: Bool)
        case cancel(PoolMachine.RequestID)
        case cancelSent(PoolMachine.ConnectionID, after: Duration)
        case connected(PoolMachine.ConnectionID, Connector.Outcome)
        case listenerConnected(Connector.Outcome)
        case listen(Listener.Subscription)
        case unlisten(Int)
        case close(@Sendable () -> Void)
        case stop
    }

    private struct Inbox {
        var messages: [Message] = []
        var requestsMade: UInt64 = 0
        var isOver = false
    }

    let gauges = PoolGauges()
    private let inbox = Mutex(Inbox())
    private let wake: Int32

    init(_ configuration: DatabaseConfiguration, logger: Logger) {
        wake = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        precondition(wake >= 0, "An eventfd needs one file descriptor; raise the limit of open files")
        let thread = Thread { [self] in ReactorLoop(self, configuration, logger).run() }
        thread.name = "postgres"
        thread.start()
    }

    deinit { Glibc.close(wake) }

    /// A number that no other request of this reactor has.
    func makeRequest() -> PoolMachine.RequestID {
        inbox.withLock {
            $0.requestsMade += 1
            return $0.requestsMade
        }
    }

    func post(_ message: Message) {
        let (isFirst, isOver) = inbox.withLock { inbox -> (Bool, Bool) in
            guard !inbox.isOver else { return (false, true) }
            inbox.messages.append(message)
            return (inbox.messages.count == 1, false)
        }
        if isOver { Self.refuse(message) }
        if isFirst { ring() }
    }

    /// What was posted since the last time.
    func takeMessages() -> [Message] {
        inbox.withLock { inbox in
            let messages = inbox.messages
            inbox.messages = []
            inbox.messages.reserveCapacity(messages.count)
            return messages
        }
    }

    /// The thread ends: what came too late is refused.
    func end() {
        let late = inbox.withLock { inbox in
            inbox.isOver = true
            let late = inbox.messages
            inbox.messages = []
            return late
        }
        for message in late { Self.refuse(message) }
    }

    /// Sleeps until a message, activity on one of the descriptors, or the deadline.
    func sleep(watching descriptors: inout [pollfd], until deadline: Moment?, now: Moment) {
        descriptors.append(pollfd(fd: wake, events: Int16(POLLIN), revents: 0))
        var wait: Int32 = -1
        if let deadline {
            // Rounded up: waking a moment early would spin.
            wait = Int32(clamping: max(0, (deadline - now).nanoseconds + 999_999) / 1_000_000)
        }
        let count = poll(&descriptors, nfds_t(descriptors.count), wait)
        let rang = descriptors.removeLast().revents != 0
        if count < 0 { for index in descriptors.indices { descriptors[index].revents = 0 } }
        if rang {
            var bell: UInt64 = 0
            // Nothing to read means that nobody rang: as good.
            _ = read(wake, &bell, 8)
        }
    }

    private func ring() {
        var bell: UInt64 = 1
        // Fails only when 2^64 rings are pending, and then the thread wakes anyway.
        _ = write(wake, &bell, 8)
    }

    private static func refuse(_ message: Message) {
        switch message {
        case .submit(let job): job.done(.failure(.refused(.closed)))
        case .submitOnLease(_, let job): job.done(.failure(.leaseOver))
        case .lease(_, let done): done(.failure(.refused(.closed)))
        case .listen(let subscription): subscription.continuation.finish()
        case .close(let done): done()
        case .connected(_, let outcome), .listenerConnected(let outcome): outcome.discard()
        case .release, .cancel, .cancelSent, .unlisten, .stop: break
        }
    }
}
