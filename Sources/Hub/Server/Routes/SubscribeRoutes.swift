import HTTPTypes
import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol

/// `POST /v1/subscribe/{operation}`: a subscription as server-sent events.
///
/// Each value is `event: data` with its `id:`; the end is `event: completed` or `event: error`.
struct SubscribeRoutes: Sendable {
    let desk: CallDesk
    let events: EventStream

    func subscribe(
        _ operation: String,
        _ request: inout Request,
        _ facts: RequestFacts,
        by principal: Principal,
        on channel: any Channel
    ) async throws(Fault) -> Response {
        let input = try await CallRoutes.input(of: &request)
        // What can be said with a status is said with a status.
        let caller = try await desk.admitSubscription(operation, input, by: CallRoutes.caller(principal, facts))
        let (lastEventId, deadline) = (facts.lastEventId, facts.deadline)
        return events.response(to: request, on: channel, leaving: Self.failed(DrainSwitch.leaving)) { pipe in
            do throws(Fault) {
                // The stream begins at once, so that a consumer knows it was taken in before the first value.
                try await pipe.send(EventText.comment("open"))
                try await desk.subscribe(
                    operation,
                    input,
                    by: caller,
                    lastEventId: lastEventId,
                    deadline: deadline
                ) { (value) async throws(Fault) in
                    try await pipe.send(EventText.event("data", id: value.id, value.answer.envelope))
                }
                return .last(EventText.event("completed", id: nil, Array("{}".utf8)))
            } catch {
                return .last(Self.failed(error))
            }
        }
    }

    private static func failed(_ fault: Fault) -> ByteBuffer {
        EventText.event("error", id: nil, FaultResponse.body(of: fault))
    }
}
