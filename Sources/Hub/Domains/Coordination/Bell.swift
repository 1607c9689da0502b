import Foundation
import Synchronization

/// Wakes whoever waits inside a call for something that a journal record or another call brings about.
///
/// A key is the id of the session or command that there is news of. Rings may be missed only by those who took no mark
/// before they looked; other hubs' rings are not heard at all, so nobody waits longer than ``Waiting/reread``.
public protocol Bell: Sendable {
    /// A point in time: take it, look at the truth, then wait for what rings after it.
    func mark() -> UInt64
    /// There is news of these.
    func ring(_ keys: some Collection<String>)
    /// Returns when one of the keys was rung after the mark, at the instant, or when the task is cancelled.
    func wait(for keys: [String], after mark: UInt64, until instant: ContinuousClock.Instant) async
}

/// How operations wait for news.
enum Waiting {
    /// How long to believe in silence: another hub may have brought the news.
    static let reread = Duration.seconds(1)

    /// Reads until there is a value, the instant has come or the task is cancelled; then `nil`.
    static func value<Value: Sendable, Failure: Error>(
        _ bell: some Bell,
        keys: [String],
        until instant: ContinuousClock.Instant,
        read: () async throws(Failure) -> Value?
    ) async throws(Failure) -> Value? {
        while true {
            let mark = bell.mark()
            if let value = try await read() { return value }
            let now = ContinuousClock.now
            guard now < instant, !Task.isCancelled else { return nil }
            await bell.wait(for: keys, after: mark, until: min(instant, now + reread))
        }
    }
}

/// The bell of one process.
public final class ProcessBell: Bell {
    private struct State {
        var rings: UInt64 = 0
        /// When each bucket of keys was last rung: bounded, at the price of a wake-up for nothing now and then.
        var last = [UInt64](repeating: 0, count: ProcessBell.buckets)
        var waiters: [UInt64: (buckets: [Int], continuation: CheckedContinuation<Void, Never>)] = [:]
        var waiting: [Int: Set<UInt64>] = [:]
        var nextWaiter: UInt64 = 0

        mutating func remove(_ waiter: UInt64) -> CheckedContinuation<Void, Never>? {
            guard let entry = waiters.removeValue(forKey: waiter) else { return nil }
            for bucket in entry.buckets {
                waiting[bucket]?.remove(waiter)
                if waiting[bucket]?.isEmpty == true { waiting[bucket] = nil }
            }
            return entry.continuation
        }
    }

    private static let buckets = 4_096
    private let state = Mutex(State())

    public init() {}

    public func mark() -> UInt64 { state.withLock { $0.rings } }

    public func ring(_ keys: some Collection<String>) {
        guard !keys.isEmpty else { return }
        let buckets = Set(keys.map(Self.bucket))
        let woken = state.withLock { state in
            state.rings += 1
            for bucket in buckets { state.last[bucket] = state.rings }
            let waiters = buckets.reduce(into: Set<UInt64>()) { $0.formUnion(state.waiting[$1] ?? []) }
            return waiters.compactMap { state.remove($0) }
        }
        for continuation in woken { continuation.resume() }
    }

    public func wait(for keys: [String], after mark: UInt64, until instant: ContinuousClock.Instant) async {
        let buckets = Set(keys.map(Self.bucket)).sorted()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.park(buckets, after: mark) }
            // Cancelled once rung: that is how a sleep ends early, and nothing else can be wrong with it.
            group.addTask { try? await Task.sleep(until: instant, clock: .continuous) }
            await group.next()
            group.cancelAll()
        }
    }

    private func park(_ buckets: [Int], after mark: UInt64) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    if Task.isCancelled || buckets.contains(where: { state.last[$0] > mark }) { return true }
                    state.waiters[waiter] = (buckets, continuation)
                    for bucket in buckets { state.waiting[bucket, default: []].insert(waiter) }
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.remove(waiter) }?.resume()
        }
    }

    private static func bucket(_ key: String) -> Int {
        Int(UInt(bitPattern: key.hashValue) % UInt(buckets))
    }
}
