import Foundation
public import Postgres
public import Protocol

extension CallStatus: Bindable, ColumnDecodable, ArrayElement {}

extension CallRecord: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        let facts: JSONValue = try row["metadata"]
        self.init(
            id: try row["id"],
            requestId: try row["request_id"],
            operationId: try row["operation_id"],
            parentRequestId: try row["parent_request_id"],
            identity: try row.json("identity"),
            callerAccountId: try row["caller_account_id"],
            providerType: try row["provider_type"],
            providerId: try row["provider_id"],
            sessionId: try row["session_id"],
            status: try row["status"],
            input: try row["input"],
            inputDigest: facts["inputDigest"]?.stringValue,
            inputBytes: facts["inputBytes"]?.integerValue.map(Int.init),
            output: try row["output"],
            outputDigest: facts["outputDigest"]?.stringValue,
            outputBytes: facts["outputBytes"]?.integerValue.map(Int.init),
            secret: facts["secret"] == true ? true : nil,
            values: facts["values"]?.integerValue.map(Int.init),
            error: try row.json("error"),
            idempotencyKey: try row["idempotency_key"],
            deadline: try row["deadline"],
            traceparent: facts["traceparent"]?.stringValue,
            createdAt: try row["created_at"],
            startedAt: try row["started_at"],
            completedAt: try row["completed_at"],
            updatedAt: try row["updated_at"]
        )
    }
}

/// A call and where it hangs below the one that was asked about.
struct CallPlace: RowDecodable {
    var id: CallID
    /// The one above it; `nil` for the one that was asked about.
    var parent: CallID?
    var requestId: String
    var operationId: String
    var status: CallStatus
    var hub: HubID?

    init(_ row: Row) throws(Fault) {
        id = try row["id"]
        parent = try row["parent_id"]
        requestId = try row["request_id"]
        operationId = try row["operation_id"]
        status = try row["status"]
        hub = try row["hub_id"]
    }
}

struct AbortedCall: RowDecodable {
    var id: CallID
    var requestId: String
    var operationId: String
    /// Whether it had been handed to whoever answers it.
    var wasRunning: Bool

    init(_ row: Row) throws(Fault) {
        id = try row["id"]
        requestId = try row["request_id"]
        operationId = try row["operation_id"]
        wasRunning = try row["was_running"]
    }
}

/// What a node tells of the end of an aborted call.
struct ProvenCall: RowDecodable {
    var id: CallID
    var stop: CallStop

    init(_ row: Row) throws(Fault) {
        id = try row["id"]
        stop = try row.json("stop")
    }
}

extension CallLatency: RowDecodable {
    public init(_ row: Row) throws(Fault) {
        self.init(
            operationId: try row["operation_id"],
            calls: try row["calls"],
            failures: try row["failures"],
            p50Milliseconds: try row["p50"],
            p90Milliseconds: try row["p90"],
            p99Milliseconds: try row["p99"],
            longestMilliseconds: try row["longest"]
        )
    }
}
