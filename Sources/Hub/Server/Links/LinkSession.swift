import HubDomains
import Logging
import NIOCore
import Protocol
import Synchronization
import Transport

/// One connected spoke: a connection, a machine that decides, and the deeds that the machine asks for.
///
/// Everything happens on the connection's event loop; nothing here has a task of its own while the link idles. What
/// needs the database is a future that comes back to the loop.
final class LinkSession: Sendable {
    /// Whose credential opened the connection; whatever the hello claims must agree.
    let spoke: SpokeID
    let principal: Principal
    private let hall: LinkHall
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>
    /// The calls over this link, both ways.
    let line: CallLine
    /// Load average per core as the spoke said last, as the bits of a `Double`.
    private let cpuBits = Atomic<UInt64>(0)

    private struct State {
        var connection: LinkConnection?
        var driver: LoopDriver<HubLink>?
        var incarnation: String?
        /// How far the spoke's journal is applied, as far as this link knows.
        var mark: StreamMark?
        /// The epoch of the commands that the welcome named.
        var commandsEpoch: Int64 = 0
        /// What the hello said of the spoke's operations, until it is registered.
        var offer: OperationsSummary?
        var registering: EventLoopFuture<OperationsTaken?>?
        var isOpen = false
    }

    private init(_ principal: Principal, of spoke: SpokeID, hall: LinkHall, on channel: any Channel) {
        self.spoke = spoke
        self.principal = principal
        self.hall = hall
        eventLoop = channel.eventLoop
        self.state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
        let memory = hall.memory
        let calls = PeerCalls(desk: hall.desk, address: channel.peerAddress) { (request) async throws(Fault) in
            // The payload's word is only which of the spoke's sessions asks.
            guard let session = request.sessionId else { return principal }
            return try await memory.principal(of: session, on: spoke)
        }
        line = CallLine(
            on: eventLoop,
            timekeeper: hall.timekeeper,
            metrics: hall.metrics,
            answer: { await calls.run($0) }
        )
    }

    /// Load average per core, as the spoke said last.
    var cpu: Double { Double(bitPattern: cpuBits.load(ordering: .relaxed)) }

    /// Turns an upgraded channel into a link. Call it on the channel's event loop, in the upgrade's completion.
    static func open(on channel: any Channel, as principal: Principal, of spoke: SpokeID, hall: LinkHall) throws {
        let session = LinkSession(principal, of: spoke, hall: hall, on: channel)
        // The connection's listener is what keeps the session alive; it goes with the channel.
        let connection = try WebSocketChannel.install(on: channel, role: .server) { _, news in session.hear(news) }
        let driver = LoopDriver(HubLink(), on: channel.eventLoop, timekeeper: hall.timekeeper) {
            [weak session] action, driver in session?.perform(action, driver)
        }
        session.state.value.connection = connection
        session.state.value.driver = driver
        hall.registry.arrived(session)
        driver.tell(.connected)
        if hall.drain.isDraining { session.leave(LinkHall.drainGoodbye) }
    }

    /// Ends the link in order. From any thread.
    func leave(_ goodbye: LinkGoodbye) { tell(.leave(goodbye)) }

    /// The spoke's commands are stored up to `next - 1`. From any thread.
    func commandsStored(next: Int64) { tell(.commandsStored(next: next)) }

    private func tell(_ event: HubLink.Event) {
        if eventLoop.inEventLoop {
            state.value.driver?.tell(event)
        } else {
            eventLoop.execute { self.state.value.driver?.tell(event) }
        }
    }

    private func hear(_ news: LinkNews) {
        switch news {
        case .message(let message): tell(.received(message))
        case .writable(let isWritable): line.peerKeepsUp(isWritable)
        case .closed(let reason): tell(.disconnected(reason))
        }
    }

    private func perform(_ action: HubLink.Action, _ driver: LoopDriver<HubLink>) {
        switch action {
        case .send(let message): state.value.connection?.send(message)
        case .close(let reason): state.value.connection?.close(reason)
        case .reconcile(let hello): reconcile(hello)
        case .opened: opened()
        case .applyJournal(let records): apply(records)
        case .loadCommands(let after, let recordsMax, let bytesMax): load(after, recordsMax, bytesMax)
        case .commandsAcknowledged(let position):
            hall.acknowledgements.note(spoke, position)
        case .heartbeat(let heartbeat):
            guard let incarnation = state.value.incarnation else { return }
            cpuBits.store(heartbeat.load.cpu.bitPattern, ordering: .relaxed)
            hall.heartbeats.note(spoke, incarnation: incarnation, heartbeat)
            hall.metrics.fleet.heard(spoke, heartbeat, applied: state.value.mark?.seq ?? 0)
        case .offered(let offer): register(offer)
        case .deliver(let call): line.deliver(call)
        case .notUnderstood(let type):
            hall.logger.info(
                "A spoke did not understand a message.",
                metadata: ["spoke": "\(spoke)", "type": "\(type)"]
            )
        case .ended(let end): ended(end)
        }
    }
}

