import HTTPTypes
import HubCore
import HubDomains
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol
import Transport

/// `POST /v1/call/{operation}` and the catalogue.
struct CallRoutes: Sendable {
    let desk: CallDesk
    let departures: Departures

    func call(
        _ operation: String,
        _ request: inout Request,
        _ facts: RequestFacts,
        by principal: Principal,
        on channel: any Channel
    ) async throws(Fault) -> Response {
        let input = try await Self.input(of: &request)
        let (desk, caller) = (desk, Self.caller(principal, facts))
        let called = desk.called(operation, by: caller)
        return try await called.run(with: input) { (isBrief) async throws(Fault) in
            let executor = isBrief ? LoopExecutor(channel.eventLoop) : nil
            let answer = try await departures.untilGone(channel, on: executor) { () async throws(Fault) in
                try await desk.call(called, input, by: caller, deadline: facts.deadline)
            }
            return Self.json(answer.envelope)
        }
    }

    /// `GET /v1/operations` and `GET /v1/operations/{id}`: the same as asking `operation.list` and
    /// `operation.schema`, so that both show a caller the same part of the catalogue. The list's input is the query:
    /// `?namespace=project&limit=20&cursor=…`.
    func catalogue(
        _ id: String?,
        _ uri: URI,
        _ facts: RequestFacts,
        by principal: Principal
    ) async throws(Fault) -> Response {
        let caller = Self.caller(principal, facts)
        let answer =
            if let id {
                try await desk.call(
                    "operation.schema",
                    ["operation": .string(id)],
                    by: caller,
                    deadline: facts.deadline
                )
            } else {
                try await desk.call("operation.list", Self.listing(uri), by: caller, deadline: facts.deadline)
            }
        return Self.json(answer.envelope)
    }

    /// What a query string asks of `operation.list`, which checks it.
    private static func listing(_ uri: URI) -> JSONValue {
        var input: [String: JSONValue] = [:]
        for (name, value) in uri.queryParameters {
            let text = String(value)
            input[String(name)] = (name == "limit" ? Int64(text).map(JSONValue.integer) : nil) ?? .string(text)
        }
        return .object(input)
    }

    /// A body as strict JSON; an empty one asks for nothing in particular.
    static func input(of request: inout Request) async throws(Fault) -> JSONValue {
        let body = try await RequestBytes.collect(&request)
        guard body.readableBytes > 0 else { return [:] }
        let parsed = { () throws(Fault) in try JSONValue(parsing: Array(body.readableBytesView)) }
        guard body.readableBytes > Limits.callPayloadBytes else { return try parsed() }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) { () async throws(Fault) in
            try parsed()
        }
    }

    static func caller(_ principal: Principal, _ facts: RequestFacts) -> Caller {
        Caller(
            principal,
            from: facts.address,
            requestId: facts.requestId,
            parentRequestId: facts.parentRequestId,
            idempotencyKey: facts.idempotencyKey,
            spokeName: facts.spoke,
            traceparent: facts.traceparent,
            target: facts.target
        )
    }

    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
