import Protocol
import TestSupport

/// Connections that are slow, stall, break at any frame, and whose last frames may arrive long after the spoke
/// has connected again. Within a connection nothing is reordered: a WebSocket does not.
struct Network {
    private struct Lane {
        /// Nothing overtakes: the next frame arrives no earlier than this.
        var lastArrival = Moment.zero
        /// Frames that would arrive later are lost.
        var cutAt: Moment?
        /// Frames vanish and nobody is told.
        var isHole = false
    }

    private var toHub: [Lane] = []
    private var toSpoke: [Lane] = []
    /// While true nobody can connect.
    var isPartitioned = false

    /// A new connection's number.
    mutating func connect() -> Int {
        toHub.append(Lane())
        toSpoke.append(Lane())
        return toHub.count - 1
    }

    mutating func send(_ message: LinkMessage, on connection: Int, toHub: Bool, in world: inout World) {
        let frame = FrameCodec.encode(message)
        arrive(on: connection, toHub: toHub, in: &world) { .frame(connection: connection, toHub: toHub, frame) }
        // A batch may come twice, as when a sender repeats what was on its way.
        guard case .append = message, world.random.chance(3) else { return }
        arrive(on: connection, toHub: toHub, in: &world) { .frame(connection: connection, toHub: toHub, frame) }
    }

    /// One end closes: the other hears of it behind everything that was sent before.
    mutating func close(_ connection: Int, toHub: Bool, _ reason: CloseReason, in world: inout World) {
        arrive(on: connection, toHub: toHub, in: &world) { .closed(connection: connection, toHub: toHub, reason) }
    }

    private mutating func arrive(
        on connection: Int,
        toHub: Bool,
        in world: inout World,
        _ what: () -> World.Happening
    ) {
        var lane = toHub ? self.toHub[connection] : self.toSpoke[connection]
        let delay = world.wait(world.random.chance(3) ? 100...4_000 : 1...40)
        lane.lastArrival = max(lane.lastArrival, world.now + delay)
        if toHub { self.toHub[connection] = lane } else { self.toSpoke[connection] = lane }
        guard !lane.isHole, lane.lastArrival <= lane.cutAt ?? lane.lastArrival else { return }
        world.schedule(at: lane.lastArrival, what())
    }

    /// Whether something that was on its way still arrives.
    func delivers(on connection: Int, toHub: Bool, at now: Moment) -> Bool {
        let lane = toHub ? self.toHub[connection] : self.toSpoke[connection]
        return !lane.isHole && now <= lane.cutAt ?? now
    }

    /// The connection breaks: each end hears of it in its own time, frames on their way may still arrive until then.
    mutating func cut(_ connection: Int, in world: inout World) {
        for isHubwards in [true, false] {
            let heard = world.now + world.wait(0...3_000)
            if isHubwards { toHub[connection].cutAt = heard } else { toSpoke[connection].cutAt = heard }
            world.schedule(at: heard, .closed(connection: connection, toHub: isHubwards, .lost))
        }
    }

    /// One direction, or both, swallows everything. Only silence tells.
    mutating func stall(_ connection: Int, in world: inout World) {
        let which = Int.random(in: 0..<3, using: &world.random)
        if which != 1 { toHub[connection].isHole = true }
        if which != 0 { toSpoke[connection].isHole = true }
    }
}
