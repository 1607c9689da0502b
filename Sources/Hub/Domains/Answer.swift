public import Foundation
public import Protocol

/// What an operation answered, encoded once.
public struct Answer: Sendable {
    /// The answer's `data` as JSON.
    public var data: [UInt8]
    public var operationId: String
    public var requestId: String
    public var timestamp: Date

    public init(data: [UInt8], operationId: String, requestId: String, timestamp: Date = Date()) {
        self.data = data
        self.operationId = operationId
        self.requestId = requestId
        self.timestamp = timestamp
    }

    /// The response envelope `{"data":…,"meta":…}` (calls.md) as JSON, put together without reading the data again.
    public var envelope: [UInt8] {
        let meta = WireCoder.bytes(
            of: AnswerMeta(source: "local", operationId: operationId, requestId: requestId, timestamp: timestamp)
        )
        return Array("{\"data\":".utf8) + data + Array(",\"meta\":".utf8) + meta + Array("}".utf8)
    }
}

/// Where an answer comes from.
public struct AnswerMeta: Codable, Hashable, Sendable {
    public var source: String
    public var operationId: String
    public var requestId: String
    public var timestamp: Date
}

/// One value of a subscription on its way to the consumer.
public struct StreamedValue: Sendable {
    /// Where a consumer that was cut off may go on from (`Last-Event-ID`).
    public var id: String?
    public var answer: Answer
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
