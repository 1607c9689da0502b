import HTTPTypes
import HubCore
import Hummingbird
import NIOCore
import Protocol

/// Turns a fault into status, headers and body. The only place that does.
enum FaultResponse {
    /// The body of every error: `{"error":{"code","message","details"?}}`.
    private struct Body: Encodable {
        struct Payload: Encodable {
            let code: String
            let message: String
            let details: JSONValue?
        }
        let error: Payload
    }

    /// The status of the contract, or the one that the operation declares for a code of its own.
    static func status(of fault: Fault) -> HTTPResponse.Status { .init(code: fault.httpStatus) }

    static func body(of fault: Fault) -> [UInt8] {
        let payload = Body.Payload(code: fault.code.rawValue, message: fault.message, details: fault.details)
        return WireCoder.bytes(of: Body(error: payload))
    }

    /// The response, with what HTTP itself wants to say: when to come back, and how to prove who one is.
    static func make(_ fault: Fault, status: HTTPResponse.Status? = nil) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        if fault.code == .unauthenticated { headers[.wwwAuthenticate] = "Bearer realm=\"nave\"" }
        if let milliseconds = fault.details?["retryAfterMilliseconds"]?.integerValue {
            headers[.retryAfter] = String(max(1, (milliseconds + 999) / 1_000))
        }
        return Response(
            status: status ?? Self.status(of: fault),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: body(of: fault)))
        )
    }

    /// The whole response as bytes, for where no request could be read and so no response machinery exists.
    static func text(of fault: Fault) -> [UInt8] {
        let (status, body) = (Self.status(of: fault), body(of: fault))
        let head =
            "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\ncontent-type: application/json\r\n"
            + "content-length: \(body.count)\r\nconnection: close\r\n\r\n"
        return Array(head.utf8) + body
    }
}

extension Fault {
    /// The same fault, with when it is worth asking again.
    func retry(after wait: Duration) -> Fault {
        var members: [String: JSONValue] = [:]
        if case .object(let known) = details { members = known }
        members["retryAfterMilliseconds"] = .integer(max(1, wait.milliseconds))
        return Fault(code, message, details: .object(members), declaredStatus: declaredStatus)
    }
}
