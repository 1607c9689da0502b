import Protocol
import TestSupport

/// Virtual time, one queue of what happens next, and one generator that decides everything left to chance.
struct World {
    /// What may happen. A `life` is one run of a process: news for a dead one is dropped.
    enum Happening {
        case frame(connection: Int, toHub: Bool, Frame)
        case closed(connection: Int, toHub: Bool, CloseReason)
        case spoke(life: Int, SpokeNode.News)
        case hub(life: Int, HubNode.News)
        case trouble
        case spokeStarts
        case hubStarts
        case databaseReturns
        case partitionHeals
    }

    private struct Entry {
        var at: Int64
        var order: Int
        var what: Happening
    }

    private(set) var now = Moment.zero
    var random: SplitMix64
    private var heap: [Entry] = []
    private var order = 0
    /// The last happenings, for the report of a failure.
    private(set) var trace: [String] = []
    private static let traceMax = 40

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func note(_ text: @autoclosure () -> String) {
        if trace.count >= Self.traceMax { trace.removeFirst(Self.traceMax / 2) }
        trace.append("\(now.nanoseconds / 1_000_000) ms \(text())")
    }

    /// A duration drawn between bounds, in milliseconds.
    mutating func wait(_ range: ClosedRange<Int64>) -> Duration {
        .milliseconds(Int64.random(in: range, using: &random))
    }

    mutating func schedule(in wait: Duration, _ what: Happening) { schedule(at: now + wait, what) }

    mutating func schedule(at moment: Moment, _ what: Happening) {
        order += 1
        heap.append(Entry(at: max(moment, now).nanoseconds, order: order, what: what))
        var child = heap.count - 1
        while child > 0, case let parent = (child - 1) / 2, isBefore(child, parent) {
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The next happening; time jumps to it.
    mutating func next() -> Happening? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let (left, right) = (parent * 2 + 1, parent * 2 + 2)
            var least = parent
            if left < heap.count, isBefore(left, least) { least = left }
            if right < heap.count, isBefore(right, least) { least = right }
            guard least != parent else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        now = Moment(nanoseconds: first.at)
        return first.what
    }

    private func isBefore(_ first: Int, _ second: Int) -> Bool {
        (heap[first].at, heap[first].order) < (heap[second].at, heap[second].order)
    }
}
