public import Protocol
import Synchronization

/// Group commit among callers: whoever comes while a batch commits waits, and the first of those writes for them all.
///
/// Unlike a ``GroupWriter`` it needs nobody who runs it, and writes one batch at a time: for what many callers write at
/// their own pace.
///
///     let writer = SharedWriter<Entry, Void> { batch throws(Fault) in
///         try await database.execute(SQL.insert, [batch.map(\.id), batch.map(\.body)])
///         return batch.map { _ in .success(()) }
///     }
///     try await writer.append(entry)              // returns once the entry's batch is committed
///
/// A batch that fails as a whole is written again one by one, so that each caller is told of its own item's flaws only.
public final class SharedWriter<Item: Sendable, Output: Sendable>: Sendable {
    /// What became of one item.
    public typealias Outcome = Result<Output, Fault>

    private enum Turn: Sendable {
        /// Somebody else wrote the item.
        case written(Outcome)
        /// Nobody writes: the caller does, for itself and for all who wait.
        case own
    }

    private struct Waiter {
        let item: Item
        let continuation: CheckedContinuation<Turn, Never>
    }

    private struct State {
        var waiting: [Waiter] = []
        var isWriting = false
    }

    private let state = Mutex(State())
    private let maxItems: Int
    private let write: @Sendable ([Item]) async throws(Fault) -> [Outcome]

    /// - Parameters:
    ///   - maxItems: Items of one batch.
    ///   - write: Makes a batch durable, as one statement or one transaction, and answers for each item in its place.
    public init(maxItems: Int = 500, write: @escaping @Sendable ([Item]) async throws(Fault) -> [Outcome]) {
        precondition(maxItems > 0, "A writer needs room for one item")
        self.maxItems = maxItems
        self.write = write
    }

    /// Items that wait for the batch before theirs.
    public var waiting: Int { state.withLock { $0.waiting.count } }

    /// Waits until the item is durable, and answers its outcome. Cancelling the caller does not take the item back.
    @discardableResult
    public func append(_ item: Item) async throws(Fault) -> Output {
        let turn = await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isWriting { state.waiting.append(Waiter(item: item, continuation: continuation)) }
                defer { state.isWriting = true }
                return !state.isWriting
            }
            if isFree { continuation.resume(returning: .own) }
        }
        if case .written(let outcome) = turn { return try outcome.get() }
        let others = state.withLock { state in
            let others = Array(state.waiting.prefix(maxItems - 1))
            state.waiting.removeFirst(others.count)
            return others
        }
        // Neither cancelled with the caller nor done in its place: the items of others are in it.
        let outcomes = await Task.detached { await self.outcomes(of: [item] + others.map(\.item)) }.value
        for (waiter, outcome) in zip(others, outcomes.dropFirst()) {
            waiter.continuation.resume(returning: .written(outcome))
        }
        let next = state.withLock { state in
            state.isWriting = !state.waiting.isEmpty
            return state.isWriting ? state.waiting.removeFirst() : nil
        }
        next?.continuation.resume(returning: .own)
        return try outcomes[0].get()
    }

    private func outcomes(of batch: [Item]) async -> [Outcome] {
        do throws(Fault) {
            let outcomes = try await write(batch)
            precondition(outcomes.count == batch.count, "Every item has its outcome")
            return outcomes
        } catch {
            // While the database is away the others fare no better, and what was under way may have been done.
            let isHopeless = [.unavailable, .timeout].contains(error.code)
            guard batch.count > 1, !isHopeless else { return batch.map { _ in .failure(error) } }
        }
        var outcomes: [Outcome] = []
        for item in batch { outcomes += await self.outcomes(of: [item]) }
        return outcomes
    }
}
