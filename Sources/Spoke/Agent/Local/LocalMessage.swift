public import Protocol

/// What a person or a process on this machine asks the running spoke, one JSON object a line.
public struct LocalRequest: Codable, Sendable {
    public var method: Method
    public var parameters: JSONValue?
    /// Who asks, if it is a process of a session.
    public var session: LocalSession?
    /// Within what it asks; nothing if absent.
    public var origin: LocalOrigin?

    public enum Method: String, Codable, CaseIterable, Sendable {
        case status, sessions, worktrees, drain, journal, verify, call, notify, subscribe
    }

    public init(
        method: Method,
        parameters: JSONValue? = nil,
        session: LocalSession? = nil,
        origin: LocalOrigin? = nil
    ) {
        self.method = method
        self.parameters = parameters
        self.session = session
        self.origin = origin
    }
}

/// Within what a process asks: the call that it was started for, and the trace that it belongs to.
///
/// It says what belongs together and gives no right, so it is believed as far as a caller over HTTP is
/// (`X-Parent-Request-Id`, `traceparent`). What is not well-formed is left out: a process may have it from anywhere.
public struct LocalOrigin: Codable, Hashable, Sendable {
    /// The variable that names a program the call that it was started for.
    static let requestVariable = "NAVE_REQUEST_ID"

    public var requestId: String?
    public var traceparent: String?

    /// Within nothing that is known.
    public init() {}

    /// What the environment of a program says.
    public init(environment: [String: String]) {
        requestId = environment[Self.requestVariable]
        traceparent = environment[TraceContext.variable]
    }

    /// As much of it as is well-formed.
    var sound: LocalOrigin {
        var origin = LocalOrigin()
        origin.requestId = VisibleText.violation(requestId, at: "requestId") == nil ? requestId : nil
        origin.traceparent = traceparent.flatMap { TraceContext.isSound($0) ? $0 : nil }
        return origin
    }
}

/// A session's proof of being itself: the token that only its own processes can read.
public struct LocalSession: Codable, Sendable {
    public var id: SessionID
    public var token: String

    public init(id: SessionID, token: String) {
        self.id = id
        self.token = token
    }
}

/// The answer, one JSON object on one line: either a result or an error. A subscription is answered with a line for
/// each value and a last one with an error or with ``completed``.
public struct LocalResponse: Codable, Sendable {
    public var result: JSONValue?
    /// What a subscription goes on behind, if this is a value of one that can.
    public var id: String?
    public var error: Fault?
    /// The natural end of a subscription.
    public var completed: Bool?

    public static let end: LocalResponse = {
        var response = LocalResponse(result: .null)
        response.result = nil
        response.completed = true
        return response
    }()

    public init(result: JSONValue, id: String? = nil) {
        self.result = result
        self.id = id
    }
    public init(error: Fault) { self.error = error }
}
