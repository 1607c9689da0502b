public import Foundation
public import Protocol

/// What an operation answered, encoded once.
public struct Answer: Sendable {
    /// The answer's `data` as JSON.
    public var data: [UInt8]
    public var operationId: String
    public var requestId: String
    public var timestamp: Date
    /// The spoke that answered; `nil` for the hub itself.
    public var provider: SpokeID?
    /// The same data as a value, where it came as one.
    public var tree: JSONValue?
    /// What its provider says of the answer: the members of `meta` besides those that the hub writes.
    public var origin: [String: JSONValue]

    public init(
        data: [UInt8],
        operationId: String,
        requestId: String,
        timestamp: Date = Date(),
        provider: SpokeID? = nil,
        tree: JSONValue? = nil,
        origin: [String: JSONValue] = [:]
    ) {
        self.data = data
        self.tree = tree
        self.operationId = operationId
        self.requestId = requestId
        self.timestamp = timestamp
        self.provider = provider
        self.origin = origin
    }

    /// The response envelope `{"data":…,"meta":…}` (calls.md) as JSON, put together without reading the data again.
    public var envelope: [UInt8] {
        var bytes: [UInt8] = []
        let meta = meta.serialized()
        bytes.reserveCapacity(data.count + meta.count + 24)
        bytes.append(contentsOf: "{\"data\":".utf8)
        bytes.append(contentsOf: data)
        bytes.append(contentsOf: ",\"meta\":".utf8)
        bytes.append(contentsOf: meta)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// The same as a value.
    public var output: JSONValue {
        get throws(Fault) {
            let value = if let tree { tree } else { try JSONValue(parsing: data) }
            return .object(["data": value, "meta": meta])
        }
    }

    /// Where the answer comes from: `source` `local`, `http` or `mcp`, and what belongs to it.
    public var meta: JSONValue {
        var members = origin
        members.reserveCapacity(origin.count + 5)
        members["source"] = members["source"] ?? "local"
        members["operationId"] = .string(operationId)
        members["requestId"] = .string(requestId)
        members["timestamp"] = .string(timestamp.wireText)
        if let provider { members["spokeId"] = .string(provider.rawValue) }
        return .object(members)
    }
}

/// One value of a subscription on its way to the consumer.
public struct StreamedValue: Sendable {
    /// Where a consumer that was cut off may go on from (`Last-Event-ID`).
    public var id: String?
    public var answer: Answer

    public init(id: String?, answer: Answer) {
        self.id = id
        self.answer = answer
    }
}

/// How a subscription's handler reaches its consumer.
public struct StreamWriter<Value: Encodable & Sendable>: Sendable {
    /// The id of the last value that the consumer has; the handler goes on behind it.
    public let lastEventId: String?
    private let deliver: @Sendable (StreamedValue) async throws(Fault) -> Void
    private let operationId: String
    private let requestId: String

    init(
        lastEventId: String?,
        operationId: String,
        requestId: String,
        deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) {
        self.lastEventId = lastEventId
        self.operationId = operationId
        self.requestId = requestId
        self.deliver = deliver
    }

    /// Hands one value over; suspends until the consumer has room for it, so that nothing piles up.
    ///
    /// - Throws: `ABORTED` when the consumer has left: the handler ends.
    public func send(_ value: Value, id: String? = nil) async throws(Fault) {
        let answer = Answer(data: WireCoder.bytes(of: value), operationId: operationId, requestId: requestId)
        try await deliver(StreamedValue(id: id, answer: answer))
    }
}
