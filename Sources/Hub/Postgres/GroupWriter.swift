public import Protocol
import Synchronization

/// Group commit for hot writers: what arrives while one batch commits is the next batch.
///
/// No timer: an idle writer commits a single item at once. Somebody must run it:
///
///     let writer = GroupWriter<Event, Int>(lanes: 2) { batch throws(Fault) in
///         try await database.execute(SQL.insert, [batch.map(\.id), batch.map(\.body)])
///     }
///     async let running: Void = writer.run()      // or a task of a group, or a service
///     try await writer.append(event)              // returns once the event's batch is committed
///
/// A batch that fails fails for all its items, with the fault that `write` threw; none is tried again.
public final class GroupWriter<Item: Sendable, Output: Sendable>: Sendable {
    private struct Entry: Sendable {
        let item: Item
        let key: String?
        let weight: Int
        let done: @Sendable (Result<Output, Fault>) -> Void
    }

    private struct State {
        var waiting: [Entry] = []
        var head = 0
        /// Keys of the batches in flight: their later items wait for them.
        var keysInFlight: Set<String> = []
        var idleLanes: [CheckedContinuation<[Entry]?, Never>] = []
        /// Lanes that rest before their next batch, by a number of their own.
        var resting: [Int: Task<Void, Never>] = [:]
        var rests = 0
        /// Somebody waits for what waits: no lane rests before it is taken.
        var isAwaited = false
        var isFinished = false
        var isCancelled = false
    }

    private enum Submission {
        case waits
        case starts(CheckedContinuation<[Entry]?, Never>, [Entry])
        case refused
    }

    private let state = Mutex(State())
    private let lanes: Int
    private let maxItems: Int
    private let maxWeight: Int
    private let capacity: Int
    private let weigh: @Sendable (Item) -> Int
    private let order: (@Sendable (Item) -> String?)?
    private let rest: Duration
    private let write: @Sendable ([Item]) async throws(Fault) -> Output

    /// - Parameters:
    ///   - lanes: Batches that may be in flight at once. Two keep a disk and a processor busy.
    ///   - maxItems: Items of one batch.
    ///   - maxWeight: Weight of one batch, in the unit of `weigh`; an item that is heavier goes alone.
    ///   - capacity: Items that may wait; one more is refused with `UNAVAILABLE`.
    ///   - weigh: An item's weight, such as its bytes.
    ///   - order: Items of one key are written in order, never in two lanes at a time; `nil` for items without order.
    ///   - rest: From the start of a lane's batch to its next while less than half a batch waits and nobody waits for
    ///     it: many small batches cost more than few large ones. A lane that was idle for that long begins at once.
    ///   - write: Makes a batch durable, as one statement or one transaction; every item's writer gets its answer.
    public init(
        lanes: Int = 2,
        maxItems: Int = 1_000,
        maxWeight: Int = 8 << 20,
        capacity: Int = 20_000,
        weigh: @escaping @Sendable (Item) -> Int = { _ in 1 },
        order: (@Sendable (Item) -> String?)? = nil,
        rest: Duration = .zero,
        write: @escaping @Sendable ([Item]) async throws(Fault) -> Output
    ) {
        precondition(lanes > 0 && maxItems > 0 && capacity > 0, "A writer needs a lane, and room for one item")
        self.lanes = lanes
        self.maxItems = maxItems
        self.maxWeight = maxWeight
        self.capacity = capacity
        self.weigh = weigh
        self.order = order
        self.rest = rest
        self.write = write
    }

