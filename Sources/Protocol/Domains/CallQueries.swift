public import Foundation

/// One call with all that is kept of it.
public struct GetCall: RemoteOperation {
    public static let name = "call.get"
    public static let kind = OperationKind.query
    public static let summary = "One call: who asked what of whom, and what came of it."
    public static let access = AccessControl.scopes("call:read")
    public static let examples = [GetCall(requestId: "0b9c6a1e-5f0e-4d59-9a8e-1f6d5f1b2c3d")]
    public static let fields = ["requestId": "The call's request id, as its answer's meta has it, or its node's id."]
    public typealias Output = CallRecord

    public var requestId: String

    public init(requestId: String) { self.requestId = requestId }
}

/// Calls, newest first.
public struct ListCalls: RemoteOperation {
    public static let name = "call.list"
    public static let kind = OperationKind.query
    public static let summary = "Calls, newest first: one's own account's, or everyone's for holders of call:admin."
    public static let access = AccessControl.scopes("call:read")
    public static let examples = [ListCalls(operation: "coord.spawn", status: .failed, limit: 20)]
    public static let fields = [
        "operation": "Only calls of this operation.",
        "status": "Only those that have come this far.",
        "accountId": "Only those of this account.",
        "sessionId": "Only those made by this session.",
        "since": "Only those that came in at this time or later.",
        "until": "Only those that came in before this time.",
        "limit": "At most this many, 1 to 500; 100 if absent.",
        "cursor": "Goes on where an earlier answer's nextCursor points.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "calls": "One entry per call, without input and output.",
            "nextCursor": "Where the next page begins; absent on the last.",
        ]
        public var calls: [CallRecord]
        public var nextCursor: String?

        public init(calls: [CallRecord], nextCursor: String?) {
            self.calls = calls
            self.nextCursor = nextCursor
        }
    }

    public var operation: String?
    public var status: CallStatus?
    public var accountId: AccountID?
    public var sessionId: SessionID?
    public var since: Date?
    public var until: Date?
    public var limit: Int?
    public var cursor: String?

    public init(
        operation: String? = nil,
        status: CallStatus? = nil,
        accountId: AccountID? = nil,
        sessionId: SessionID? = nil,
        since: Date? = nil,
        until: Date? = nil,
        limit: Int? = nil,
        cursor: String? = nil
    ) {
        self.operation = operation
        self.status = status
        self.accountId = accountId
        self.sessionId = sessionId
        self.since = since
        self.until = until
        self.limit = limit
        self.cursor = cursor
    }
}

/// A call and everything that it triggered.
public struct GetCallTree: RemoteOperation {
    public static let name = "call.tree"
    public static let kind = OperationKind.query
    public static let summary = "A call and every call that it triggered, each below its parent."
    public static let access = AccessControl.scopes("call:read")
    public static let examples = [GetCallTree(requestId: "0b9c6a1e-5f0e-4d59-9a8e-1f6d5f1b2c3d")]
    public static let fields = [
        "requestId": "The call at the root, by request id or node id.",
        "limit": "At most this many calls, 1 to 1000; 1000 if absent. Those nearest to the root come first.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "calls": "The root first; after each call the calls that it triggered, in the order in which they came in.",
            "truncated": "Whether there are more than were asked for.",
        ]
        public var calls: [CallBranch]
        public var truncated: Bool

        public init(calls: [CallBranch], truncated: Bool) {
            self.calls = calls
            self.truncated = truncated
        }
    }

    public var requestId: String
    public var limit: Int?

    public init(requestId: String, limit: Int? = nil) {
        self.requestId = requestId
        self.limit = limit
    }
}

/// How a call came to be made, and what it was declared to depend on.
public struct GetCallLineage: RemoteOperation {
    public static let name = "call.lineage"
    public static let kind = OperationKind.query
    public static let summary =
        "The calls that led to a call, from the first to the call itself, and what it depends on."
    public static let access = AccessControl.scopes("call:read")
    public static let examples = [GetCallLineage(requestId: "0b9c6a1e-5f0e-4d59-9a8e-1f6d5f1b2c3d")]
    public static let fields = ["requestId": "The call, by request id or node id."]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "calls": "From the first call down to the one asked about, without input and output.",
            "dependsOn": "Calls that it was declared to depend on, in the order in which they came in.",
            "truncated": "Whether either list has more than 1000, of which the nearest and the first are shown.",
        ]
        public var calls: [CallRecord]
        public var dependsOn: [CallRecord]
        public var truncated: Bool

        public init(calls: [CallRecord], dependsOn: [CallRecord], truncated: Bool) {
            self.calls = calls
            self.dependsOn = dependsOn
            self.truncated = truncated
        }
    }

    public var requestId: String

    public init(requestId: String) { self.requestId = requestId }
}

