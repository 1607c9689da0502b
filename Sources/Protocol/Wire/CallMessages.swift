/// Asks for one invocation of an operation (calls.md).
public struct CallRequested: Codable, Hashable, Sendable {
    public var requestId: String
    /// `namespace.name`
    public var operationId: String
    public var input: JSONValue
    public var parentRequestId: String?
    /// Milliseconds since 1970 after which the answer is of no use.
    public var deadline: Int64?
    /// Milliseconds between two values of a subscription before it is given up.
    public var idleTimeout: Int64?
    /// The session on whose behalf a spoke asks. The hub resolves the identity itself; nothing else is believed.
    public var sessionId: SessionID?
    /// Who asks, as the hub resolved it. Only the hub says it; what anyone else says here is not looked at.
    public var identity: Identity?
    /// Where the answer shall come from; a spoke that is asked has nothing to choose any more.
    public var target: CallTarget?
    public var idempotencyKey: String?
    public var traceparent: String?
    /// Whatever the asker wants the provider to know besides the input.
    public var metadata: JSONValue?
    /// Milliseconds since 1970 on the asker's clock.
    public var timestamp: Int64

    public init(
        requestId: String,
        operationId: String,
        input: JSONValue,
        parentRequestId: String? = nil,
        deadline: Int64? = nil,
        idleTimeout: Int64? = nil,
        sessionId: SessionID? = nil,
        identity: Identity? = nil,
        target: CallTarget? = nil,
        idempotencyKey: String? = nil,
        traceparent: String? = nil,
        metadata: JSONValue? = nil,
        timestamp: Int64
    ) {
        self.requestId = requestId
        self.operationId = operationId
        self.input = input
        self.parentRequestId = parentRequestId
        self.deadline = deadline
        self.idleTimeout = idleTimeout
        self.sessionId = sessionId
        self.identity = identity
        self.target = target
        self.idempotencyKey = idempotencyKey
        self.traceparent = traceparent
        self.metadata = metadata
        self.timestamp = timestamp
    }
}

/// An answer: once for a call, any number of times for a subscription.
public struct CallResponded: Codable, Hashable, Sendable {
    public var requestId: String
    /// The response envelope `{data, meta}`.
    public var output: JSONValue
    public var timestamp: Int64

    public init(requestId: String, output: JSONValue, timestamp: Int64) {
        self.requestId = requestId
        self.output = output
        self.timestamp = timestamp
    }
}

/// The natural end of a subscription, or an abort by either side.
public struct CallEnded: Codable, Hashable, Sendable {
    public var requestId: String
    /// In an abort: its provider shall say a last word when the work has ended, with what became of it. An answer that
    /// was there before is that word; a call that is not there is told as `NOT_FOUND`.
    public var wantsProof: Bool?
    public var timestamp: Int64

    public init(requestId: String, wantsProof: Bool? = nil, timestamp: Int64) {
        self.requestId = requestId
        self.wantsProof = wantsProof
        self.timestamp = timestamp
    }
}

/// A call ended with an error.
public struct CallFailed: Codable, Hashable, Sendable {
    public var requestId: String
    public var error: CallError
    public var timestamp: Int64

    public init(requestId: String, error: CallError, timestamp: Int64) {
        self.requestId = requestId
        self.error = error
        self.timestamp = timestamp
    }
}

/// A fault as it travels in a call, with whether the same call may succeed later.
public struct CallError: Codable, Hashable, Sendable {
    public var code: Fault.Code
    public var message: String
    public var details: JSONValue?
    public var retryable: Bool

    /// Bounded as a ``Fault`` is: what a provider says is passed on and stored.
    public init(code: Fault.Code, message: String, details: JSONValue? = nil, retryable: Bool) {
        self.init(Fault(code, message, details: details), retryable: retryable)
    }

    /// A fault as a provider tells it.
    public init(_ fault: Fault) {
        self.init(fault, retryable: [.unavailable, .rateLimited, .spokeDisconnected, .timeout].contains(fault.code))
    }

    private init(_ fault: Fault, retryable: Bool) {
        code = fault.code
        message = fault.message
        details = fault.details
        self.retryable = retryable
    }

    /// The same as whoever asked hears it.
    public var fault: Fault { Fault(code, message, details: details) }
}

/// How many more values of a subscription the consumer will take.
public struct CallCredit: Codable, Hashable, Sendable {
    public var requestId: String
    public var values: Int

    public init(requestId: String, values: Int) {
        self.requestId = requestId
        self.values = values
    }
}
