import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /`: one static page that asks for a key and then shows the fleet over the same operations as everyone.
struct DashboardRoutes: Sendable {
    func page() -> Response { make(DashboardText.page, "text/html; charset=utf-8") }
    func script() -> Response { make(DashboardText.script, "text/javascript; charset=utf-8") }
    func style() -> Response { make(DashboardText.style, "text/css; charset=utf-8") }

    private func make(_ text: String, _ type: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-cache"
        headers[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        headers[.referrerPolicy] = "no-referrer"
        headers[.frameOptions] = "DENY"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
