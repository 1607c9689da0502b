import Protocol
import TestSupport

/// A spoke: real machines over a simulated disk and network.
struct SpokeNode {
    /// What comes back from its disk, its dialer and its timers.
    enum News {
        case link(connection: Int, SpokeLink.Event)
        case keeper(ReconnectMachine.Event)
        case dialed(connection: Int)
        case synced
        case committed(connection: Int, [StreamRecord])
        case timer
    }

    var disk = Disk()
    private(set) var life = 0
    private(set) var isAlive = false
    private(set) var link: SpokeLink?
    private(set) var connection: Int?
    private var keeper = ReconnectMachine()
    private var armed: Moment?
    private var isSyncing = false
    private(set) var gaveUp = false
    /// The positions that were acknowledged to it since the last check.
    var released: [StreamPosition] = []

    var incarnation: String { "life-\(life)" }

    var hello: LinkHello {
        LinkHello(
            spokeId: "spoke",
            name: "spoke",
            incarnation: incarnation,
            bootId: "boot",
            spokeType: .compute,
            hostInfo: HostInfo(
                os: "linux",
                arch: "x86_64",
                cpus: 1,
                memoryBytes: 1,
                diskFreeBytes: 1,
                gitVersion: "2",
                spokeVersion: "1"
            ),
            labels: [:],
            slots: 1,
            draining: false,
            journal: disk.summary,
            commands: disk.commandsMark,
            operations: OperationsSummary(hash: ""),
            sessions: [],
            worktrees: []
        )
    }

    mutating func start(_ world: inout World, _ network: inout Network) {
        life += 1
        (isAlive, link, connection, armed, isSyncing, gaveUp) = (true, nil, nil, nil, false, false)
        keeper = ReconnectMachine()
        world.note("spoke starts as \(incarnation) at \(disk.summary.epoch)/\(disk.summary.next)")
        tellKeeper(.start, &world, &network)
    }

    mutating func crash(_ world: inout World, _ network: inout Network) {
        isAlive = false
        disk.crash(&world.random)
        world.note("spoke crashes, disk keeps \(disk.summary.epoch)/\(disk.summary.next)")
        // The kernel closes its connection, unless the power went.
        if let connection, world.random.chance(70) {
            network.close(connection, toHub: true, .lost, in: &world)
        }
        (link, connection) = (nil, nil)
    }

    mutating func write(_ payload: String, _ world: inout World) {
        guard isAlive else { return }
        disk.write(payload)
        guard !isSyncing else { return }
        isSyncing = true
        world.schedule(in: world.wait(1...30), .spoke(life: life, .synced))
    }

    mutating func hear(_ news: News, _ world: inout World, _ network: inout Network) {
        switch news {
        case .link(let number, let event):
            if number == connection { tellLink(event, &world, &network) }
        case .keeper(let event): tellKeeper(event, &world, &network)
        case .dialed(let number):
            (connection, link) = (number, SpokeLink(hello: hello))
            tellLink(.connected, &world, &network)
        case .synced:
            isSyncing = false
            disk.sync()
            tellLink(.journalStored(next: disk.next), &world, &network)
        case .committed(let number, let records):
            if world.random.chance(5) {
                if number == connection { tellLink(.commandsFailed, &world, &network) }
                return
            }
            let mark = disk.apply(records)
            if number == connection { tellLink(.commandsApplied(mark), &world, &network) }
        case .timer:
            armed = nil
            tellKeeper(.deadlineReached, &world, &network)
            tellLink(.deadlineReached, &world, &network)
        }
    }

    private mutating func tellKeeper(
        _ event: ReconnectMachine.Event,
        _ world: inout World,
        _ network: inout Network
    ) {
        for action in keeper.handle(event, at: world.now) {
            world.note("keeper \(action)")
            switch action {
            case .dial: dial(&world, &network)
            case .waiting: break
            case .giveUp: gaveUp = true
            }
        }
        arm(&world)
    }

    private mutating func dial(_ world: inout World, _ network: inout Network) {
        guard !network.isPartitioned else {
            let fault = Fault(.unavailable, "No route.")
            let event = ReconnectMachine.Event.dialFailed(fault, draw: world.random.next())
            return world.schedule(in: world.wait(1...2_000), .spoke(life: life, .keeper(event)))
        }
        let number = network.connect()
        world.schedule(in: world.wait(1...50), .spoke(life: life, .dialed(connection: number)))
    }

    private mutating func tellLink(_ event: SpokeLink.Event, _ world: inout World, _ network: inout Network) {
        guard let connection, let actions = link?.handle(event, at: world.now) else { return }
        for action in actions { perform(action, connection, &world, &network) }
        arm(&world)
    }

    private mutating func perform(
        _ action: SpokeLink.Action,
        _ connection: Int,
        _ world: inout World,
        _ network: inout Network
    ) {
        switch action {
        case .send(let message): network.send(message, on: connection, toHub: true, in: &world)
        case .close(let reason): network.close(connection, toHub: true, reason, in: &world)
        case .opened: tellKeeper(.opened, &world, &network)
        case .loadJournal(let after, let maxRecords, let maxBytes):
            let records = disk.load(after: after, maxRecords: maxRecords, maxBytes: maxBytes)
            let answer = News.link(connection: connection, .journalLoaded(records))
            world.schedule(in: world.wait(0...10), .spoke(life: life, answer))
        case .journalAcknowledged(let position):
            released.append(position)
            disk.delete(through: position.seq)
        case .applyCommands(let records):
            let work = News.committed(connection: connection, records)
            world.schedule(in: world.wait(1...60), .spoke(life: life, work))
        case .measureLoad:
            let load = HostLoad(cpu: 0, memory: 0, disk: 0)
            let answer = News.link(connection: connection, .loadMeasured(load, sessions: 0))
            world.schedule(in: .zero, .spoke(life: life, answer))
        case .deliver, .operationsTaken, .notUnderstood: break
        case .ended(let end):
            world.note("spoke's link \(connection) ended: \(end)")
            (link, self.connection) = (nil, nil)
            tellKeeper(.ended(end, draw: world.random.next()), &world, &network)
        }
    }

    /// One timer for both machines: the earlier deadline.
    private mutating func arm(_ world: inout World) {
        guard let deadline = [keeper.nextDeadline, link?.nextDeadline].compactMap(\.self).min() else { return }
        if let armed, armed <= deadline { return }
        armed = deadline
        world.schedule(at: deadline, .spoke(life: life, .timer))
    }
}
