import Foundation
import HubCore
import HubDomains
import Protocol

/// Runs what a peer asks for over its connection, with the authority that the hub found out by itself.
struct PeerCalls: Sendable {
    let desk: CallDesk
    /// Who asks. What the request says of an identity is not looked at.
    let caller: @Sendable (CallRequested) async throws(Fault) -> Principal

    func run(_ request: CallRequested, _ gate: CreditGate, _ line: CallLine) async {
        let id = request.requestId
        do throws(Fault) {
            let caller = try await asking(request)
            let called = desk.called(request.operationId, by: caller)
            if called.subject?.kind == .subscription {
                try await desk.subscribe(request.operationId, request.input, by: caller, lastEventId: nil) {
                    (value) async throws(Fault) in
                    try await gate.pass()
                    line.answered(id, try Self.output(value.answer), isLast: false)
                }
                line.completed(id)
            } else {
                let wait = request.deadline.map { Duration.milliseconds(max(1, $0 - Date().milliseconds)) }
                let answer = try await desk.call(called, request.input, by: caller, deadline: wait)
                line.answered(id, try Self.output(answer), isLast: true)
            }
        } catch {
            line.failed(id, error)
        }
    }

    private func asking(_ request: CallRequested) async throws(Fault) -> Caller {
        Caller(
            try await caller(request),
            requestId: request.requestId,
            parentRequestId: request.parentRequestId,
            idempotencyKey: request.idempotencyKey,
            traceparent: request.traceparent,
            target: request.target,
            idleTimeout: request.idleTimeout.map { .milliseconds(max(1, $0)) }
        )
    }

    /// The response envelope, if a frame can carry it.
    private static func output(_ answer: Answer) throws(Fault) -> JSONValue {
        guard answer.data.count < Limits.frameBytes - frameRoom else {
            throw Fault(.tooLarge, "The answer is larger than a frame; ask for less at a time.")
        }
        return try answer.output
    }

    /// What an envelope needs in a frame besides the data.
    private static let frameRoom = 4_096
}
