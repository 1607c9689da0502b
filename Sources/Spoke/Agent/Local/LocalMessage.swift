public import Protocol

/// What a person or a process on this machine asks the running spoke, one JSON object a line.
public struct LocalRequest: Codable, Sendable {
    public var method: Method
    public var parameters: JSONValue?
    /// Who asks, if it is a process of a session.
    public var session: LocalSession?

    public enum Method: String, Codable, CaseIterable, Sendable {
        case status, sessions, worktrees, drain, journal, verify, call, notify, subscribe
    }

    public init(method: Method, parameters: JSONValue? = nil, session: LocalSession? = nil) {
        self.method = method
        self.parameters = parameters
        self.session = session
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
    public var error: Fault?
    /// The natural end of a subscription.
    public var completed: Bool?

    public static let end: LocalResponse = {
        var response = LocalResponse(result: .null)
        response.result = nil
        response.completed = true
        return response
    }()

    public init(result: JSONValue) { self.result = result }
    public init(error: Fault) { self.error = error }
}
