import Foundation
import Logging
import NIOPosix
import Protocol
import Synchronization
import Transport

/// Keeps this spoke connected to its hub: dials, says hello, hands records and orders over, and tries again for as
/// long as it takes.
actor LinkService {
    private let credential: SpokeCredential
    private let journal: Journal
    private let inbox: Inbox
    private let hello: @Sendable (OperationsSummary) async throws -> LinkHello
    private let measure: @Sendable () async -> (load: HostLoad, sessions: Int)
    private let opened: @Sendable (LinkWelcome) async -> Void
    private let commandsArrived: @Sendable () -> Void
    private let logger: Logger
    private let timekeeper = SystemTimekeeper()
    private let reconnect: Driver<ReconnectMachine>

    /// The link there is, and the calls that the hub has under way over it.
    private(set) var link: Driver<SpokeLink>?
    private var isWelcome = false
    private(set) var runner: OperationRunner?
    private let desk: OperationDesk
    /// What the last hello told of operations and agents.
    private var greeted = OperationsSummary(hash: "")
    private var isLeaving = false
    private var awaitingWelcome: [CheckedContinuation<Void, Never>] = []
    var asked = AskedCalls()

    /// The link from the hub's welcome on: before that a call would go nowhere.
    var openLink: Driver<SpokeLink>? { isWelcome ? link : nil }

    /// What people are told of the link.
    private(set) var state = "starting"
    private(set) var since = Date()
    private var awaySince = ContinuousClock.now

    init(
        credential: SpokeCredential,
        journal: Journal,
        inbox: Inbox,
        desk: OperationDesk,
        logger: Logger,
        hello: @escaping @Sendable (OperationsSummary) async throws -> LinkHello,
        measure: @escaping @Sendable () async -> (load: HostLoad, sessions: Int),
        opened: @escaping @Sendable (LinkWelcome) async -> Void,
        commandsArrived: @escaping @Sendable () -> Void
    ) {
        self.credential = credential
        self.journal = journal
        self.inbox = inbox
        self.desk = desk
        self.logger = logger
        self.hello = hello
        self.measure = measure
        self.opened = opened
        self.commandsArrived = commandsArrived
        reconnect = Driver(ReconnectMachine(), timekeeper: timekeeper)
    }

    // MARK: Connecting

    /// Stays connected until cancelled, or until the hub says that this spoke must not come back.
    func run() async {
        async let told: Void = tellOfRecords()
        await reconnect.tell(.start)
        for await action in reconnect.actions {
            switch action {
            case .dial(let elsewhere):
                let outcome = await connection(to: elsewhere ?? credential.hub)
                await reconnect.tell(outcome)
            case .waiting(let delay, let cause):
                become("offline: \(cause)")
                logger.notice("link waits", metadata: ["milliseconds": "\(delay.milliseconds)", "cause": "\(cause)"])
            case .giveUp(let cause):
                become("given up: \(cause)")
                if !isLeaving { logger.error("link given up", metadata: ["cause": "\(cause)"]) }
            }
        }
        await told
    }

    /// Tells the hub what is offered now, if there is a link; the next hello tells it in any case.
    func offerAnew() async { await link?.tell(.offer(await desk.summary(whole: true))) }

    /// Leaves the hub in order; ``run()`` then has nothing more to do.
    func leave(_ reason: LinkGoodbye.Reason) async {
        isLeaving = true
        await reconnect.tell(.stop)
        await link?.tell(.leave(LinkGoodbye(reason: reason)))
    }

    /// Ends this connection and begins the next at once, so that the hub hears a new hello.
    func renew() async {
        await link?.tell(.leave(LinkGoodbye(reason: .restart)))
        await reconnect.tell(.wake)
    }

    /// The same, and returns when the hub has heard it, or after a few seconds: it may be away.
    func renewHeard() async {
        guard link != nil else { return }
        await renew()
        let patience = Task {
            // Cancelled means that the hub has heard it.
            guard (try? await Task.sleep(for: Self.renewalPatience)) != nil else { return }
            self.wakeForWelcome()
        }
        await withCheckedContinuation { awaitingWelcome.append($0) }
        patience.cancel()
    }

    private static let renewalPatience = Duration.seconds(5)

    private func wakeForWelcome() {
        for waiter in awaitingWelcome { waiter.resume() }
        awaitingWelcome = []
    }

    /// One connection, from dialing to its end.
    private func connection(to url: String) async -> ReconnectMachine.Event {
        let machine: SpokeLink
        do {
            let hello = try await hello(await desk.summary(whole: false))
            greeted = OperationsSummary(hash: hello.operations.hash, agents: hello.agents ?? [])
            machine = SpokeLink(hello: hello)
        } catch {
            return .dialFailed(Fault(.execution, "The spoke's own state cannot be read: \(error)"), draw: Self.draw())
        }
        let link = Driver(machine, timekeeper: timekeeper)
        let (news, post) = AsyncStream<LinkNews>.makeStream(bufferingPolicy: .bufferingOldest(Limits.windowRecords))
        let connection: LinkConnection
        do throws(Fault) {
            let dialer = WebSocketDialer(
                group: MultiThreadedEventLoopGroup.singleton,
                trust: credential.authorityFile.map(WebSocketDialer.Trust.file) ?? .system
            )
            connection = try await dialer.dial(Self.linkURL(url), bearer: credential.key) { connection, item in
                if case .dropped = post.yield(item) { connection.close(.tooSlow) }
                if case .closed = item { post.finish() }
            }
        } catch {
            return .dialFailed(error, draw: Self.draw())
        }
        self.link = link
        let runner = OperationRunner(desk: desk, logger: logger) { await link.tell(.call($0)) }
        self.runner = runner
        await link.tell(.connected)
        async let heard: Void = hear(news, for: link)
        let end = await perform(link, over: connection)
        self.link = nil
        isWelcome = false
        self.runner = nil
        become("offline")
        connection.close(.goingAway)
        await heard
        failCalls()
        // What the hub's calls had started is stopped; the agent's end waits for that, the next connection does not.
        if isLeaving { await runner.end() } else { Task { await runner.end() } }
        return .ended(end, draw: Self.draw())
    }

    private func hear(_ news: AsyncStream<LinkNews>, for link: Driver<SpokeLink>) async {
        for await item in news {
            switch item {
            case .message(let message): await link.tell(.received(message))
            case .closed(let reason): await link.tell(.disconnected(reason))
            case .writable: break
            }
        }
    }

    // MARK: What the machine decides

    private func perform(_ link: Driver<SpokeLink>, over connection: LinkConnection) async -> LinkEnd {
        for await action in link.actions {
            switch action {
            case .send(let message): connection.send(message)
            case .close(let reason): connection.close(reason)
            case .opened(let welcome): await open(welcome, link)
            case .loadJournal(let after, let records, let bytes):
                await link.tell(.journalLoaded(await load(after: after, maxRecords: records, maxBytes: bytes)))
            case .journalAcknowledged(let position): await forget(upTo: position)
            case .applyCommands(let records): await link.tell(await apply(records))
            case .measureLoad:
                let (load, sessions) = await measure()
                await link.tell(.loadMeasured(load, sessions: sessions))
            case .operationsTaken(let taken): tell(of: taken)
            case .deliver(let call): await deliver(call)
            case .notUnderstood(let type):
                logger.warning("hub does not know a message", metadata: ["type": "\(type)"])
            case .ended(let end):
                await link.finish()
                logger.info("link ended", metadata: ["reason": "\(end.words(own: "spoke", peer: "hub"))"])
                return end
            }
        }
        return .lost(.tooSlow)
    }

    private func open(_ welcome: LinkWelcome, _ link: Driver<SpokeLink>) async {
        await reconnect.tell(.opened)
        become("connected")
        guard await agrees(welcome.journalAcknowledged) else { return await renew() }
        isWelcome = true
        // What changed since the hello was put together nobody has been told of.
        let offer = await desk.summary(whole: true)
        if welcome.operationsWanted || offer.hash != greeted.hash || offer.agents != greeted.agents {
            await link.tell(.offer(offer))
        }
        await opened(welcome)
        wakeForWelcome()
        await link.tell(.journalStored(next: await journal.state.next))
    }

    private func tell(of taken: OperationsTaken) {
        logger.info("operations registered", metadata: ["count": "\(taken.registered)"])
        for refusal in taken.refusals {
            logger.error(
                "operation refused by the hub",
                metadata: ["operation": "\(refusal.operation)", "reason": "\(refusal.message)"]
            )
        }
    }

    /// Whether the journal goes on where the hub stands. If not, it has begun a new epoch: only a new hello tells that.
    private func agrees(_ mark: StreamMark) async -> Bool {
        do {
            return try await journal.resume(from: mark) == mark
        } catch {
            logger.warning("journal not resumed", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func load(after: Int64, maxRecords: Int, maxBytes: Int) async -> [StreamRecord] {
        do {
            return try await journal.records(after: after, maxRecords: maxRecords, maxBytes: maxBytes)
        } catch {
            logger.warning("journal not readable", metadata: ["after": "\(after)", "error": "\(error)"])
            return []
        }
    }

    private func forget(upTo position: StreamPosition) async {
        do {
            try await journal.acknowledged(epoch: position.epoch, upTo: position.seq)
        } catch {
            // They stay a little longer; the next acknowledgement covers them.
            logger.warning("journal not trimmed", metadata: ["error": "\(error)"])
        }
    }

    private func apply(_ records: [StreamRecord]) async -> SpokeLink.Event {
        do {
            let mark = try await inbox.receive(records)
            commandsArrived()
            return .commandsApplied(mark)
        } catch {
            logger.warning("orders not stored", metadata: ["error": "\(error)"])
            return .commandsFailed
        }
    }

    /// Tells whichever link there is that the journal has grown.
    private func tellOfRecords() async {
        for await _ in journal.appended {
            await link?.tell(.journalStored(next: await journal.state.next))
        }
    }

    /// How long there has been no link; nothing while there is one.
    var away: Duration {
        guard state != "connected" else { return .zero }
        return ContinuousClock.now - awaySince
    }

    private func become(_ state: String) {
        if self.state != state { since = Date() }
        if self.state == "connected", state != "connected" { awaySince = .now }
        self.state = state
    }

    private static func linkURL(_ hub: String) -> String {
        let socket = hub.hasPrefix("https") ? "wss\(hub.dropFirst(5))" : "ws\(hub.dropFirst(4))"
        return "\(socket)/v1/link"
    }

    private static func draw() -> UInt64 { UInt64.random(in: 0...UInt64.max) }
}
