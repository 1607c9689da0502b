import Protocol
import Testing

@testable import Postgres

/// Goal: who waits and who gets which connection. Method: transcripts of the machine, with a clock turned by hand.
@Suite struct PoolMachineTests {
    private var pool: PoolMachine
    private var now = Moment.zero

    init() {
        var configuration = DatabaseConfiguration("")
        configuration.connections = 3
        configuration.pipelineDepth = 2
        configuration.waitingMax = 4
        configuration.waitLongest = .seconds(10)
        configuration.idleLongest = .seconds(60)
        pool = PoolMachine(configuration)
    }

    private mutating func tell(_ event: PoolMachine.Event) -> [PoolMachine.Action] { pool.handle(event, at: now) }

    /// Opens connections 1… by crowding them, and leaves all idle.
    private mutating func open(_ count: Int) {
        for connection in 1...count {
            #expect(tell(.requested(UInt64(1_000 + connection), .lease)) == [.open(connection)])
            #expect(tell(.opened(connection)) == [.assign(UInt64(1_000 + connection), to: connection)])
        }
        for connection in 1...count { _ = tell(.released(connection)) }
    }

    @Test mutating func theFirstStatementOpensTheFirstConnection() {
        #expect(tell(.requested(1, .statement)) == [.open(1)])
        #expect(tell(.opened(1)) == [.assign(1, to: 1)])
        #expect(tell(.finished(1)) == [])
        #expect(tell(.requested(2, .statement)) == [.assign(2, to: 1)])
    }

    @Test mutating func aStatementGoesBehindAnotherWhileMoreConnectionsOpen() {
        _ = tell(.requested(1, .statement))
        _ = tell(.opened(1))
        #expect(tell(.requested(2, .statement)) == [.assign(2, to: 1), .open(2)])
        // Connection 1 is full; 2 is still opening, and a third is wanted.
        #expect(tell(.requested(3, .statement)) == [])
        #expect(tell(.opened(2)) == [.assign(3, to: 2)])
        #expect(tell(.requested(4, .statement)) == [.assign(4, to: 2), .open(3)])
    }

    @Test mutating func aLeaseHasAConnectionToItself() {
        open(2)
        #expect(tell(.requested(1, .lease)) == [.assign(1, to: 1)])
        #expect(tell(.requested(2, .statement)) == [.assign(2, to: 2)])
        #expect(tell(.requested(3, .statement)) == [.assign(3, to: 2), .open(3)])
        #expect(tell(.released(1)) == [])
        #expect(tell(.requested(4, .statement)) == [.assign(4, to: 1)])
    }

    @Test mutating func aWaitingLeaseReservesAConnectionUntilItIsEmpty() {
        open(2)
        _ = tell(.requested(50, .lease))
        _ = tell(.requested(51, .statement))
        _ = tell(.requested(52, .statement))
        #expect(tell(.opened(3)) == [])
        _ = tell(.requested(53, .statement))
        // 1 is leased, 2 has two statements, 3 has one: 3 is reserved and gets nothing further.
        #expect(tell(.requested(60, .lease)) == [])
        #expect(tell(.finished(2)) == [])
        #expect(tell(.requested(54, .statement)) == [.assign(54, to: 2)])
        #expect(tell(.finished(3)) == [.assign(60, to: 3)])
    }

    @Test mutating func leasesNeverTakeTheLastConnection() {
        open(2)
        _ = tell(.requested(1, .lease))
        _ = tell(.requested(2, .lease))
        #expect(tell(.requested(3, .lease)) == [.open(3)])
        #expect(tell(.opened(3)) == [])
        #expect(tell(.requested(4, .statement)) == [.assign(4, to: 3)])
        #expect(tell(.released(2)) == [.assign(3, to: 2)])
    }

    @Test mutating func whoWaitsTooLongIsToldSo() {
        _ = tell(.requested(1, .statement))
        now = now + .seconds(1)
        _ = tell(.requested(2, .lease))
        #expect(pool.nextDeadline == .zero + .seconds(10))
        now = .zero + .seconds(10)
        #expect(tell(.deadlineReached) == [.refuse(1, .waitedTooLong)])
        now = .zero + .seconds(11)
        #expect(tell(.deadlineReached) == [.refuse(2, .waitedTooLong)])
    }

