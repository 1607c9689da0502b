import Protocol
import TestSupport

/// One seeded life of a hub and a spoke: work, trouble, healing, and a check after every step.
struct Story {
    /// What was not as it must be.
    struct Failure: Error { var text: String }

    private var world: World
    private var network = Network()
    private var spoke = SpokeNode()
    private var hub: HubNode
    private var troubles: Int
    private var writes: Int
    private var orders: Int
    private var steps = 0
    private static let stepsMax = 20_000

    private init(seed: UInt64) {
        world = World(seed: seed)
        hub = HubNode(
            limits: LinkLimits(
                windowRecords: Int.random(in: 1...8, using: &world.random),
                windowBytes: Int.random(in: 100...2_000, using: &world.random),
                batchRecords: Int.random(in: 1...4, using: &world.random),
                batchBytes: Int.random(in: 80...1_000, using: &world.random)
            )
        )
        troubles = Int.random(in: 0...10, using: &world.random)
        writes = Int.random(in: 0...14, using: &world.random)
        orders = Int.random(in: 0...7, using: &world.random)
    }

    /// `nil` if all was well, else what was wrong and how it came about.
    static func failure(seed: UInt64) -> String? {
        var story = Story(seed: seed)
        do throws(Failure) {
            try story.run()
            return nil
        } catch {
            let trace = story.world.trace.suffix(24).joined(separator: "\n")
            return "SIM_SEED=\(seed): \(error.text)\n\(trace)"
        }
    }

    private mutating func run() throws(Failure) {
        hub.start(&world)
        spoke.start(&world, &network)
        world.schedule(in: world.wait(0...100), .trouble)
        while !isComplete {
            guard let what = world.next() else { throw Failure(text: "Nothing happens any more. \(standing)") }
            steps += 1
            guard steps < Self.stepsMax else { throw Failure(text: "No end after \(steps) steps. \(standing)") }
            happen(what)
            try check()
        }
        try checkChains()
    }

    private var isComplete: Bool {
        troubles == 0 && writes == 0 && orders == 0 && spoke.isAlive && hub.isAlive
            && spoke.disk.unsynced.isEmpty && spoke.disk.records.isEmpty
            && hub.database.journalMark.seq == spoke.disk.next - 1
            && spoke.disk.commands.count == hub.database.commands.count
            && hub.database.commandsAcknowledged == Int64(hub.database.commands.count)
    }

    private var standing: String {
        "hub at \(hub.database.journalMark.seq) of \(spoke.disk.next - 1), "
            + "spoke at \(spoke.disk.commands.count) of \(hub.database.commands.count)"
    }

    private mutating func happen(_ what: World.Happening) {
        switch what {
        case .frame(let connection, let toHub, let frame): deliver(frame, connection, toHub: toHub)
        case .closed(let connection, true, let reason):
            if hub.isAlive { hub.hear(.link(connection: connection, .disconnected(reason)), &world, &network) }
        case .closed(let connection, false, let reason):
            if spoke.isAlive { spoke.hear(.link(connection: connection, .disconnected(reason)), &world, &network) }
        case .spoke(let life, let news):
            if spoke.isAlive, life == spoke.life { spoke.hear(news, &world, &network) }
        case .hub(let life, let news): hubHears(news, life: life)
        case .trouble: stir()
        case .spokeStarts: if !spoke.isAlive { spoke.start(&world, &network) }
        case .hubStarts: if !hub.isAlive { hub.start(&world) }
        case .databaseReturns: hub.database.isAway = false
        case .partitionHeals: network.isPartitioned = false
        }
        // What the owner of a machine that gave up does: start the program anew.
        if spoke.gaveUp, spoke.isAlive {
            spoke.crash(&world, &network)
            world.schedule(in: .seconds(5), .spokeStarts)
        }
    }

    private mutating func hubHears(_ news: HubNode.News, life: Int) {
        guard hub.isAlive, life == hub.life else {
            // A transaction that was on its way when the hub died may have been committed: nobody hears of it.
            if case .commit(_, let records) = news, let incarnation = hub.database.incarnation,
                world.random.chance(50)
            {
                _ = hub.database.apply(records, from: incarnation)
            }
            return
        }
        hub.hear(news, &world, &network)
    }

