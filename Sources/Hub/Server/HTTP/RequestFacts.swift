import HTTPTypes
import HubCore
import Hummingbird
import HummingbirdCore
import NIOCore
import Protocol

/// What a request's head, and the connection that it came on, say about the call it carries.
struct RequestFacts: Sendable {
    /// The peer's address without its port.
    let address: String
    /// The caller's own id for the request, or one made here.
    var requestId: String
    /// The bearer credential, if there is one.
    var credential: String?
    /// The call within which this one is made, for the call graph.
    var parentRequestId: String?
    var idempotencyKey: String?
    /// How long the caller will wait.
    var deadline: Duration?
    /// The spoke that shall answer, by name.
    var spoke: String?
    /// The spoke that shall answer, in other words.
    var target: CallTarget?
    var traceparent: String?
    /// Where a stream of events shall go on.
    var lastEventId: String?

    /// - Fails with `validation` naming each header that cannot be understood.
    init(_ headers: HTTPFields, from address: String, makeId: () -> String) throws(Fault) {
        self.address = address
        var violations: [Fault.Violation] = []
        func text(_ name: HTTPField.Name) -> String? {
            let violation = VisibleText.violation(headers[name], at: name.rawName)
            if let violation { violations.append(violation) }
            return violation == nil ? headers[name] : nil
        }
        requestId = text(.requestId) ?? makeId()
        parentRequestId = text(.parentRequestId)
        idempotencyKey = text(.idempotencyKey)
        spoke = text(.spoke)
        traceparent = text(.traceparent)
        lastEventId = text(.lastEventId)
        credential = Self.bearer(headers[.authorization])
        if let text = headers[.deadline] {
            let wait = Duration(text: text) ?? .zero
            deadline = wait
            if wait < .milliseconds(1) || wait > Limits.callDeadlineLongest {
                let words = "must be such as 2s or 500ms; 1h at most."
                violations.append(.init(path: HTTPField.Name.deadline.rawName, message: words))
            }
        }
        if let text = headers[.target] {
            do throws(Fault) {
                guard text.utf8.count <= Limits.targetBytes else {
                    throw Fault(.tooLarge, "must have at most \(Limits.targetBytes) bytes.")
                }
                target = try CallTarget(asked: JSONValue(parsing: Array(text.utf8)))
            } catch {
                violations.append(.init(path: HTTPField.Name.target.rawName, message: error.message))
            }
        }
        guard violations.isEmpty else { throw Fault.invalid(violations) }
    }

    /// The token of `Bearer TOKEN`; the scheme's case does not matter (RFC 9110, 11.1).
    static func bearer(_ header: String?) -> String? {
        guard let header, header.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
        let token = header.dropFirst(7).drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }
}

extension HTTPField.Name {
    /// A name that is known to be one.
    static func known(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("“\(text)” is not a header's name.") }
        return name
    }

    static let requestId = known("X-Request-Id")
    static let parentRequestId = known("X-Parent-Request-Id")
    static let idempotencyKey = known("Idempotency-Key")
    static let deadline = known("X-Deadline")
    static let spoke = known("X-Spoke")
    static let target = known("X-Target")
    static let traceparent = known("traceparent")
    static let lastEventId = known("Last-Event-ID")
    static let retryAfter = known("Retry-After")
    static let contentSecurityPolicy = known("Content-Security-Policy")
    static let contentTypeOptions = known("X-Content-Type-Options")
    static let referrerPolicy = known("Referrer-Policy")
    static let frameOptions = known("X-Frame-Options")
}

/// What a route knows of the connection that a request came on.
struct HubRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection, for its address and to end it.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// The peer's address without its port.
    var address: String { channel.peerAddress }

    /// Ends the connection shortly after the answer, for a client that goes on sending what nobody reads.
    func closeSoon() {
        let channel = channel
        channel.eventLoop.scheduleTask(in: .nanoseconds(Limits.connectionLinger.nanoseconds)) {
            channel.close(promise: nil)
        }
    }
}

extension Channel {
    /// The address of the other end without its port, as far as it can be told.
    var peerAddress: String { remoteAddress?.ipAddress ?? "local" }
}
