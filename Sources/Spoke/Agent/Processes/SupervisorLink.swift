import Foundation
import Protocol
import Synchronization

/// One connection to a supervisor, and what is known through it. Everything that waits, waits for a look at the state
/// to succeed; every packet makes all of them look again.
final class SupervisorLink: Watched {
    struct State {
        var history = SupervisorHistory()
        var end: ProcessEnd?
        var pid: Int32?
        var refusal: (ControlBell.Refusal, Int32)?
        var sizes: [Protocol.OutputStream: Int64] = [:]
        /// Sizes that ``SupervisedProcess/events`` has told.
        var told: [Protocol.OutputStream: Int64] = [:]
        var toldEnd = false
        var disconnected = false
        /// Input bytes that were ever sent, that the process was given, and who may send, in order.
        var inputSent: Int64 = 0
        var inputWritten: Int64 = 0
        var inputClosed = false
        var inputQueue: [UInt64] = []
        var nextTicket: UInt64 = 1

        /// Grows with every change, so that nobody goes to sleep over one.
        fileprivate var version: UInt64 = 0
        fileprivate var outbox: [[UInt8]] = []
        fileprivate var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        fileprivate var descriptor: Int32
        fileprivate var watch: UInt64 = 0
    }

    let folder: SessionFolder
    let program: String
    private let state: Mutex<State>
    private let loop = PollLoop.shared

    /// Takes a connected, non-blocking socket and owns it from here on.
    init(folder: SessionFolder, program: String, descriptor: Int32) {
        self.folder = folder
        self.program = program
        state = Mutex(State(descriptor: descriptor))
        state.withLock { $0.watch = loop.watch(descriptor, for: self) }
    }

    deinit { disconnect() }

    /// Lets go of the supervisor, which goes on without.
    func disconnect() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            loop.forget(state.watch)
            close(state.descriptor)
            state.descriptor = -1
            state.disconnected = true
        }
    }

    /// Sends an order, now or as soon as the socket takes it.
    func send(_ order: ControlOrder) {
        update { $0.outbox.append(order.encoded) }
    }

    /// Changes the state, and lets everybody who waits for it look again.
    @discardableResult
    func update<Value: Sendable>(_ change: (inout State) -> Value) -> Value {
        let (value, waiting) = state.withLock { state in
            let value = change(&state)
            state.version += 1
            flush(&state)
            defer { state.waiters = [:] }
            return (value, Array(state.waiters.values))
        }
        for waiter in waiting { waiter.resume() }
        return value
    }

    /// A look at the state.
    func look<Value: Sendable>(_ look: (inout State) -> Value) -> Value { state.withLock { look(&$0) } }

    /// Waits until `look` finds something. `nil` when the task was cancelled first.
    func first<Value: Sendable>(_ look: @Sendable (inout State) -> Value?) async -> Value? {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        while !Task.isCancelled {
            let (value, version) = state.withLock { (look(&$0), $0.version) }
            if let value { return value }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waits = state.withLock { state in
                        // Something came since the look: look again instead of waiting for it.
                        guard state.version == version && !Task.isCancelled else { return false }
                        state.waiters[ticket] = continuation
                        return true
                    }
                    if !waits { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
            }
        }
        return nil
    }

    func ready() {
        update { state in
            while state.descriptor >= 0 && !state.disconnected {
                switch ControlSocket.receive(from: state.descriptor) {
                case .nothing: return
                case .bell(let bell): hear(bell, &state)
                case .ended:
                    loop.forget(state.watch)
                    close(state.descriptor)
                    state.descriptor = -1
                    state.disconnected = true
                    readEvents(&state)
                }
            }
        }
    }

    private func hear(_ bell: ControlBell, _ state: inout State) {
        switch bell {
        case .hello(let pid, let received):
            state.pid = pid
            state.inputSent = received
        case .size(let stream?, let size): state.sizes[stream] = size
        case .size(nil, _): readEvents(&state)
        case .input(let written, let closed):
            state.inputWritten = written
            state.inputClosed = closed
        case .refused(let refusal, let error): state.refusal = (refusal, error)
        }
    }

    private func readEvents(_ state: inout State) {
        folder.refresh(&state.history)
        guard state.end == nil, let end = state.history.end(of: program) else { return }
        state.end = end
        // The end tells of every byte, whether or not the bell for it still came.
        state.sizes = end.sizes
    }

    private func flush(_ state: inout State) {
        guard state.descriptor >= 0 else { return state.outbox = [] }
        while let packet = state.outbox.first, ControlSocket.send(packet, to: state.descriptor) {
            state.outbox.removeFirst()
        }
        loop.setWantsWrite(!state.outbox.isEmpty, for: state.watch)
    }
}
