import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol

/// `POST /v1/join`: a join token in, a spoke's own credential out. The one route that needs no key.
struct JoinRoutes: Sendable {
    let spokes: SpokeStore
    let limiter: RateLimiter
    let drain: DrainSwitch

    func join(_ request: inout Request, _ facts: RequestFacts) async throws(Fault) -> Response {
        try drain.check()
        let body = try await RequestBytes.collect(&request)
        let ask: JoinRequest = try JSONValue(parsing: Array(body.readableBytesView)).decoded()
        do throws(Fault) {
            let answer = try await spokes.join(ask, from: facts.address, requestId: facts.requestId)
            return CallRoutes.json(WireCoder.bytes(of: answer))
        } catch {
            if error.code == .unauthenticated { try limiter.count(refusalOf: facts.address) }
            throw error
        }
    }
}
