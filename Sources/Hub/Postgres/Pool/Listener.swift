import CPostgres
import Foundation
import Logging
import Protocol

/// The connection that hears notifications, for all streams of a ``Database``. Lives on the reactor's thread.
struct Listener {
    /// One stream and what it wants to hear.
    struct Subscription: Sendable {
        let number: Int
        let channels: [String]
        let continuation: AsyncStream<Database.Notification>.Continuation
        /// Whether the server hears its channels on the connection there is.
        var isHeard = false
    }

    private enum State {
        case apart
        case connecting
        case connected(OpaquePointer)
        case resting(until: Moment)
    }

    private let reactor: Reactor
    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private var state = State.apart
    private var subscriptions: [Subscription] = []
    /// The subscriptions whose LISTEN is under way, while there is one.
    private var listening: Set<Int>?
    private var isClosed = false
    private var backoff = Backoff(first: .milliseconds(50), longest: .seconds(5))
    private var generator = SystemRandomNumberGenerator()

    init(_ reactor: Reactor, _ configuration: DatabaseConfiguration, _ logger: Logger) {
        self.reactor = reactor
        self.configuration = configuration
        self.logger = logger
    }

    var nextDeadline: Moment? {
        switch state {
        case .resting(let moment): moment
        case .connected(let raw): PQsocket(raw) < 0 ? .zero : nil
        case .apart, .connecting: nil
        }
    }

    /// What to watch; a negative descriptor is skipped by `poll`.
    var pollDescriptor: pollfd {
        guard case .connected(let raw) = state else { return pollfd(fd: -1, events: 0, revents: 0) }
        return pollfd(fd: PQsocket(raw), events: Int16(POLLIN), revents: 0)
    }

    mutating func add(_ subscription: Subscription) {
        guard !isClosed else { return subscription.continuation.finish() }
        subscriptions.append(subscription)
        switch state {
        case .apart: connect()
        case .connected: sendListen()
        case .connecting, .resting: break
        }
    }

    mutating func remove(_ number: Int) {
        subscriptions.removeAll { $0.number == number }
        // Channels that nobody wants are heard and dropped; without any stream the connection goes.
        if subscriptions.isEmpty { disconnect() }
    }

    mutating func close() {
        isClosed = true
        for subscription in subscriptions { subscription.continuation.finish() }
        subscriptions = []
        disconnect()
    }

    mutating func connected(_ outcome: Connector.Outcome, at now: Moment) {
        guard case .connecting = state, !subscriptions.isEmpty else {
            if case .connecting = state { state = .apart }
            return outcome.discard()
        }
        switch outcome {
        case .connection(let handoff):
            state = .connected(handoff.raw)
            backoff.reset()
            sendListen()
        case .failure(let reason, _):
            logger.warning("listening failed", metadata: ["reason": "\(reason)"])
            state = .resting(until: now + backoff.next(atLeast: .milliseconds(20), using: &generator))
        }
    }

    /// Called after each sleep of the reactor.
    mutating func wake(isReadable: Bool, at now: Moment) {
        switch state {
        case .resting(let moment) where moment <= now: connect()
        // libpq closes the socket of a connection that broke while sending, and `poll` skips closed ones.
        case .connected(let raw) where isReadable || PQsocket(raw) < 0: read(raw, now)
        case .apart, .connecting, .connected, .resting: break
        }
    }

    private mutating func connect() {
        state = .connecting
        Connector.connect(configuration, isPipelined: false) { [reactor] in reactor.post(.listenerConnected($0)) }
    }

    private mutating func disconnect() {
        if case .connected(let raw) = state { PQfinish(raw) }
        listening = nil
        // A connection that is being made is discarded when it comes.
        if case .connecting = state, !isClosed { return }
        state = .apart
        for index in subscriptions.indices { subscriptions[index].isHeard = false }
    }

    /// Asks for every channel of those not heard yet; asking twice for one is harmless.
    private mutating func sendListen() {
        guard case .connected(let raw) = state, listening == nil else { return }
        let unheard = subscriptions.filter { !$0.isHeard }
        guard !unheard.isEmpty else { return }
        let channels = Set(unheard.flatMap(\.channels)).sorted()
        let commands = channels.map { "LISTEN \"\($0.replacing("\"", with: "\"\""))\"" } + ["SELECT 1"]
        listening = Set(unheard.map(\.number))
        // A failure shows as a broken connection at the next read; the text is too short to block.
        _ = PQsendQuery(raw, commands.joined(separator: "; "))
        _ = PQflush(raw)
    }

    private mutating func read(_ raw: OpaquePointer, _ now: Moment) {
        let isReadable = PQconsumeInput(raw) == 1
        while isReadable, listening != nil, PQisBusy(raw) == 0 {
            guard let result = PQgetResult(raw) else {
                heard()
                break
            }
            PQclear(result)
        }
        while let notification = PQnotifies(raw) {
            deliver(
                channel: String(cString: notification.pointee.relname),
                payload: String(cString: notification.pointee.extra)
            )
            PQfreemem(notification)
        }
        guard isReadable, PQstatus(raw) == CONNECTION_OK else {
            logger.warning("listening interrupted", metadata: ["reason": "\(String(cString: PQerrorMessage(raw)))"])
            disconnect()
            state = .resting(until: now + backoff.next(atLeast: .milliseconds(20), using: &generator))
            return
        }
        sendListen()
    }

    /// The LISTEN under way is committed.
    private mutating func heard() {
        for index in subscriptions.indices where listening?.contains(subscriptions[index].number) == true {
            subscriptions[index].isHeard = true
            subscriptions[index].continuation.yield(.reconnected)
        }
        listening = nil
    }

    private func deliver(channel: String, payload: String) {
        let notification = Database.Notification.notified(channel: channel, payload: payload)
        for subscription in subscriptions where subscription.channels.contains(channel) {
            // A full stream drops its oldest: the last thing in it then says that something is missing.
            if case .dropped = subscription.continuation.yield(notification) {
                subscription.continuation.yield(.reconnected)
            }
        }
    }
}
