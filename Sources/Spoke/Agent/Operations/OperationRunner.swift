import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization

/// The calls that the hub has under way on this spoke over one link. They end with the link.
///
/// Every call gets exactly one last word: an answer, an error, or the end of its values. One that was aborted gets one
/// only if its end is to be proven, with what was stopped. The last word is sent by whoever takes the call out of the
/// book.
final class OperationRunner: Sendable {
    private struct Running {
        let task: Task<Void, Never>
        let credit: ValueCredit
        var isAborted = false
        var wantsProof = false
    }

    private struct State {
        var running: [String: Running] = [:]
        var isOver = false
    }

    private let desk: OperationDesk
    private let logger: Logger
    private let send: @Sendable (CallMessage) async -> Void
    private let state = Mutex(State())

    init(desk: OperationDesk, logger: Logger, send: @escaping @Sendable (CallMessage) async -> Void) {
        self.desk = desk
        self.logger = logger
        self.send = send
    }

    /// Calls under way.
    var count: Int { state.withLock { $0.running.count } }

    /// The hub asks for something, or has something to say of what it asked for.
    func deliver(_ message: CallMessage) async {
        switch message {
        case .requested(let request): await begin(request)
        case .aborted(let end): await abort(end.requestId, wantsProof: end.wantsProof ?? false)
        case .credit(let credit): state.withLock { $0.running[credit.requestId]?.credit }?.grant(credit.values)
        case .responded, .completed, .failed: return
        }
    }

    /// The link is over, and with it every call. Returns when what they had started has been stopped.
    func end() async {
        let running = state.withLock { state in
            state.isOver = true
            return Array(state.running.values)
        }
        for one in running { one.task.cancel() }
        for one in running { await one.task.value }
    }

    private func abort(_ id: String, wantsProof: Bool) async {
        let task = state.withLock { state -> Task<Void, Never>? in
            state.running[id]?.isAborted = true
            state.running[id]?.wantsProof = wantsProof
            return state.running[id]?.task
        }
        task?.cancel()
        guard task == nil, wantsProof else { return }
        await send(Self.failed(id, Fault(.notFound, "This spoke does not run the call.", details: ["gone": true])))
    }

    private func begin(_ request: CallRequested) async {
        let credit = ValueCredit()
        let refusal: Fault? = state.withLock { state in
            guard !state.isOver else { return nil }
            guard state.running[request.requestId] == nil else {
                return Fault(.conflict, "A call with this requestId is under way; draw a new one.")
            }
            guard state.running.count < Limits.callsInFlight else {
                return Fault(
                    .rateLimited,
                    "\(Limits.callsInFlight) calls are under way on this spoke; wait until one has ended.",
                    details: ["retryAfterMilliseconds": 1_000]
                )
            }
            let task = Task { await self.run(request, credit) }
            state.running[request.requestId] = Running(task: task, credit: credit)
            return nil
        }
        if let refusal { await send(Self.failed(request.requestId, refusal)) }
    }

    private func run(_ request: CallRequested, _ credit: ValueCredit) async {
        var last: CallMessage
        var provesItsEnd = false
        do throws(Fault) {
            let call = SpokeCall(
                requestId: request.requestId,
                identity: request.identity,
                session: request.sessionId,
                traceparent: request.traceparent,
                callsUnderWay: count
            )
            let entry = try await desk.admit(request.operationId, request.input, by: call.identity)
            provesItsEnd = entry.provesItsEnd
            last = try await withDeadline(of: request) { () async throws(Fault) -> CallMessage in
                try await self.carryOut(entry, request, call, credit)
            }
        } catch {
            last = Self.failed(request.requestId, await desk.hide(error))
        }
        let ended = state.withLock { state in
            let running = state.running.removeValue(forKey: request.requestId)
            return state.isOver ? nil : running
        }
        guard let ended, !ended.isAborted || ended.wantsProof || provesItsEnd else { return }
        await send(ended.isAborted ? Self.aborted(last) : last)
    }

