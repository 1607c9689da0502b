import Protocol

/// Requests in the order in which they came, all with the same patience: the first is the first to give up.
struct WaitingLine: Sendable {
    private struct Entry: Sendable {
        let request: PoolMachine.RequestID
        let deadline: Moment
    }

    private var entries: [Entry] = []
    private var head = 0
    /// Left the line from the middle; skipped when their turn comes.
    private var withdrawn: Set<PoolMachine.RequestID> = []

    var count: Int { entries.count - head - withdrawn.count }
    var isEmpty: Bool { count == 0 }
    /// When the first gives up.
    var nextDeadline: Moment? { head < entries.count ? entries[head].deadline : nil }

    mutating func append(_ request: PoolMachine.RequestID, deadline: Moment) {
        entries.append(Entry(request: request, deadline: deadline))
    }

    /// Takes a request out of the middle; the caller knows that it is in this line.
    mutating func withdraw(_ request: PoolMachine.RequestID) {
        withdrawn.insert(request)
        skip()
    }

    mutating func popFirst() -> PoolMachine.RequestID? {
        guard head < entries.count else { return nil }
        let request = entries[head].request
        head += 1
        skip()
        return request
    }

    mutating func popFirst(overdueAt now: Moment) -> PoolMachine.RequestID? {
        guard let deadline = nextDeadline, deadline <= now else { return nil }
        return popFirst()
    }

    /// Keeps the head on one that still waits, and the array from growing for ever.
    private mutating func skip() {
        while head < entries.count, withdrawn.remove(entries[head].request) != nil { head += 1 }
        if head == entries.count {
            entries.removeAll(keepingCapacity: head <= 4_096)
            head = 0
        } else if head > 1_024, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}
