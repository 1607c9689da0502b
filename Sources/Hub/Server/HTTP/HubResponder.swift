import HTTPTypes
import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Protocol

/// Method and path to route; whatever goes wrong becomes an answer here.
struct HubResponder: HTTPResponder {
    typealias Context = HubRequestContext

    let guarding: LoopbackGuard
    let doors: DoorKeeper
    let calls: CallRoutes
    let subscriptions: SubscribeRoutes
    let mcp: MCPRoutes
    let document: DocumentRoutes
    let health: HealthRoutes
    let join: JoinRoutes
    let dashboard: DashboardRoutes
    let metrics: HubMetrics
    let logger: Logger

    func respond(to request: Request, context: HubRequestContext) async throws -> Response {
        var request = request
        let began = ContinuousClock.now
        var requestId: String?
        var response: Response
        do throws(Fault) {
            try guarding.check(host: request.head.authority, origin: request.headers[.origin])
            let facts = try RequestFacts(request.headers, from: context.address, makeId: Ids.random)
            requestId = facts.requestId
            response = try await route(&request, facts, context)
        } catch {
            response = refuse(error, context)
        }
        if let requestId { response.headers[.requestId] = requestId }
        response.headers[.contentTypeOptions] = "nosniff"
        logger.debug(
            "Answered a request.",
            metadata: [
                "method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(response.status.code)",
                "request": "\(requestId ?? "")", "microseconds": "\((ContinuousClock.now - began).nanoseconds / 1_000)",
            ]
        )
        // A body would be taken for the next answer's head (RFC 9110, 9.3.2).
        if request.method == .head { response = Response(status: response.status, headers: response.headers) }
        return response
    }

    private func refuse(_ fault: Fault, _ context: HubRequestContext) -> Response {
        metrics.refused(fault.code)
        var response = FaultResponse.make(fault)
        let isLeftUnread: Set<Fault.Code> = [.tooLarge, .timeout, .aborted]
        if isLeftUnread.contains(fault.code) {
            // A body may still be on its way that nobody will read.
            response.headers[.connection] = "close"
            context.closeSoon()
        }
        return response
    }

    private func route(
        _ request: inout Request,
        _ facts: RequestFacts,
        _ context: HubRequestContext
    ) async throws(Fault) -> Response {
        let segments = request.uri.path.split(separator: "/").map(String.init)
        if segments.count == 3, segments[0] == "v1", segments[1] == "call" {
            return try await call(segments[2], &request, facts, context)
        }
        // Only of calls it is known which are brief enough for the connection's event loop.
        return try await withTaskExecutorPreference(globalConcurrentExecutor) { () async throws(Fault) in
            try await route(segments, &request, facts, context)
        }
    }

    private func call(
        _ operation: String,
        _ request: inout Request,
        _ facts: RequestFacts,
        _ context: HubRequestContext
    ) async throws(Fault) -> Response {
        try require(.post, request)
        let principal = try await doors.admit(facts.credential, from: context.address)
        return try await calls.call(operation, &request, facts, by: principal, on: context.channel)
    }

    private func route(
        _ segments: [String],
        _ request: inout Request,
        _ facts: RequestFacts,
        _ context: HubRequestContext
    ) async throws(Fault) -> Response {
        switch (segments.first, segments.count) {
        case (nil, 0): return try only(.get, request) { dashboard.page() }
        case ("livez", 1): return try only(.get, request) { health.live() }
        case ("readyz", 1):
            try require(.get, request)
            return try await health.readiness()
        case ("dashboard.js", 1): return try only(.get, request) { dashboard.script() }
        case ("dashboard.css", 1): return try only(.get, request) { dashboard.style() }
        case ("metrics", 1):
            try require(.get, request)
            let principal = try await doors.admitMetered(facts.credential, from: context.address)
            try AccessControl.scopes("hub:read").check(principal.identity)
            return health.exposition()
        case ("openapi.json", 1):
            try require(.get, request)
            let principal = try await doors.admitMetered(facts.credential, from: context.address)
            return try await document.openAPI(for: principal)
        case ("mcp", 1):
            let principal = try await doors.admitMetered(facts.credential, from: context.address)
            return try await mcp.respond(to: &request, facts, by: principal, on: context.channel)
        case ("v1", _): return try await versioned(segments, &request, facts, context)
        default: throw Self.noRoute(request)
        }
    }

    private func versioned(
        _ segments: [String],
        _ request: inout Request,
        _ facts: RequestFacts,
        _ context: HubRequestContext
    ) async throws(Fault) -> Response {
        switch (segments.dropFirst().first, segments.count) {
        case ("subscribe", 3):
            try require(.post, request)
            let principal = try await doors.admit(facts.credential, from: context.address)
            return try await subscriptions.subscribe(segments[2], &request, facts, by: principal, on: context.channel)
        case ("operations", 2), ("operations", 3):
            try require(.get, request)
            let principal = try await doors.admit(facts.credential, from: context.address)
            let id = segments.count == 3 ? segments[2] : nil
            return try await calls.catalogue(id, request.uri, facts, by: principal)
        case ("join", 2):
            try require(.post, request)
            return try await join.join(&request, facts)
        case ("link", 2):
            try require(.get, request)
            _ = try await doors.admitMetered(facts.credential, from: context.address)
            throw Fault(
                .validation,
                "This route is a WebSocket: ask for an upgrade to the subprotocol nave.v1, as the first request of a "
                    + "connection."
            )
        default: throw Self.noRoute(request)
        }
    }

    private func only(
        _ method: HTTPRequest.Method,
        _ request: Request,
        _ answer: () -> Response
    ) throws(Fault) -> Response {
        try require(method, request)
        return answer()
    }

    /// What answers to GET answers to HEAD as well, without the body.
    private func require(_ method: HTTPRequest.Method, _ request: Request) throws(Fault) {
        guard request.method != method, !(method == .get && request.method == .head) else { return }
        throw Fault(.notFound, "\(request.uri.path) answers to \(method.rawValue), not \(request.method.rawValue).")
    }

    private static func noRoute(_ request: Request) -> Fault {
        Fault(.notFound, "There is nothing at \(request.uri.path); calls go to POST /v1/call/{operation}.")
    }
}
