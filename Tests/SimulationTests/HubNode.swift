import Protocol
import TestSupport

/// A hub: one real machine per connection over a simulated database.
struct HubNode {
    /// What comes back from its database and its timers.
    enum News {
        case link(connection: Int, HubLink.Event)
        case reconcile(connection: Int, LinkHello)
        case commit(connection: Int, [StreamRecord])
        case timer(connection: Int)
    }

    private struct Peer {
        var machine = HubLink()
        var incarnation = ""
        var armed: Moment?
    }

    var database = HubDatabase()
    private(set) var life = 0
    private(set) var isAlive = false
    private var peers: [Int: Peer] = [:]
    private let limits: LinkLimits
    /// The highest command that was acknowledged to it since the last check.
    var released: [StreamPosition] = []

    init(limits: LinkLimits) { self.limits = limits }

    mutating func start(_ world: inout World) {
        life += 1
        isAlive = true
        world.note("hub starts")
    }

    mutating func crash(_ world: inout World, _ network: inout Network) {
        isAlive = false
        world.note("hub crashes")
        for connection in peers.keys.sorted() where world.random.chance(70) {
            network.close(connection, toHub: false, .lost, in: &world)
        }
        peers = [:]
    }

    mutating func order(_ payload: String, _ world: inout World, _ network: inout Network) {
        guard isAlive, !database.isAway else { return }
        database.order(payload)
        let next = Int64(database.commands.count) + 1
        for connection in peers.keys.sorted() { tell(.commandsStored(next: next), connection, &world, &network) }
    }

    /// Frames of a connection that this hub has not seen open it; those of one it has forgotten find nobody.
    mutating func receive(_ message: LinkMessage, on connection: Int, _ world: inout World, _ network: inout Network) {
        if peers[connection] == nil {
            guard case .hello = message else { return }
            peers[connection] = Peer()
            tell(.connected, connection, &world, &network)
        }
        tell(.received(message), connection, &world, &network)
    }

    mutating func hear(_ news: News, _ world: inout World, _ network: inout Network) {
        switch news {
        case .link(let connection, let event): tell(event, connection, &world, &network)
        case .reconcile(let connection, let hello): reconcile(hello, connection, &world, &network)
        case .commit(let connection, let records): commit(records, connection, &world, &network)
        case .timer(let connection):
            peers[connection]?.armed = nil
            tell(.deadlineReached, connection, &world, &network)
        }
    }

    private mutating func commit(
        _ records: [StreamRecord],
        _ connection: Int,
        _ world: inout World,
        _ network: inout Network
    ) {
        guard let incarnation = peers[connection]?.incarnation else { return }
        switch world.random.chance(3) ? .away : database.apply(records, from: incarnation) {
        case .mark(let mark): tell(.journalApplied(mark), connection, &world, &network)
        case .away: tell(.journalFailed, connection, &world, &network)
        case .fenced: tell(.leave(LinkGoodbye(reason: .replaced)), connection, &world, &network)
        }
    }

    private mutating func reconcile(
        _ hello: LinkHello,
        _ connection: Int,
        _ world: inout World,
        _ network: inout Network
    ) {
        guard peers[connection] != nil else { return }
        guard !database.isAway else {
            return refuse(.unavailable, retryAfter: 500, connection, &world, &network)
        }
        guard !database.replaced.contains(hello.incarnation) else {
            return refuse(.replaced, retryAfter: nil, connection, &world, &network)
        }
        let isTakeover = database.incarnation != hello.incarnation
        if isTakeover, let older = database.incarnation { database.replaced.insert(older) }
        database.incarnation = hello.incarnation
        if hello.journal.epoch > database.journalMark.epoch {
            database.journalMark = .start(of: hello.journal.epoch)
        }
        guard hello.journal.epoch == database.journalMark.epoch, database.journalMark.seq < hello.journal.next else {
            return refuse(.diverged, retryAfter: nil, connection, &world, &network)
        }
        for other in peers.keys.sorted() where other != connection && peers[other]?.incarnation != "" {
            let reason = isTakeover ? LinkGoodbye.Reason.replaced : .silence
            tell(.leave(LinkGoodbye(reason: reason)), other, &world, &network)
        }
        peers[connection]?.incarnation = hello.incarnation
        tell(.welcome(welcome), connection, &world, &network)
    }

    private var welcome: LinkWelcome {
        LinkWelcome(
            hubId: "hub",
            heartbeatMilliseconds: 2_000,
            silenceMilliseconds: 6_000,
            journalAcknowledged: database.journalMark,
            commandsEpoch: 1,
            commandsNext: Int64(database.commands.count) + 1,
            operationsWanted: false,
            limits: limits,
            serverTime: .init(milliseconds: 0),
            verdicts: []
        )
    }

    private mutating func refuse(
        _ code: LinkRefused.Code,
        retryAfter: Int64?,
        _ connection: Int,
        _ world: inout World,
        _ network: inout Network
    ) {
        let refused = LinkRefused(code: code, message: "", retryAfterMilliseconds: retryAfter)
        tell(.refuse(refused), connection, &world, &network)
    }

    private mutating func tell(
        _ event: HubLink.Event,
        _ connection: Int,
        _ world: inout World,
        _ network: inout Network
    ) {
        guard let actions = peers[connection]?.machine.handle(event, at: world.now) else { return }
        for action in actions { perform(action, connection, &world, &network) }
        guard let deadline = peers[connection]?.machine.nextDeadline else { return }
        if let armed = peers[connection]?.armed, armed <= deadline { return }
        peers[connection]?.armed = deadline
        world.schedule(at: deadline, .hub(life: life, .timer(connection: connection)))
    }

    private mutating func perform(
        _ action: HubLink.Action,
        _ connection: Int,
        _ world: inout World,
        _ network: inout Network
    ) {
        switch action {
        case .send(let message): network.send(message, on: connection, toHub: false, in: &world)
        case .close(let reason): network.close(connection, toHub: false, reason, in: &world)
        case .reconcile(let hello):
            let work = News.reconcile(connection: connection, hello)
            world.schedule(in: world.wait(1...100), .hub(life: life, work))
        case .applyJournal(let records):
            let work = News.commit(connection: connection, records)
            world.schedule(in: world.wait(1...60), .hub(life: life, work))
        case .loadCommands(let after, let maxRecords, _):
            let records = Array(database.commands.dropFirst(Int(after)).prefix(maxRecords))
            let answer = News.link(connection: connection, .commandsLoaded(records))
            world.schedule(in: world.wait(0...10), .hub(life: life, answer))
        case .commandsAcknowledged(let position): released.append(position)
        case .opened, .heartbeat, .offered, .deliver, .notUnderstood: break
        case .ended(let end):
            world.note("hub's link \(connection) ended: \(end)")
            peers[connection] = nil
        }
    }
}