    /// Writes batches until ``finish()`` was called and all is written, or until the task is cancelled: then what is
    /// in flight is given up with `ABORTED` and what waits with `UNAVAILABLE`.
    public func run() async {
        await withTaskCancellationHandler {
            await withTaskGroup { group in
                for _ in 0..<lanes { group.addTask { await self.work() } }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Waits until the item is durable, and answers what its batch answered. Cancelling the caller does not take the
    /// item back.
    @discardableResult
    public func append(_ item: Item) async throws(Fault) -> Output {
        let result = await withCheckedContinuation { continuation in
            submit(item) { continuation.resume(returning: $0) }
            hurry()
        }
        return try result.get()
    }

    /// Somebody waits for what was taken so far: no lane rests before it is written.
    public func hurry() {
        guard rest > .zero else { return }
        let resting = state.withLock { state in
            state.isAwaited = state.head < state.waiting.count
            return state.isAwaited ? Array(state.resting.values) : []
        }
        for lane in resting { lane.cancel() }
    }

    /// The same without waiting: `done` is called once, on a lane's task or at once if the item is refused. Be quick.
    public func submit(_ item: Item, done: @escaping @Sendable (Result<Output, Fault>) -> Void) {
        let entry = Entry(item: item, key: order?(item), weight: weigh(item), done: done)
        let outcome = state.withLock { state -> Submission in
            guard !state.isFinished, state.waiting.count - state.head < capacity else { return .refused }
            state.waiting.append(entry)
            guard !state.idleLanes.isEmpty, let batch = takeBatch(&state) else { return .waits }
            return .starts(state.idleLanes.removeLast(), batch)
        }
        switch outcome {
        case .waits: break
        case .starts(let lane, let batch): lane.resume(returning: batch)
        case .refused: done(.failure(SQLState.unavailable("Too much waits to be written; try again.")))
        }
    }

    /// Takes no more items; ``run()`` returns when those taken are written.
    public func finish() {
        let idle = state.withLock { state in
            state.isFinished = true
            let idle = state.idleLanes
            state.idleLanes = []
            for lane in state.resting.values { lane.cancel() }
            return idle
        }
        // An idle lane found nothing that it may take; a busy one takes the rest when its batch is done.
        for lane in idle { lane.resume(returning: nil) }
    }
}

// Lanes.
extension GroupWriter {
    private func work() async {
        while let batch = await nextBatch() {
            let begun = ContinuousClock.now
            let result: Result<Output, Fault>
            do throws(Fault) {
                result = .success(try await write(batch.map(\.item)))
            } catch {
                result = .failure(error)
            }
            landed(batch)
            for entry in batch { entry.done(result) }
            await pause(since: begun)
        }
    }

    private func pause(since begun: ContinuousClock.Instant) async {
        let left = rest - (ContinuousClock.now - begun)
        guard rest > .zero, left > .zero else { return }
        let nap = state.withLock { state -> (number: Int, task: Task<Void, Never>)? in
            guard !state.isFinished, !state.isAwaited, state.waiting.count - state.head < maxItems / 2 else {
                return nil
            }
            // Woken early, it goes on at once and finds what it was woken for.
            let task = Task { _ = try? await Task.sleep(for: left) }
            state.rests += 1
            state.resting[state.rests] = task
            return (state.rests, task)
        }
        guard let nap else { return }
        await nap.task.value
        state.withLock { $0.resting[nap.number] = nil }
    }

    private func nextBatch() async -> [Entry]? {
        await withCheckedContinuation { continuation in
            let (batch, isOver) = state.withLock { state -> ([Entry]?, Bool) in
                if state.isCancelled { return (nil, true) }
                if let batch = takeBatch(&state) { return (batch, false) }
                if state.isFinished { return (nil, true) }
                state.idleLanes.append(continuation)
                return (nil, false)
            }
            if batch != nil || isOver { continuation.resume(returning: batch) }
        }
    }

    /// Frees the batch's keys, and wakes another lane for what waited for them beyond this lane's next batch.
    private func landed(_ batch: [Entry]) {
        guard order != nil else { return }
        let started = state.withLock { state -> (CheckedContinuation<[Entry]?, Never>, [Entry])? in
            for entry in batch { if let key = entry.key { state.keysInFlight.remove(key) } }
            guard !state.idleLanes.isEmpty, let next = takeBatch(&state) else { return nil }
            return (state.idleLanes.removeLast(), next)
        }
        if let (lane, next) = started { lane.resume(returning: next) }
    }

    private func cancel() {
        let (idle, waiting) = state.withLock { state in
            state.isFinished = true
            state.isCancelled = true
            let left = (state.idleLanes, Array(state.waiting[state.head...]))
            state.idleLanes = []
            state.waiting = []
            state.head = 0
            for lane in state.resting.values { lane.cancel() }
            return left
        }
        for lane in idle { lane.resume(returning: nil) }
        for entry in waiting {
            entry.done(.failure(SQLState.unavailable("The writer was stopped before this was written; try again.")))
        }
    }

    private func takeBatch(_ state: inout State) -> [Entry]? {
        state.isAwaited = false
        guard state.head < state.waiting.count else { return nil }
        return order == nil ? takeFirst(&state) : takeEligible(&state)
    }

    private func takeFirst(_ state: inout State) -> [Entry] {
        var weight = 0
        var end = state.head
        while end < state.waiting.count, end - state.head < maxItems {
            weight += state.waiting[end].weight
            if weight > maxWeight, end > state.head { break }
            end += 1
        }
        let batch = Array(state.waiting[state.head..<end])
        state.head = end
        if end == state.waiting.count {
            state.waiting.removeAll(keepingCapacity: true)
            state.head = 0
        } else if end > capacity {
            state.waiting.removeFirst(end)
            state.head = 0
        }
        return batch
    }

    /// Items whose keys no other lane has in flight; the others keep their places.
    private func takeEligible(_ state: inout State) -> [Entry]? {
        var batch: [Entry] = []
        var rest: [Entry] = []
        var weight = 0
        var isFull = false
        for entry in state.waiting[state.head...] {
            let isFree = entry.key.map { !state.keysInFlight.contains($0) } ?? true
            isFull = isFull || batch.count == maxItems || (!batch.isEmpty && weight + entry.weight > maxWeight)
            if isFree, !isFull {
                batch.append(entry)
                weight += entry.weight
            } else {
                rest.append(entry)
            }
        }
        guard !batch.isEmpty else { return nil }
        state.waiting = rest
        state.head = 0
        for entry in batch { if let key = entry.key { state.keysInFlight.insert(key) } }
        return batch
    }
}
