import Foundation
import Protocol
import SpokeCore
import Transport

/// What a session, or the spoke itself, asks of the hub.
struct HubQuestion: Sendable {
    var operation: String
    var input: JSONValue
    /// In whose name; the spoke's own where there is none.
    var session: SessionID?
    /// How long the answer is of use: ``Limits/askPatience`` if absent, and without an end for a subscription.
    var patience: Duration?
    var idempotencyKey: String?
    /// Within what it is asked.
    var origin = LocalOrigin()
    /// Where a subscription goes on, as an earlier value's id said.
    var lastEventId: String?
}

/// One value of a subscription of the hub.
struct HubValue: Sendable {
    /// What the subscription goes on behind, if its provider says so.
    var id: String?
    var data: JSONValue

    init(_ envelope: JSONValue) {
        id = envelope["meta"]?["eventId"]?.stringValue
        data = envelope["data"] ?? envelope
    }
}

/// Calls over the link, in both directions.
extension LinkService {
    /// Asks the hub for an operation. A caller that is cancelled aborts it.
    ///
    /// - Throws: `UNAVAILABLE` until the hub has welcomed the spoke, `SPOKE_DISCONNECTED` if the link breaks before the
    ///   answer, `TIMEOUT` when patience is over, `ABORTED` when the task is cancelled.
    func call(_ question: HubQuestion) async throws(Fault) -> JSONValue {
        guard let link = openLink else { throw Self.unreachable }
        var question = question
        question.patience = question.patience ?? Limits.askPatience
        let request = Self.request(question, isStream: false)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                asked.wait(for: request.requestId, with: continuation)
                Task { [patience = question.patience] in await self.begin(request, over: link, patience: patience) }
            }
        } onCancel: {
            Task { await self.abort(request.requestId) }
        }
        switch answer {
        case .responded(let response): return response.output["data"] ?? response.output
        case .failed(let failure): throw failure.error.fault
        case .completed: return .null
        case .aborted, .requested, .credit:
            throw Fault(.aborted, "The call was aborted, or its caller's patience was over.")
        }
    }

    /// Follows a subscription of the hub until its end.
    ///
    /// - Parameter take: gets each value; credit for more is given as it returns.
    func follow(
        _ question: HubQuestion,
        take: @Sendable (HubValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        guard let link = openLink else { throw Self.unreachable }
        let request = Self.request(question, isStream: true)
        let values = asked.values(of: request.requestId)
        await begin(request, over: link, patience: question.patience)
        do throws(Fault) {
            var used = 0
            for await message in values {
                switch message {
                case .responded(let response):
                    try await take(HubValue(response.output))
                    used += 1
                    guard used >= ValueCredit.first / 2 else { continue }
                    await link.tell(.call(.credit(CallCredit(requestId: request.requestId, values: used))))
                    used = 0
                case .completed: return
                case .failed(let failure): throw failure.error.fault
                case .aborted, .requested, .credit: throw Fault(.aborted, "The subscription was aborted.")
                }
            }
            throw Fault(.aborted, "The subscription was aborted, or its caller's patience was over.")
        } catch {
            await abort(request.requestId)
            throw error
        }
    }

    private func begin(_ request: CallRequested, over link: Driver<SpokeLink>, patience: Duration?) async {
        // Whoever was cancelled before this was asked wants no answer.
        guard asked.holds(request.requestId) else { return }
        await link.tell(.call(.requested(request)))
        guard let patience else { return }
        Task {
            // Nothing cancels this; a call that ended meanwhile is not there any more.
            try? await Task.sleep(for: patience + Self.lateness)
            await self.abort(request.requestId)
        }
    }

    /// The hub keeps the deadline; this is for a hub that does not.
    private static let lateness = Duration.seconds(2)

    private func abort(_ id: String) async {
        guard asked.forget(id) else { return }
        await openLink?.tell(.call(.aborted(CallEnded(requestId: id, timestamp: Date().milliseconds))))
    }

    /// - Parameter isStream: Values are followed; the hub refuses what does not fit the operation.
    private static func request(_ question: HubQuestion, isStream: Bool) -> CallRequested {
        let now = Date().milliseconds
        var metadata: [String: JSONValue] = ["stream": .bool(isStream)]
        metadata["lastEventId"] = question.lastEventId.map(JSONValue.string)
        return CallRequested(
            requestId: UUID().uuidString.lowercased(),
            operationId: question.operation,
            input: question.input,
            parentRequestId: question.origin.requestId,
            deadline: question.patience.map { now + $0.milliseconds },
            sessionId: question.session,
            idempotencyKey: question.idempotencyKey,
            traceparent: question.origin.traceparent,
            metadata: .object(metadata),
            timestamp: now
        )
    }

    private static let unreachable = Fault(
        .unavailable,
        "The hub cannot be reached from this spoke just now; try again."
    )

    /// Something of a call came over the link: an answer to one of ours, or something about one of the hub's.
    func deliver(_ call: CallMessage) async {
        switch call {
        case .responded, .completed, .failed: asked.take(call)
        // Both sides may abort; ids are drawn by whoever asks and are told apart by that.
        case .aborted:
            asked.take(call)
            await runner?.deliver(call)
        case .requested, .credit: await runner?.deliver(call)
        }
    }

    func failCalls() {
        let error = CallError(
            code: .spokeDisconnected,
            message: "The link to the hub broke before it answered.",
            retryable: true
        )
        asked.end(with: error, at: Date().milliseconds)
    }
}
