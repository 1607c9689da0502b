import Foundation
import HubCore
import HubDomains
import Protocol

/// Runs what a peer asks for over its connection, with the authority that the hub found out by itself.
struct PeerCalls: Sendable {
    let desk: CallDesk
    /// The peer's address without its port.
    let address: String
    /// Who asks. What the request says of an identity is not looked at.
    let caller: @Sendable (CallRequested) async throws(Fault) -> Principal

    /// Runs one call. Queries of spokes that are brief to check stay on the executor that this is called on, the
    /// connection's own; whatever else may take its time does so elsewhere.
    func run(_ call: PeerCall) async {
        let request = call.request
        do throws(Fault) {
            try Self.check(request)
            let caller = try await asking(request)
            let called = desk.called(request.operationId, by: caller)
            try await called.run(with: request.input) { (_) async throws(Fault) in
                try await answer(call, called, by: caller)
            }
        } catch {
            call.fail(error)
        }
    }

    private func answer(_ call: PeerCall, _ called: Called, by caller: Caller) async throws(Fault) {
        let (request, kind) = (call.request, called.subject?.kind)
        if let kind, request.metadata?["stream"] == .bool(kind != .subscription) {
            throw Fault.askedOtherwise(request.operationId, is: kind)
        }
        guard kind == .subscription else {
            let answer = try await desk.call(called, request.input, by: caller, deadline: Self.wait(request))
            return call.answer(try Self.output(answer), isLast: true)
        }
        try await desk.subscribe(
            request.operationId,
            request.input,
            by: caller,
            lastEventId: request.metadata?["lastEventId"]?.stringValue,
            deadline: Self.wait(request)
        ) { (value) async throws(Fault) in
            try await call.gate.pass()
            call.answer(try Self.output(value.answer, eventId: value.id), isLast: false)
        }
        call.complete()
    }

    private func asking(_ request: CallRequested) async throws(Fault) -> Caller {
        Caller(
            try await caller(request),
            from: address,
            requestId: request.requestId,
            parentRequestId: request.parentRequestId,
            idempotencyKey: request.idempotencyKey,
            traceparent: request.traceparent,
            target: request.target,
            idleTimeout: request.idleTimeout.map { .milliseconds($0) }
        )
    }

    /// What a header could not carry is refused here as it is there.
    private static func check(_ request: CallRequested) throws(Fault) {
        var violations = [
            VisibleText.violation(request.requestId, at: "requestId"),
            VisibleText.violation(request.parentRequestId, at: "parentRequestId"),
            VisibleText.violation(request.idempotencyKey, at: "idempotencyKey"),
            VisibleText.violation(request.traceparent, at: "traceparent"),
        ].compactMap(\.self)
        let longest = Limits.idleTimeoutLongest.milliseconds
        if let idle = request.idleTimeout, !(1...longest).contains(idle) {
            violations.append(.init(path: "idleTimeout", message: "must be 1 to \(longest) milliseconds."))
        }
        guard violations.isEmpty else { throw .invalid(violations) }
    }

    /// How long the asker waits. Both times of a request are of the asker's clock: the hub's does not matter.
    private static func wait(_ request: CallRequested) -> Duration? {
        request.deadline.map { .milliseconds(max(1, $0 - request.timestamp)) }
    }

    /// The response envelope, if a frame can carry it.
    ///
    /// - Parameter eventId: where a consumer of this value may go on from.
    private static func output(_ answer: Answer, eventId: String? = nil) throws(Fault) -> JSONValue {
        guard answer.data.count < Limits.frameBytes - frameRoom else {
            throw Fault(.tooLarge, "The answer is larger than a frame; ask for less at a time.")
        }
        guard let eventId else { return try answer.output }
        var answer = answer
        answer.origin["eventId"] = .string(eventId)
        return try answer.output
    }

    /// What an envelope needs in a frame besides the data.
    private static let frameRoom = 4_096
}
