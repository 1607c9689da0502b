import HTTPTypes
import HubCore
import Hummingbird
import NIOCore
import Protocol

/// `/livez`, `/readyz`, `/metrics`.
struct HealthRoutes: Sendable {
    let metrics: MetricsPage
    let drain: DrainSwitch
    /// Whether the database answers and is migrated; throws what stands in the way.
    let ready: @Sendable () async throws(Fault) -> Void

    /// The process runs and answers. Nothing else: a database that is away is no reason to kill a hub.
    func live() -> Response { CallRoutes.json(Array(#"{"live":true}"#.utf8)) }

    /// Calls would be answered.
    func readiness() async throws(Fault) -> Response {
        try drain.check()
        do {
            try await withDeadline(Limits.readinessWait) { try await ready() }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.unavailable, "The database does not answer; look at its log and the hub's.")
        }
        return CallRoutes.json(Array(#"{"ready":true}"#.utf8))
    }

    func exposition() -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return Response(
            status: .ok,
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: metrics.text))
        )
    }
}