    @Test mutating func aLineThatIsTooLongRefusesTheNext() {
        for request in 1...4 { _ = tell(.requested(UInt64(request), .statement)) }
        #expect(tell(.requested(5, .statement)) == [.refuse(5, .lineTooLong)])
        #expect(tell(.withdrawn(2, .statement)) == [])
        #expect(tell(.requested(6, .lease)) == [])
        // A lease goes first where leases may not take everything: the statements get the next connection.
        #expect(tell(.opened(1)) == [.assign(6, to: 1)])
        #expect(tell(.opened(2)) == [.assign(1, to: 2), .assign(3, to: 2)])
    }

    @Test mutating func afterAFailedAttemptOneConnectionAtATimeIsTried() {
        _ = tell(.requested(1, .statement))
        _ = tell(.requested(2, .statement))
        #expect(tell(.openFailed(1, retryAfter: .seconds(1), isHopeless: false)) == [])
        #expect(tell(.openFailed(2, retryAfter: .seconds(2), isHopeless: false)) == [])
        #expect(pool.nextDeadline == .zero + .seconds(2))
        now = .zero + .seconds(2)
        #expect(tell(.deadlineReached) == [.open(3)])
        #expect(tell(.deadlineReached) == [])
        #expect(tell(.opened(3)) == [.assign(1, to: 3), .assign(2, to: 3), .open(4)])
    }

    @Test mutating func whatOnlyAPersonCanMendIsToldAtOnce() {
        _ = tell(.requested(1, .statement))
        let refused = tell(.openFailed(1, retryAfter: .seconds(1), isHopeless: true))
        #expect(refused == [.refuse(1, .cannotConnect)])
        // The next one tries again, after the pause.
        #expect(tell(.requested(2, .statement)) == [])
        now = now + .seconds(1)
        #expect(tell(.deadlineReached) == [.open(2)])
    }

    @Test mutating func aLostConnectionIsReplacedWhenSomebodyNeedsOne() {
        open(1)
        _ = tell(.requested(1, .statement))
        #expect(tell(.lost(1)) == [])
        #expect(tell(.finished(1)) == [])
        #expect(tell(.requested(2, .lease)) == [.open(2)])
    }

    @Test mutating func aWornConnectionFinishesAndCloses() {
        open(1)
        _ = tell(.requested(1, .statement))
        #expect(tell(.worn(1)) == [])
        #expect(tell(.requested(2, .statement)) == [.open(2)])
        #expect(tell(.finished(1)) == [.close(1)])
        _ = tell(.opened(2))
        _ = tell(.finished(2))
        _ = tell(.requested(3, .lease))
        _ = tell(.worn(2))
        #expect(tell(.released(2)) == [.close(2)])
    }

    @Test mutating func aHeldConnectionGetsNothingUntilItIsFreed() {
        open(1)
        _ = tell(.requested(1, .statement))
        #expect(tell(.held(1)) == [])
        #expect(tell(.finished(1)) == [])
        #expect(tell(.requested(2, .statement)) == [.open(2)])
        #expect(tell(.freed(1)) == [.assign(2, to: 1)])
    }

    @Test mutating func idleConnectionsCloseButOne() {
        open(2)
        #expect(pool.nextDeadline == .zero + .seconds(60))
        now = .zero + .seconds(60)
        #expect(tell(.deadlineReached) == [.close(1)])
        #expect(pool.nextDeadline == nil)
    }

    @Test mutating func closingLetsWorkFinish() {
        open(2)
        _ = tell(.requested(1, .lease))
        #expect(tell(.closing) == [.close(2)])
        #expect(tell(.requested(2, .statement)) == [.refuse(2, .closed)])
        #expect(tell(.released(1)) == [.close(1), .closed])
    }

    @Test mutating func closingWaitsForAConnectionThatIsJustOpening() {
        _ = tell(.requested(1, .statement))
        #expect(tell(.closing) == [.refuse(1, .closed)])
        #expect(tell(.opened(1)) == [.close(1), .closed])
    }

    /// Method: random stories; a small model of who holds what must never be contradicted.
    @Test func randomStoriesBreakNoPromise() {
        for seed in 0..<300 { PoolStory(seed: UInt64(seed)).run() }
    }
}

/// One random story of a pool and what must be true of it.
private struct PoolStory {
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        // SplitMix64, Steele et al. 2014.
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    let seed: UInt64