extension LinkSession {
    private func reconcile(_ hello: LinkHello) {
        state.value.incarnation = hello.incarnation
        state.value.offer = hello.operations
        let (hall, spoke) = (hall, spoke)
        later({ () async throws(Fault) in
            await hall.partings.takeBack(spoke)
            return try await hall.memory.greet(spoke, hello)
        }) { outcome in
            switch outcome {
            case .success(.welcome(let welcome)):
                self.state.value.commandsEpoch = welcome.commandsEpoch
                self.state.value.mark = welcome.journalAcknowledged
                return .welcome(welcome)
            case .success(.refused(let refusal)): return .refuse(refusal)
            case .failure(let fault):
                return .refuse(
                    LinkRefused(
                        code: .unavailable,
                        message: fault.message,
                        retryAfterMilliseconds: fault.details?["retryAfterMilliseconds"]?.integerValue ?? 1_000
                    )
                )
            }
        }
    }

    private func opened() {
        state.value.isOpen = true
        line.open { [weak self] in self?.tell(.call($0)) }
        hall.metrics.linksOpen.add(1, ordering: .relaxed)
        hall.metrics.linksOpened.add(1, ordering: .relaxed)
        hall.logger.info("A spoke connected.", metadata: ["spoke": "\(spoke)"])
        let former = hall.registry.opened(self)
        former?.leave(LinkGoodbye(reason: .replaced, message: "A newer connection of this spoke took over."))
        if let offer = state.value.offer { register(offer) }
        state.value.offer = nil
    }

    /// One after the other, in the order in which they came: the last word of a spoke is what it offers.
    private func register(_ offer: OperationsSummary) {
        guard let incarnation = state.value.incarnation else { return }
        let (desk, spoke, former) = (hall.registrations, spoke, state.value.registering)
        let logger = hall.logger
        let registering = eventLoop.makeFutureWithTask { () async -> OperationsTaken? in
            // What came of the former one was told; only its end is waited for.
            _ = try? await former?.get()
            do throws(Fault) {
                return try await desk.take(offer, of: spoke, incarnation: incarnation)
            } catch {
                let metadata: Logger.Metadata = ["spoke": "\(spoke)", "error": "\(error)"]
                logger.warning("A spoke's operations could not be registered.", metadata: metadata)
                let refusal = OperationsTaken.Refusal(operation: "*", code: error.code, message: error.message)
                return OperationsTaken(hash: offer.hash, registered: 0, refusals: [refusal])
            }
        }
        state.value.registering = registering
        registering.whenSuccess { taken in
            if let taken { self.tell(.operationsTaken(taken)) }
        }
    }

    private func apply(_ records: [StreamRecord]) {
        guard let incarnation = state.value.incarnation else { return tell(.journalFailed) }
        // The machine has checked the chain from the mark that it was told last.
        let batch = JournalBatch(
            spokeId: spoke,
            incarnation: incarnation,
            after: state.value.mark,
            records: records,
            isVerified: true
        )
        hall.ingest.submit(batch) { verdict in
            self.eventLoop.execute { self.applied(verdict) }
        }
    }

    private func applied(_ verdict: JournalVerdict?) {
        switch verdict {
        case .applied(let mark):
            state.value.mark = mark
            tell(.journalApplied(mark))
        case nil: tell(.journalFailed)
        case .rewind:
            leave(LinkGoodbye(reason: .restart, message: "The journal stands elsewhere; connect again and resume."))
        case .fenced:
            leave(LinkGoodbye(reason: .replaced, message: "A newer start of this spoke took over."))
        }
    }

    private func load(_ after: Int64, _ recordsMax: Int, _ bytesMax: Int) {
        let (commands, spoke, epoch) = (hall.memory.commands, spoke, state.value.commandsEpoch)
        later({ () async throws(Fault) in
            try await commands.load(spoke, epoch: epoch, after: after, maxRecords: recordsMax, maxBytes: bytesMax)
        }) { [hall] outcome in
            switch outcome {
            case .success(let records):
                hall.metrics.commandsSent.add(records.count, ordering: .relaxed)
                return .commandsLoaded(records)
            // None can be had; the flush that follows the database's return asks again.
            case .failure: return .commandsLoaded([])
            }
        }
    }

    private func ended(_ end: LinkEnd) {
        state.value.driver = nil
        state.value.registering = nil
        if state.value.isOpen {
            hall.metrics.linksOpen.subtract(1, ordering: .relaxed)
            hall.metrics.linksEnded.add(1, ordering: .relaxed)
        }
        let reason = end.words(own: "hub", peer: "spoke")
        hall.logger.info("A link ended.", metadata: ["spoke": "\(spoke)", "reason": "\(reason)"])
        let isGone = hall.registry.ended(self)
        if isGone { hall.metrics.fleet.parted(spoke) }
        // Behind the registry, so that a call that is asked again is not sent here again.
        line.end()
        guard isGone, let incarnation = state.value.incarnation else { return }
        hall.partings.note(spoke, incarnation: incarnation, reason: reason)
    }

    /// Asks the database apart from the loop and tells the machine its answer on it.
    private func later<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(Fault) -> Value,
        then event: @escaping @Sendable (Result<Value, Fault>) -> HubLink.Event
    ) {
        eventLoop.makeFutureWithTask { () async -> Result<Value, Fault> in
            do throws(Fault) { return .success(try await work()) } catch { return .failure(error) }
        }.whenSuccess { self.tell(event($0)) }
    }
}