    private func carryOut(
        _ entry: SpokeOperations.Entry,
        _ request: CallRequested,
        _ call: SpokeCall,
        _ credit: ValueCredit
    ) async throws(Fault) -> CallMessage {
        let id = request.requestId
        if let answering = entry.answering {
            return try await response(to: request, try await answering(request.input, call))
        }
        guard let streaming = entry.streaming else {
            throw Fault(.operationNotFound, "\(request.operationId) is declared and not answered on this spoke.")
        }
        try await streaming(request.input, call) { (value) async throws(Fault) -> Void in
            try await credit.spend()
            await self.send(try await self.response(to: request, value))
        }
        return .completed(CallEnded(requestId: id, timestamp: Date().milliseconds))
    }

    /// The envelope of an answer: redacted whole, and no larger than what the link carries. What a server adds to its
    /// answer stands in `meta`, and may say as much as the answer.
    private func response(to request: CallRequested, _ answer: SpokeAnswer) async throws(Fault) -> CallMessage {
        let now = Date()
        let data = await desk.hide(answer.data)
        var meta: [String: JSONValue] = [:]
        if case .object(let hidden) = await desk.hide(.object(answer.meta)) { meta = hidden }
        meta["operationId"] = .string(request.operationId)
        meta["requestId"] = .string(request.requestId)
        meta["timestamp"] = .string(now.wireText)
        let output: JSONValue = ["data": data, "meta": .object(meta)]
        guard AnswerSize.fits(output) else {
            throw Fault(.tooLarge, "The answer is larger than a frame; ask for less at a time.")
        }
        return .responded(
            CallResponded(requestId: request.requestId, output: output, timestamp: now.milliseconds)
        )
    }

    /// Ends the work at the caller's deadline. Both times of a request are of the asker's clock: ours does not matter.
    private func withDeadline(
        of request: CallRequested,
        _ work: @escaping @Sendable () async throws(Fault) -> CallMessage
    ) async throws(Fault) -> CallMessage {
        guard let deadline = request.deadline else { return try await work() }
        let left = Duration.milliseconds(min(max(deadline - request.timestamp, 0), Limits.callMilliseconds))
        let outcome = await withTaskGroup(of: Result<CallMessage, Fault>?.self) { group in
            group.addTask { await Self.result(of: work) }
            group.addTask {
                // Cancelled as soon as the work is done.
                try? await Task.sleep(for: left)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            guard first == nil else { return first }
            // What was begun is stopped before anybody is told that it is over; its end may hold the proof.
            let stopped = await group.next() ?? nil
            return Task.isCancelled ? stopped : stopped.map { Self.late($0, left) }
        }
        guard let outcome else { throw Fault(.aborted, "The call was aborted.") }
        return try outcome.get()
    }

    private static func result(
        of work: @Sendable () async throws(Fault) -> CallMessage
    ) async -> Result<CallMessage, Fault> {
        do throws(Fault) { return .success(try await work()) } catch { return .failure(error) }
    }

    private static func late(_ end: Result<CallMessage, Fault>, _ limit: Duration) -> Result<CallMessage, Fault> {
        var details: JSONValue?
        if case .failure(let fault) = end { details = fault.details }
        let message = "The call was not done within the \(limit.milliseconds) ms that its deadline left it."
        return .failure(Fault(.timeout, message, details: details))
    }

    /// The last word of a call that was aborted: whatever its work failed with then, it failed because of that.
    private static func aborted(_ last: CallMessage) -> CallMessage {
        guard case .failed(let failure) = last, failure.error.code != .aborted else { return last }
        let fault = Fault(.aborted, "The call was aborted.", details: failure.error.details)
        return failed(failure.requestId, fault)
    }

    private static func failed(_ id: String, _ fault: Fault) -> CallMessage {
        .failed(CallFailed(requestId: id, error: CallError(fault), timestamp: Date().milliseconds))
    }
}
