import HubCore
import HubDomains
import Logging
import NIOCore
import Protocol
import Synchronization
import Transport

/// One coordinator that keeps a WebSocket instead of asking over HTTP: calls over one connection, and nothing else of
/// a link. No hello, no streams; the desk, the limits and the credit are those of every other door.
///
/// Everything happens on the connection's event loop.
final class CoordinatorSession: Sendable {
    /// Whom its credential stood for when it came.
    let principal: Principal
    private let hall: LinkHall
    private let eventLoop: any EventLoop
    private let line: CallLine
    private let state: NIOLoopBoundBox<State>

    private struct State {
        var connection: LinkConnection?
        var leaving: RepeatedTask?
        var isOver = false
    }

    private init(as principal: Principal, hall: LinkHall, on eventLoop: any EventLoop, line: CallLine) {
        self.principal = principal
        self.hall = hall
        self.eventLoop = eventLoop
        self.line = line
        state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
    }

    /// Turns an upgraded channel into a session. On the channel's event loop, in the upgrade's completion.
    ///
    /// - Parameter credential: Resolved anew for each call, so that a revoked key ends what it may do at once.
    static func open(
        on channel: any Channel,
        as principal: Principal,
        credential: ShownKey,
        doors: DoorKeeper,
        hall: LinkHall
    ) throws {
        let address = channel.peerAddress
        let calls = PeerCalls(desk: hall.desk, address: address) { (_) async throws(Fault) in
            try await doors.admit(credential, from: address)
        }
        let line = CallLine(on: channel.eventLoop, timekeeper: hall.timekeeper, metrics: hall.metrics) {
            await calls.run($0)
        }
        let session = CoordinatorSession(as: principal, hall: hall, on: channel.eventLoop, line: line)
        // The connection's listener is what keeps the session alive; it goes with the channel.
        let connection = try WebSocketChannel.install(on: channel, role: .server) { _, news in session.hear(news) }
        session.state.value.connection = connection
        line.open { connection.send($0.linkMessage) }
        hall.metrics.coordinatorsOpen.add(1, ordering: .relaxed)
        hall.registry.arrived(session)
        KeepAlive.set(on: channel)
        if hall.drain.isDraining { session.leave(LinkHall.drainGoodbye) }
    }

    /// Says goodbye; what is under way may end. From any thread.
    func leave(_ goodbye: LinkGoodbye) {
        eventLoop.execute {
            guard !self.state.value.isOver, self.state.value.leaving == nil else { return }
            self.state.value.connection?.send(.goodbye(goodbye))
            let end = NIODeadline.now() + .nanoseconds(Limits.drain.nanoseconds)
            let pause = TimeAmount.milliseconds(50)
            self.state.value.leaving = self.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
                if self.line.isIdle || NIODeadline.now() >= end { self.close(.goingAway) }
            }
        }
    }

    private func hear(_ news: LinkNews) {
        switch news {
        case .message(let message): hear(message)
        case .writable(let isWritable): line.peerKeepsUp(isWritable)
        case .closed: ended()
        }
    }

    private func hear(_ message: LinkMessage) {
        switch message {
        case .callRequested(let call): line.deliver(.requested(call))
        case .callResponded(let answer): line.deliver(.responded(answer))
        case .callCompleted(let end): line.deliver(.completed(end))
        case .callAborted(let end): line.deliver(.aborted(end))
        case .callFailed(let failure): line.deliver(.failed(failure))
        case .callCredit(let credit): line.deliver(.credit(credit))
        case .heartbeat: state.value.connection?.send(.heartbeatAcknowledged(LinkHeartbeatAcknowledged()))
        case .goodbye: close(.normal)
        case .unknown: break
        case .hello, .welcome, .refused, .heartbeatAcknowledged, .operations, .operationsTaken, .append,
            .acknowledged, .rewind:
            close(.notAllowed("With this credential a connection carries calls only; a spoke uses its own."))
        }
    }

    private func close(_ reason: CloseReason) { state.value.connection?.close(reason) }

    private func ended() {
        guard !state.value.isOver else { return }
        state.value.isOver = true
        state.value.leaving?.cancel()
        state.value.leaving = nil
        line.end()
        state.value.connection = nil
        hall.registry.ended(self)
        hall.metrics.coordinatorsOpen.subtract(1, ordering: .relaxed)
    }
}
