import NIOCore
import Protocol
import Synchronization

/// Hands pieces of a response from whoever makes them to the one task that writes them. A sender waits until its
/// piece is written: nothing piles up, however slow the reader at the other end of the socket is. A sender that is
/// cancelled waits no longer, also while its piece is being written.
final class EventPipe: Sendable {
    private struct Piece {
        let ticket: Int
        let bytes: ByteBuffer
        let sender: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiting: [Piece] = []
        var isWriting = false
        /// Whose piece is being written; `nil` if its sender has given up.
        var beingWritten: Piece?
        var writer: CheckedContinuation<ByteBuffer?, Never>?
        var isClosed = false
        var writtenAt = ContinuousClock.now
        var lastTicket = 0

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
            (isWriting, beingWritten) = (true, piece)
            return piece.bytes
        }

        /// Takes a piece out whose sender does not wait any more; answers the sender if it still did.
        mutating func forget(_ ticket: Int) -> CheckedContinuation<Bool, Never>? {
            if let index = waiting.firstIndex(where: { $0.ticket == ticket }) {
                return waiting.remove(at: index).sender
            }
            guard beingWritten?.ticket == ticket else { return nil }
            defer { beingWritten = nil }
            return beingWritten?.sender
        }
    }

    private let state = Mutex(State())

    /// Waits until the bytes are written.
    ///
    /// - Fails with `aborted` when nobody writes any more, the consumer having left, or when the task is cancelled.
    func send(_ bytes: ByteBuffer) async throws(Fault) {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        let isWritten = await withTaskCancellationHandler {
            await withCheckedContinuation { sender in
                let piece = Piece(ticket: ticket, bytes: bytes, sender: sender)
                let (isTaken, writer, first) = state.withLock { $0.add(piece) }
                if !isTaken { sender.resume(returning: false) }
                writer?.resume(returning: first)
                // Cancelled before there was anything to give up: the word came too early.
                if Task.isCancelled { giveUp(ticket) }
            }
        } onCancel: {
            giveUp(ticket)
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
            state.isWriting = false
            defer { state.beingWritten = nil }
            return state.beingWritten?.sender
        }
        sender?.resume(returning: true)
    }

    /// Whether nothing was written, and nothing is waiting to be, for a while.
    func isIdle(for interval: Duration) -> Bool {
        state.withLock { state in
            state.waiting.isEmpty && !state.isWriting && ContinuousClock.now - state.writtenAt >= interval
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

    /// A sender was cancelled.
    private func giveUp(_ ticket: Int) { state.withLock { $0.forget(ticket) }?.resume(returning: false) }
}