    private mutating func deliver(_ frame: Frame, _ connection: Int, toHub: Bool) {
        guard network.delivers(on: connection, toHub: toHub, at: world.now),
            case .message(let message)? = try? FrameCodec.decode(frame)  // Ours always decode.
        else { return }
        if toHub {
            if hub.isAlive { hub.receive(message, on: connection, &world, &network) }
        } else if spoke.isAlive {
            spoke.hear(.link(connection: connection, .received(message)), &world, &network)
        }
    }

    /// Work and trouble, as chance will have it.
    private mutating func stir() {
        if writes > 0, spoke.isAlive {
            writes -= 1
            let size = Int.random(in: 0...60, using: &world.random)
            spoke.write("w\(writes)" + String(repeating: ".", count: size), &world)
        }
        if orders > 0, hub.isAlive, !hub.database.isAway, world.random.chance(60) {
            orders -= 1
            hub.order("o\(orders)", &world, &network)
        }
        if troubles > 0, world.random.chance(50) {
            troubles -= 1
            trouble()
        }
        guard troubles + writes + orders > 0 else { return }
        world.schedule(in: world.wait(world.random.chance(20) ? 500...9_000 : 1...120), .trouble)
    }

    private mutating func trouble() {
        switch Int.random(in: 0..<7, using: &world.random) {
        case 0, 1:
            guard let connection = spoke.connection else { return }
            world.note("connection \(connection) breaks")
            network.cut(connection, in: &world)
        case 2:
            guard let connection = spoke.connection else { return }
            world.note("connection \(connection) stalls")
            network.stall(connection, in: &world)
        case 3:
            network.isPartitioned = true
            world.schedule(in: world.wait(100...20_000), .partitionHeals)
            if let connection = spoke.connection { network.cut(connection, in: &world) }
        case 4:
            guard spoke.isAlive else { return }
            spoke.crash(&world, &network)
            world.schedule(in: world.wait(1...4_000), .spokeStarts)
        case 5:
            guard hub.isAlive else { return }
            hub.crash(&world, &network)
            world.schedule(in: world.wait(1...4_000), .hubStarts)
        default:
            world.note("the database goes away")
            hub.database.isAway = true
            world.schedule(in: world.wait(100...8_000), .databaseReturns)
        }
    }

    // MARK: What must always hold

    private mutating func check() throws(Failure) {
        for position in spoke.released {
            let mark = hub.database.journalMark
            guard position.epoch < mark.epoch || position.epoch == mark.epoch && position.seq <= mark.seq else {
                throw Failure(text: "The spoke was told \(position) while the hub stands at \(mark.epoch)/\(mark.seq).")
            }
        }
        for position in hub.released {
            hub.database.commandsAcknowledged = max(hub.database.commandsAcknowledged, position.seq)
            guard position.seq <= spoke.disk.commandsMark.seq else {
                throw Failure(text: "The hub was told \(position.seq), the spoke has \(spoke.disk.commandsMark.seq).")
            }
        }
        (spoke.released, hub.released) = ([], [])
    }

    /// What the hub applied is, epoch by epoch, a beginning of what the spoke made durable: each once, in order.
    private func checkChains() throws(Failure) {
        var marks: [Int64: StreamMark] = [:]
        for record in hub.database.journal {
            let mark = marks[record.epoch] ?? .start(of: record.epoch)
            guard record.seq == mark.seq + 1, record.isChained(to: mark.hash) else {
                throw Failure(text: "Journal record \(record.epoch)/\(record.seq) was applied behind \(mark.seq).")
            }
            guard spoke.disk.history[record.epoch]?[Int(record.seq) - 1] == record else {
                throw Failure(text: "Journal record \(record.epoch)/\(record.seq) is not what the spoke wrote.")
            }
            marks[record.epoch] = StreamMark(after: record)
        }
        guard spoke.disk.commands == hub.database.commands else {
            throw Failure(text: "The spoke carried out other commands than the hub gave.")
        }
    }
}
