import Protocol

/// Decides who waits and who gets which connection, and when to open, close and give up.
///
/// A *statement* shares a connection: it goes to an idle one, else behind others on the least loaded one while more
/// are being opened. A *lease* (a transaction) has a connection to itself: it gets an idle one, else the least loaded
/// is reserved, takes nothing further and is handed over when it is empty. Leases never take the last connection, so
/// statements always move on (except in a pool of one).
///
///     opening ──opened──▶ open (shared ⇄ reserved ⇄ leased) ──worn, idle too long, closing──▶ closed
///        └──openFailed──▶ gone, wait, open another       └──lost──▶ gone
struct PoolMachine: Machine {
    /// A statement or lease, numbered by the driver; never used twice.
    typealias RequestID = UInt64
    /// A connection, numbered here; never used twice.
    typealias ConnectionID = Int

    enum Kind: Sendable, Hashable { case statement, lease }

    enum Refusal: Sendable, Hashable { case waitedTooLong, lineTooLong, cannotConnect, closed }

    enum Event: MachineEvent, Hashable {
        case requested(RequestID, Kind)
        /// A request that still waits is not wanted any more.
        case withdrawn(RequestID, Kind)
        case opened(ConnectionID)
        /// Connecting failed; hopeless if trying again cannot help until a person does something.
        case openFailed(ConnectionID, retryAfter: Duration, isHopeless: Bool)
        /// One of the statements assigned to a connection is done.
        case finished(ConnectionID)
        /// A lease is over.
        case released(ConnectionID)
        case lost(ConnectionID)
        /// The connection works but should take nothing further, as when its server became read-only.
        case worn(ConnectionID)
        /// A cancellation is on its way to the server: what runs next on the connection might be hit.
        case held(ConnectionID)
        case freed(ConnectionID)
        /// No more requests; what is under way finishes.
        case closing
        case deadlineReached
    }

    enum Action: Sendable, Hashable {
        case open(ConnectionID)
        case assign(RequestID, to: ConnectionID)
        case refuse(RequestID, Refusal)
        case close(ConnectionID)
        /// Everything is closed; follows ``Event/closing`` once.
        case closed
    }

    struct Slot: Sendable, Hashable {
        let connection: ConnectionID
        var isOpen = false
        var load = 0
        var isLeased = false
        var isReserved = false
        var isHeld = false
        var isWorn = false
        var idleSince: Moment

        var isShared: Bool { isOpen && !isLeased && !isHeld && !isWorn }
        var isIdle: Bool { isShared && load == 0 }
    }

    let configuration: DatabaseConfiguration
    var slots: [Slot] = []
    var statements = WaitingLine()
    var leases = WaitingLine()
    private var connectionsMade = 0
    /// Set by a failed attempt, cleared by a successful one: no attempt before it, and one at a time after it.
    private var retryAt: Moment?
    private var isClosing = false
    private var isClosed = false

    init(_ configuration: DatabaseConfiguration) {
        precondition(configuration.connections >= 1, "A pool has at least one connection")
        precondition(configuration.pipelineDepth >= 1, "A connection takes at least one statement")
        self.configuration = configuration
    }

    var nextDeadline: Moment? {
        var moments = [statements.nextDeadline, leases.nextDeadline].compactMap { $0 }
        if let retryAt, hasWaiting, openingCount == 0 { moments.append(retryAt) }
        if slots.count > 1 {
            moments += slots.filter(\.isIdle).map { $0.idleSince + configuration.idleLongest }
        }
        return moments.min()
    }

    mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        switch event {
        case .requested(let request, let kind): requested(request, kind, now)
        case .withdrawn(let request, let kind): withdrawn(request, kind)
        case .opened(let connection): opened(connection, now)
        case .openFailed(let connection, let wait, let isHopeless): openFailed(connection, wait, isHopeless, now)
        case .finished(let connection): changed(connection, now) { $0.load -= 1 }
        case .released(let connection): changed(connection, now) { $0.isLeased = false }
        case .lost(let connection): lost(connection, now)
        case .worn(let connection): changed(connection, now) { $0.isWorn = true }
        case .held(let connection): changed(connection, now) { $0.isHeld = true }
        case .freed(let connection): changed(connection, now) { $0.isHeld = false }
        case .closing: closing(now)
        case .deadlineReached: deadlineReached(now)
        }
    }

    private mutating func requested(_ request: RequestID, _ kind: Kind, _ now: Moment) -> [Action] {
        guard !isClosing else { return [.refuse(request, .closed)] }
        guard statements.count + leases.count < configuration.waitingMax else {
            return [.refuse(request, .lineTooLong)]
        }
        let deadline = now + configuration.waitLongest
        switch kind {
        case .statement: statements.append(request, deadline: deadline)
        case .lease: leases.append(request, deadline: deadline)
        }
        return distribute(now)
    }

    private mutating func withdrawn(_ request: RequestID, _ kind: Kind) -> [Action] {
        switch kind {
        case .statement: statements.withdraw(request)
        case .lease: leases.withdraw(request)
        }
        return []
    }

    private mutating func opened(_ connection: ConnectionID, _ now: Moment) -> [Action] {
        retryAt = nil
        return changed(connection, now) { $0.isOpen = true }
    }

    private mutating func openFailed(
        _ connection: ConnectionID,
        _ wait: Duration,
        _ isHopeless: Bool,
        _ now: Moment
    ) -> [Action] {
        slots.removeAll { $0.connection == connection }
        retryAt = now + wait
        // With a connection that works, its users are served; without any, waiting is of no use.
        let refused = isHopeless && !slots.contains(where: \.isOpen) ? refuseAll(.cannotConnect) : []
        return refused + distribute(now) + closedIfDone()
    }

    private mutating func lost(_ connection: ConnectionID, _ now: Moment) -> [Action] {
        slots.removeAll { $0.connection == connection }
        return distribute(now) + closedIfDone()
    }

    private mutating func changed(
        _ connection: ConnectionID,
        _ now: Moment,
        _ change: (inout Slot) -> Void
    ) -> [Action] {
        // An event may be late: the connection was lost in between.
        guard let index = slots.firstIndex(where: { $0.connection == connection }) else { return [] }
        change(&slots[index])
        precondition(slots[index].load >= 0, "A connection finished more than it was given")
        let slot = slots[index]
        guard slot.isOpen, slot.load == 0, !slot.isLeased, !slot.isHeld else { return distribute(now) }
        slots[index].idleSince = now
        guard slot.isWorn || isClosing else { return distribute(now) }
        slots.remove(at: index)
        return [.close(connection)] + distribute(now) + closedIfDone()
    }

    private mutating func closing(_ now: Moment) -> [Action] {
        guard !isClosing else { return [] }
        isClosing = true
        let idle = slots.filter { $0.isOpen && $0.load == 0 && !$0.isLeased && !$0.isHeld }.map(\.connection)
        slots.removeAll { idle.contains($0.connection) }
        return refuseAll(.closed) + idle.map { .close($0) } + closedIfDone()
    }

    private mutating func deadlineReached(_ now: Moment) -> [Action] {
        var actions: [Action] = []
        while let request = statements.popFirst(overdueAt: now) { actions.append(.refuse(request, .waitedTooLong)) }
        while let request = leases.popFirst(overdueAt: now) { actions.append(.refuse(request, .waitedTooLong)) }
        for slot in slots where slots.count > 1 && slot.isIdle && slot.idleSince + configuration.idleLongest <= now {
            slots.removeAll { $0.connection == slot.connection }
            actions.append(.close(slot.connection))
        }
        return actions + distribute(now)
    }

    private mutating func refuseAll(_ reason: Refusal) -> [Action] {
        var actions: [Action] = []
        while let request = statements.popFirst() { actions.append(.refuse(request, reason)) }
        while let request = leases.popFirst() { actions.append(.refuse(request, reason)) }
        return actions
    }

    private mutating func closedIfDone() -> [Action] {
        guard isClosing, !isClosed, slots.isEmpty else { return [] }
        isClosed = true
        return [.closed]
    }
}

// Handing out.
extension PoolMachine {
    private var hasWaiting: Bool { !statements.isEmpty || !leases.isEmpty }
    private var openingCount: Int { slots.count(where: { !$0.isOpen }) }
    private var leasesMax: Int { max(1, configuration.connections - 1) }

    private mutating func distribute(_ now: Moment) -> [Action] {
        guard hasWaiting, !isClosing else { return [] }
        var actions = assignLeases()
        reserve()
        let crowded = assignStatements(&actions)
        open(upTo: leases.count + statements.count + crowded, now, &actions)
        return actions
    }

    private mutating func assignLeases() -> [Action] {
        var actions: [Action] = []
        var leased = slots.count(where: \.isLeased)
        while leased < leasesMax, !leases.isEmpty, let index = slots.firstIndex(where: \.isIdle),
            let request = leases.popFirst()
        {
            slots[index].isLeased = true
            slots[index].isReserved = false
            leased += 1
            actions.append(.assign(request, to: slots[index].connection))
        }
        return actions
    }

    /// Empties as many connections as leases wait for, beyond those that are being opened anyway.
    private mutating func reserve() {
        guard !leases.isEmpty || slots.contains(where: \.isReserved) else { return }
        let leased = slots.count(where: \.isLeased)
        let room = min(leases.count, leasesMax - leased) - (configuration.connections - slots.count) - openingCount
        // One that is being emptied already is nearest to being empty, whatever the loads are.
        let candidates = slots.indices.filter { slots[$0].isShared }.sorted {
            slots[$0].isReserved != slots[$1].isReserved ? slots[$0].isReserved : slots[$0].load < slots[$1].load
        }
        for index in slots.indices { slots[index].isReserved = false }
        for index in candidates.prefix(max(0, room)) { slots[index].isReserved = true }
    }

    /// Gives statements to the least loaded connections; answers how many had to go behind others.
    private mutating func assignStatements(_ actions: inout [Action]) -> Int {
        var crowded = 0
        while !statements.isEmpty {
            var best: Int?
            for index in slots.indices where slots[index].isShared && !slots[index].isReserved {
                if let other = best, slots[other].load <= slots[index].load { continue }
                best = index
            }
            guard let best, slots[best].load < configuration.pipelineDepth, let request = statements.popFirst() else {
                break
            }
            if slots[best].load > 0 { crowded += 1 }
            slots[best].load += 1
            actions.append(.assign(request, to: slots[best].connection))
        }
        return crowded
    }

    private mutating func open(upTo wanted: Int, _ now: Moment, _ actions: inout [Action]) {
        var opening = openingCount
        // While attempts fail, one at a time finds out whether the server is back.
        let atOnce = retryAt == nil ? wanted : min(wanted, 1)
        if let retryAt, now < retryAt { return }
        while opening < atOnce, slots.count < configuration.connections {
            connectionsMade += 1
            opening += 1
            slots.append(Slot(connection: connectionsMade, idleSince: now))
            actions.append(.open(connectionsMade))
        }
    }
}
