import Foundation
import HubCore
import HubDomains
import Protocol
import Synchronization

/// The calls that one spoke, or a session on it, has under way over its link. They end with the link.
final class LinkCallRunner: Sendable {
    private struct Running {
        let task: Task<Void, Never>
        let gate: CreditGate
    }

    private struct State {
        var running: [String: Running] = [:]
        var isOver = false
    }

    private weak let session: LinkSession?
    private let spoke: SpokeID
    private let principal: Principal
    private let hall: LinkHall
    private let state = Mutex(State())

    init(session: LinkSession, hall: LinkHall) {
        self.session = session
        self.spoke = session.spoke
        self.principal = session.principal
        self.hall = hall
    }

    /// Something of a call came over the link.
    func deliver(_ message: CallMessage) {
        switch message {
        case .requested(let request): begin(request)
        case .aborted(let end): take(end.requestId)?.task.cancel()
        case .credit(let credit): running(credit.requestId)?.gate.grant(credit.values)
        // Answers to calls that the hub sends to spokes come with their operations; nothing asks yet, so they are late.
        case .responded, .completed, .failed: break
        }
    }

    /// Whether what waits for the peer may grow.
    func peerKeepsUp(_ keepsUp: Bool) {
        for running in state.withLock({ Array($0.running.values) }) { running.gate.pause(!keepsUp) }
    }

    /// The link is over, and with it every call.
    func end() {
        let running = state.withLock { state in
            state.isOver = true
            defer { state.running.removeAll() }
            return Array(state.running.values)
        }
        for one in running { one.task.cancel() }
    }

    private func running(_ id: String) -> Running? { state.withLock { $0.running[id] } }

    private func take(_ id: String) -> Running? { state.withLock { $0.running.removeValue(forKey: id) } }

    private func begin(_ request: CallRequested) {
        let gate = CreditGate(Limits.subscriptionCredit)
        let refusal: Fault? = state.withLock { state in
            guard !state.isOver else { return nil }
            guard state.running[request.requestId] == nil else {
                return Fault(.conflict, "A call with this requestId is under way; draw a new one.")
            }
            guard state.running.count < Limits.callsInFlight else {
                return Fault(.rateLimited, "\(Limits.callsInFlight) calls are under way; wait until one has ended.")
                    .retry(after: .seconds(1))
            }
            let task = Task { await self.run(request, gate) }
            state.running[request.requestId] = Running(task: task, gate: gate)
            return nil
        }
        if let refusal { fail(request, refusal) }
    }

    private func run(_ request: CallRequested, _ gate: CreditGate) async {
        do throws(Fault) {
            let caller = try await self.caller(of: request)
            if hall.desk.operations.spec(of: request.operationId)?.type == .subscription {
                try await subscribe(request, caller, gate)
            } else {
                let wait = request.deadline.map { Duration.milliseconds(max(1, $0 - Date().milliseconds)) }
                let answer = try await hall.desk.call(request.operationId, request.input, by: caller, deadline: wait)
                guard take(request.requestId) != nil else { return }
                respond(request, answer)
            }
        } catch {
            guard take(request.requestId) != nil else { return }
            fail(request, error)
        }
    }

    private func subscribe(_ request: CallRequested, _ caller: Caller, _ gate: CreditGate) async throws(Fault) {
        try await hall.desk.subscribe(request.operationId, request.input, by: caller, lastEventId: nil) {
            (value) async throws(Fault) in
            try await gate.pass()
            self.respond(request, value.answer)
        }
        guard take(request.requestId) != nil else { return }
        session?.send(.completed(CallEnded(requestId: request.requestId, timestamp: Date().milliseconds)))
    }

    /// Who asks: the session if one is named, else the spoke. The payload's word is only which of its sessions.
    private func caller(of request: CallRequested) async throws(Fault) -> Caller {
        let principal =
            if let session = request.sessionId { try await hall.memory.principal(of: session, on: spoke) } else {
                principal
            }
        return Caller(
            principal,
            requestId: request.requestId,
            parentRequestId: request.parentRequestId,
            idempotencyKey: request.idempotencyKey,
            traceparent: request.traceparent
        )
    }

    private func respond(_ request: CallRequested, _ answer: Answer) {
        do throws(Fault) {
            let envelope = answer.envelope
            guard envelope.count < Limits.frameBytes - 4_096 else {
                throw Fault(.tooLarge, "The answer is larger than a frame; ask for less at a time.")
            }
            let output = try JSONValue(parsing: envelope)
            session?.send(
                .responded(
                    CallResponded(requestId: request.requestId, output: output, timestamp: Date().milliseconds)
                )
            )
        } catch {
            fail(request, error)
        }
    }

    private func fail(_ request: CallRequested, _ fault: Fault) {
        let error = CallError(
            code: fault.code,
            message: fault.message,
            details: fault.details,
            retryable: [.unavailable, .rateLimited, .spokeDisconnected, .timeout].contains(fault.code)
        )
        session?.send(
            .failed(CallFailed(requestId: request.requestId, error: error, timestamp: Date().milliseconds))
        )
    }
}
