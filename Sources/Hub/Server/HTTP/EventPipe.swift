import NIOCore
import Protocol
import Synchronization

/// Hands pieces of a response from whoever makes them to the one task that writes them. A sender waits until its
/// piece is written: nothing piles up, however slow the reader at the other end of the socket is.
final class EventPipe: Sendable {
    private struct Piece {
        let bytes: ByteBuffer
        let sender: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiting: [Piece] = []
        var beingWritten: Piece?
        var writer: CheckedContinuation<ByteBuffer?, Never>?
        var isClosed = false
        var writtenAt = ContinuousClock.now

        /// Queues a piece; answers whether it was, and the writer to wake with what it is to write.
        mutating func add(_ piece: Piece) -> (Bool, CheckedContinuation<ByteBuffer?, Never>?, ByteBuffer?) {
            guard !isClosed else { return (false, nil, nil) }
            waiting.append(piece)
            guard let waking = writer else { return (true, nil, nil) }
            writer = nil
            return (true, waking, take())
        }

        /// The next piece to write, if there is one.
        mutating func take() -> ByteBuffer? {
            guard !waiting.isEmpty else { return nil }
            let piece = waiting.removeFirst()
            beingWritten = piece
            return piece.bytes
        }
    }

    private let state = Mutex(State())

    /// Waits until the bytes are written.
    ///
    /// - Fails with `aborted` when nobody writes any more: the consumer left.
    func send(_ bytes: ByteBuffer) async throws(Fault) {
        let isWritten = await withTaskCancellationHandler {
            await withCheckedContinuation { sender in
                let (isTaken, writer, first) = state.withLock { $0.add(Piece(bytes: bytes, sender: sender)) }
                if !isTaken { sender.resume(returning: false) }
                writer?.resume(returning: first)
            }
        } onCancel: {
            giveUp()
        }
        guard isWritten else { throw Fault(.aborted, "The consumer left.") }
    }

    /// The next bytes to write; `nil` when there will be no more. For the one writer.
    func next() async -> ByteBuffer? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { writer in
                let (bytes, isNow) = state.withLock { state -> (ByteBuffer?, Bool) in
                    if let bytes = state.take() { return (bytes, true) }
                    if state.isClosed { return (nil, true) }
                    state.writer = writer
                    return (nil, false)
                }
                if isNow { writer.resume(returning: bytes) }
            }
        } onCancel: {
            close()
        }
    }

    /// What ``next()`` answered last is written.
    func wasTaken() {
        let sender = state.withLock { state in
            state.writtenAt = .now
            defer { state.beingWritten = nil }
            return state.beingWritten?.sender
        }
        sender?.resume(returning: true)
    }

    /// Whether nothing was written, and nothing is waiting to be, for a while.
    func isIdle(for interval: Duration) -> Bool {
        state.withLock { state in
            state.waiting.isEmpty && state.beingWritten == nil && ContinuousClock.now - state.writtenAt >= interval
        }
    }

    /// Nothing is sent or written from here on.
    func close() {
        let (senders, writer) = state.withLock { state in
            state.isClosed = true
            let senders = state.waiting.map(\.sender) + [state.beingWritten?.sender].compactMap { $0 }
            let writer = state.writer
            (state.waiting, state.beingWritten, state.writer) = ([], nil, nil)
            return (senders, writer)
        }
        for sender in senders { sender.resume(returning: false) }
        writer?.resume(returning: nil)
    }

    /// A sender was cancelled. Its piece cannot be told from others', so all that wait are let go; cancelled senders
    /// are those of a stream that ends.
    private func giveUp() {
        let senders = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting.map(\.sender)
        }
        for sender in senders { sender.resume(returning: false) }
    }
}