    func run() {
        var dice = Dice(state: seed)
        var configuration = DatabaseConfiguration("")
        configuration.connections = Int.random(in: 1...4, using: &dice)
        configuration.pipelineDepth = Int.random(in: 1...3, using: &dice)
        configuration.waitLongest = .seconds(5)
        var pool = PoolMachine(configuration)
        var now = Moment.zero
        var model = Model(configuration)
        for request in UInt64(1)...150 {
            now = now + .milliseconds(Int64.random(in: 0...400, using: &dice))
            let kind: PoolMachine.Kind = Bool.random(using: &dice) ? .statement : .lease
            model.kinds[request] = kind
            model.apply(pool.handle(.requested(request, kind), at: now), seed)
            for _ in 0..<Int.random(in: 0...2, using: &dice) {
                guard let event = model.randomEvent(&dice) else { break }
                model.apply(pool.handle(event, at: now), seed)
            }
            if let deadline = pool.nextDeadline, deadline <= now {
                model.apply(pool.handle(.deadlineReached, at: now), seed)
            }
        }
        model.apply(pool.handle(.closing, at: now), seed)
        while let event = model.finishingEvent { model.apply(pool.handle(event, at: now), seed) }
        #expect(model.isClosed && model.kinds.isEmpty, "seed \(seed)")
    }

    private struct Model {
        let configuration: DatabaseConfiguration
        var kinds: [UInt64: PoolMachine.Kind] = [:]
        var opening: Set<Int> = []
        var loads: [Int: Int] = [:]
        var leased: Set<Int> = []
        var isClosed = false

        init(_ configuration: DatabaseConfiguration) { self.configuration = configuration }

        mutating func apply(_ actions: [PoolMachine.Action], _ seed: UInt64) {
            for action in actions {
                switch action {
                case .open(let connection):
                    opening.insert(connection)
                    #expect(opening.count + loads.count <= configuration.connections, "seed \(seed)")
                case .assign(let request, let connection):
                    let kind = kinds.removeValue(forKey: request)
                    #expect(loads[connection] != nil && !leased.contains(connection), "seed \(seed)")
                    if kind == .lease {
                        #expect(loads[connection] == 0, "seed \(seed)")
                        leased.insert(connection)
                        let most = max(1, configuration.connections - 1)
                        #expect(leased.count <= most, "seed \(seed)")
                    } else {
                        loads[connection, default: 0] += 1
                        #expect(loads[connection, default: 0] <= configuration.pipelineDepth, "seed \(seed)")
                    }
                case .refuse(let request, _):
                    #expect(kinds.removeValue(forKey: request) != nil, "seed \(seed)")
                case .close(let connection):
                    #expect(loads.removeValue(forKey: connection) == 0, "seed \(seed)")
                    #expect(!leased.contains(connection), "seed \(seed)")
                case .closed:
                    #expect(loads.isEmpty && opening.isEmpty, "seed \(seed)")
                    isClosed = true
                }
            }
        }

        mutating func randomEvent(_ dice: inout Dice) -> PoolMachine.Event? {
            let connection = loads.keys.sorted().randomElement(using: &dice)
            switch Int.random(in: 0..<20, using: &dice) {
            case 0:
                guard let connection else { return nil }
                loads[connection] = nil
                leased.remove(connection)
                return .lost(connection)
            case 1: return connection.map { .worn($0) }
            case 2:
                guard let connection = opening.min() else { return nil }
                opening.remove(connection)
                return .openFailed(connection, retryAfter: .milliseconds(200), isHopeless: false)
            case 3:
                guard let (request, kind) = kinds.min(by: { $0.key < $1.key }) else { return nil }
                kinds[request] = nil
                return .withdrawn(request, kind)
            default: return finishingEvent
            }
        }

        /// Moves something on that is under way.
        var finishingEvent: PoolMachine.Event? {
            mutating get {
                if let connection = opening.min() {
                    opening.remove(connection)
                    loads[connection] = 0
                    return .opened(connection)
                }
                if let connection = leased.min() {
                    leased.remove(connection)
                    return .released(connection)
                }
                guard let connection = loads.filter({ $0.value > 0 }).keys.min() else { return nil }
                loads[connection, default: 1] -= 1
                return .finished(connection)
            }
        }
    }
}