/// How long calls take.
public struct GetCallLatency: RemoteOperation {
    public static let name = "call.latency"
    public static let kind = OperationKind.query
    public static let summary =
        "How long calls took, by operation, over a window that ends now; subscriptions are left out."
    public static let access = AccessControl.scopes("call:read")
    public static let examples = [GetCallLatency(), GetCallLatency(operation: "project.list", windowSeconds: 600)]
    public static let fields = [
        "operation": "Only this operation.",
        "windowSeconds": "How far back to look, 1 to 604800 seconds; 3600 if absent.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "operations": "One entry per operation that was called, the most called first, 1000 at most.",
            "truncated": "Whether more were called than are listed; ask for one of them by name.",
        ]
        public var operations: [CallLatency]
        public var truncated: Bool

        public init(operations: [CallLatency], truncated: Bool) {
            self.operations = operations
            self.truncated = truncated
        }
    }

    public var operation: String?
    public var windowSeconds: Int?

    public init(operation: String? = nil, windowSeconds: Int? = nil) {
        self.operation = operation
        self.windowSeconds = windowSeconds
    }
}

/// What an abort would reach.
public struct PreviewAbort: RemoteOperation {
    public static let name = "call.preview"
    public static let kind = OperationKind.query
    public static let summary = "The calls that call.abort would reach, without aborting any."
    public static let access = AccessControl.scopes("call:read")
    public static let examples = [PreviewAbort(requestId: "0b9c6a1e-5f0e-4d59-9a8e-1f6d5f1b2c3d")]
    public static let fields = AbortCalls.fields

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = ["calls": "In the order in which they would be aborted; empty for an unknown call."]
        public var calls: [CallReference]

        public init(calls: [CallReference]) { self.calls = calls }
    }

    public var requestId: String
    public var policy: AbortPolicy?

    public init(requestId: String, policy: AbortPolicy? = nil) {
        self.requestId = requestId
        self.policy = policy
    }
}

/// Aborts a call and what it triggered.
public struct AbortCalls: RemoteOperation {
    public static let name = "call.abort"
    public static let kind = OperationKind.mutation
    public static let summary = "Aborts a call that is not over, and the calls below it as the policy says."
    public static let access = AccessControl.scopes("call:write")
    public static let examples = [
        AbortCalls(requestId: "0b9c6a1e-5f0e-4d59-9a8e-1f6d5f1b2c3d", policy: .continueRunning)
    ]
    public static let fields = [
        "requestId": "The call, by request id or node id.",
        "policy":
            "abortDependents (if absent): all below it that are not over, too; continueRunning: only what is still "
            + "pending, the call itself included.",
    ]

    public struct Output: Codable, Hashable, Sendable, Described {
        public static let fields = [
            "aborted": "The request ids of the calls that were aborted, in order; maybe none.",
            "calls": "What became of each of them, in the same order; their nodes tell it, too (error.details).",
        ]
        public var aborted: [String]
        public var calls: [CallStop]

        public init(calls: [CallStop]) {
            self.calls = calls.sorted { $0.requestId < $1.requestId }
            aborted = self.calls.map(\.requestId)
        }
    }

    public var requestId: String
    public var policy: AbortPolicy?

    public init(requestId: String, policy: AbortPolicy? = nil) {
        self.requestId = requestId
        self.policy = policy
    }
}

/// Declares what a call depends on.
public struct DependCall: RemoteOperation {
    public static let name = "call.depend"
    public static let kind = OperationKind.mutation
    public static let summary =
        "Declares that a call depends on earlier ones; shown in its lineage, acted on by nobody."
    public static let access = AccessControl.scopes("call:write")
    public static let examples = [DependCall(requestId: "spawn-2", dependsOn: ["spawn-1"])]
    public static let fields = [
        "requestId": "The call that depends.",
        "dependsOn": "Request ids of 1 to 100 calls that came in before it.",
    ]
    public typealias Output = Done

    public var requestId: String
    public var dependsOn: [String]

    public init(requestId: String, dependsOn: [String]) {
        self.requestId = requestId
        self.dependsOn = dependsOn
    }
}
