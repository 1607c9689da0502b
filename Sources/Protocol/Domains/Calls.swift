public import Foundation

/// How far a call has come.
public enum CallStatus: String, Codable, CaseIterable, Hashable, Sendable {
    /// Known and not yet handed to whoever answers.
    case pending
    case running
    case completed
    case failed
    case aborted

    /// Nothing follows.
    public var isOver: Bool { self != .pending && self != .running }
}

/// What ties two calls together.
public enum CallEdgeType: String, Codable, CaseIterable, Hashable, Sendable {
    /// The earlier call caused the later one.
    case triggered
    /// The later call was declared to need the earlier one. Looked at by people and programs, acted on by nobody.
    case dependsOn = "depends_on"
}

/// What becomes of the calls below one that is aborted.
public enum AbortPolicy: String, Codable, CaseIterable, Hashable, Sendable {
    /// All that are not over, deepest first, then the call itself.
    case abortDependents
    /// Only those that were not handed to anyone yet.
    case continueRunning
}

/// One call as the hub remembers it: a node of the call graph.
public struct CallRecord: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "id": "The node's id; later calls have greater ones.",
        "requestId": "By which the call is asked for; its audit entry and log lines have the same.",
        "operationId": "namespace.name; the name as it was, if the operation is gone.",
        "parentRequestId": "The call within which it was made, as its caller said.",
        "identity": "Who asked, as the hub resolved it.",
        "identity.id": "The account's, spoke's or session's id.",
        "identity.scopes": "What they might do.",
        "identity.resources": "Actions that they might take on single resources.",
        "callerAccountId": "The account that answers for it.",
        "providerType": "Who answered: the hub itself, a spoke or a client.",
        "providerId": "Which one.",
        "sessionId": "The session that asked.",
        "status": "How far it has come.",
        "input": "What was asked; absent in lists, and if it was too large to keep or an answer with a secret.",
        "inputDigest": "SHA-256 of an input that was too large to keep.",
        "inputBytes": "The size of an input that was too large to keep.",
        "output": "What was answered; absent in lists, for subscriptions, and like the input.",
        "outputDigest": "SHA-256 of an output that was too large to keep.",
        "outputBytes": "The size of an output that was too large to keep.",
        "secret": "True where neither input nor output is kept because the answer is a secret.",
        "values": "How many values a subscription delivered.",
        "error": "Why it failed or was aborted.",
        "error.code": "The fault's kind.",
        "error.message": "What to do about it.",
        "error.details": "More for programs.",
        "idempotencyKey": "The key under which a mutation may be repeated.",
        "deadline": "Until when its caller waits.",
        "traceparent": "The trace that it belongs to.",
        "createdAt": "When it came in.",
        "startedAt": "When it was handed to whoever answers.",
        "completedAt": "When it was over.",
        "updatedAt": "When its record last changed.",
    ]

    public var id: CallID
    public var requestId: String
    public var operationId: String
    public var parentRequestId: String?
    public var identity: Identity
    public var callerAccountId: AccountID?
    public var providerType: ProviderType?
    public var providerId: String?
    public var sessionId: SessionID?
    public var status: CallStatus
    public var input: JSONValue?
    public var inputDigest: String?
    public var inputBytes: Int?
    public var output: JSONValue?
    public var outputDigest: String?
    public var outputBytes: Int?
    public var secret: Bool?
    public var values: Int?
    public var error: Fault?
    public var idempotencyKey: String?
    public var deadline: Date?
    public var traceparent: String?
    public var createdAt: Date
    public var startedAt: Date?
    public var completedAt: Date?
    public var updatedAt: Date

    public init(
        id: CallID,
        requestId: String,
        operationId: String,
        parentRequestId: String? = nil,
        identity: Identity,
        callerAccountId: AccountID? = nil,
        providerType: ProviderType? = nil,
        providerId: String? = nil,
        sessionId: SessionID? = nil,
        status: CallStatus,
        input: JSONValue? = nil,
        inputDigest: String? = nil,
        inputBytes: Int? = nil,
        output: JSONValue? = nil,
        outputDigest: String? = nil,
        outputBytes: Int? = nil,
        secret: Bool? = nil,
        values: Int? = nil,
        error: Fault? = nil,
        idempotencyKey: String? = nil,
        deadline: Date? = nil,
        traceparent: String? = nil,
        createdAt: Date,
        startedAt: Date? = nil,
        completedAt: Date? = nil,
        updatedAt: Date
    ) {
        self.id = id
        self.requestId = requestId
        self.operationId = operationId
        self.parentRequestId = parentRequestId
        self.identity = identity
        self.callerAccountId = callerAccountId
        self.providerType = providerType
        self.providerId = providerId
        self.sessionId = sessionId
        self.status = status
        self.input = input
        self.inputDigest = inputDigest
        self.inputBytes = inputBytes
        self.output = output
        self.outputDigest = outputDigest
        self.outputBytes = outputBytes
        self.secret = secret
        self.values = values
        self.error = error
        self.idempotencyKey = idempotencyKey
        self.deadline = deadline
        self.traceparent = traceparent
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.updatedAt = updatedAt
    }
}

/// A call in a tree.
public struct CallBranch: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "call": "The call, without input and output.",
        "depth": "How many calls it is below the root; 0 for the root.",
    ]
    public var call: CallRecord
    public var depth: Int

    public init(call: CallRecord, depth: Int) {
        self.call = call
        self.depth = depth
    }
}

/// A call in short: what an abort reaches.
public struct CallReference: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "requestId": "The call.",
        "operationId": "What was called.",
        "status": "How far it has come.",
        "depth": "How many calls it is below the one that was asked about.",
    ]
    public var requestId: String
    public var operationId: String
    public var status: CallStatus
    public var depth: Int

    public init(requestId: String, operationId: String, status: CallStatus, depth: Int) {
        self.requestId = requestId
        self.operationId = operationId
        self.status = status
        self.depth = depth
    }
}

/// How long the calls of one operation took.
public struct CallLatency: Codable, Hashable, Sendable, Described {
    public static let fields = [
        "operationId": "The operation.",
        "calls": "Calls that were over in the window.",
        "failures": "Those of them that failed or were aborted.",
        "p50Milliseconds": "Half of them took no longer.",
        "p90Milliseconds": "Nine of ten took no longer.",
        "p99Milliseconds": "Ninety-nine of a hundred took no longer.",
        "longestMilliseconds": "The slowest.",
    ]
    public var operationId: String
    public var calls: Int
    public var failures: Int
    public var p50Milliseconds: Double
    public var p90Milliseconds: Double
    public var p99Milliseconds: Double
    public var longestMilliseconds: Double

    public init(
        operationId: String,
        calls: Int,
        failures: Int,
        p50Milliseconds: Double,
        p90Milliseconds: Double,
        p99Milliseconds: Double,
        longestMilliseconds: Double
    ) {
        self.operationId = operationId
        self.calls = calls
        self.failures = failures
        self.p50Milliseconds = p50Milliseconds
        self.p90Milliseconds = p90Milliseconds
        self.p99Milliseconds = p99Milliseconds
        self.longestMilliseconds = longestMilliseconds
    }
}
