import Protocol

/// The calls that this spoke has under way at the hub, for its sessions and for itself.
struct AskedCalls {
    private enum Waiting {
        case answer(CheckedContinuation<CallMessage, Never>)
        case values(AsyncStream<CallMessage>.Continuation)
    }

    private var waiting: [String: Waiting] = [:]

    /// Somebody waits for one answer.
    mutating func wait(for id: String, with continuation: CheckedContinuation<CallMessage, Never>) {
        waiting[id] = .answer(continuation)
    }

    /// Somebody takes values until the last word. What the consumer did not grant is not kept for it.
    mutating func values(of id: String) -> AsyncStream<CallMessage> {
        let (values, post) = AsyncStream<CallMessage>.makeStream(
            bufferingPolicy: .bufferingOldest(ValueCredit.first * 2)
        )
        waiting[id] = .values(post)
        return values
    }

    /// Hands over what the hub said; a late or unknown answer is nobody's.
    mutating func take(_ message: CallMessage) {
        let id = message.requestId
        switch (waiting[id], message) {
        case (nil, _): return
        case (.values(let post), .responded):
            post.yield(message)
        case (.values(let post), _):
            waiting[id] = nil
            post.yield(message)
            post.finish()
        case (.answer(let continuation), _):
            waiting[id] = nil
            continuation.resume(returning: message)
        }
    }

    /// Whether somebody waits for it.
    func holds(_ id: String) -> Bool { waiting[id] != nil }

    /// Nobody waits for it any more.
    ///
    /// - Returns: whether somebody did.
    mutating func forget(_ id: String) -> Bool {
        guard let known = waiting.removeValue(forKey: id) else { return false }
        switch known {
        case .answer(let continuation):
            continuation.resume(returning: .aborted(CallEnded(requestId: id, timestamp: 0)))
        case .values(let post): post.finish()
        }
        return true
    }

    /// Ends them all, as when the link is gone.
    mutating func end(with fault: CallError, at timestamp: Int64) {
        for id in Array(waiting.keys) {
            take(.failed(CallFailed(requestId: id, error: fault, timestamp: timestamp)))
        }
    }
}
