/// Wakes one runner. Rings while it works become one more turn.
final class WakeBell: Sendable {
    let rings: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (rings, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { continuation.yield() }

    /// The runner's last turn has come.
    func finish() { continuation.finish() }
}
