import Protocol
import Synchronization

/// A question that many may ask at the same moment: one of them asks, and all hear the answer.
///
/// Who comes while it is under way hears what was true a moment before; who must not, says so by another key.
final class SharedQuestion<Key: Hashable & Sendable, Answer: Sendable>: Sendable {
    private enum Turn {
        case ask
        case heard(Result<Answer, Fault>)
    }

    private let waiting = Mutex<[Key: [CheckedContinuation<Turn, Never>]]>([:])

    /// The answer, asked for by whoever came first. When that one leaves, the next asks.
    func answer(
        to key: Key,
        asking: () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        while true {
            let turn = await withCheckedContinuation { (waiter: CheckedContinuation<Turn, Never>) in
                let isFirst = waiting.withLock { waiting in
                    guard waiting[key] != nil else {
                        waiting[key] = []
                        return true
                    }
                    waiting[key]?.append(waiter)
                    return false
                }
                if isFirst { waiter.resume(returning: .ask) }
            }
            switch turn {
            case .heard(.failure(let fault)) where fault.code == .aborted && !Task.isCancelled: continue
            case .heard(let answer): return try answer.get()
            case .ask: return try await ask(key, asking)
            }
        }
    }

    private func ask(_ key: Key, _ asking: () async throws(Fault) -> Answer) async throws(Fault) -> Answer {
        let answer: Result<Answer, Fault>
        do throws(Fault) { answer = .success(try await asking()) } catch { answer = .failure(error) }
        for waiter in waiting.withLock({ $0.removeValue(forKey: key) }) ?? [] {
            waiter.resume(returning: .heard(answer))
        }
        return try answer.get()
    }
}
