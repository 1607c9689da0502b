import Protocol

/// What an operation of this spoke knows of a call besides its input.
struct SpokeCall: Sendable {
    let requestId: String
    /// Who asks, as the hub resolved it; the spoke's policy outranks it either way.
    var identity: Identity?
    /// The session that asks, where one does: the hub has found out that it is the one.
    var session: SessionID?
    /// The trace that the call belongs to (W3C trace context); handed on to processes.
    var traceparent: String?
    /// Calls under way over this link.
    var callsUnderWay = 1

    /// Whether whoever asks may see what belongs to any organisation. Where nobody is named, nobody may.
    var overseesOrganizations: Bool { identity?.overseesOrganizations ?? false }
}

/// What an operation answered, with where it came from (calls.md).
struct SpokeAnswer: Sendable {
    var data: JSONValue
    /// More than `source`, `operationId`, `requestId` and `timestamp`, which every answer has.
    var meta: [String: JSONValue] = ["source": "local"]
}

/// How a subscription's handler reaches its consumer.
struct SpokeWriter<Value: Encodable & Sendable>: Sendable {
    let deliver: @Sendable (SpokeAnswer) async throws(Fault) -> Void

    /// Hands one value over; suspends until the consumer has room for it.
    ///
    /// - Throws: `ABORTED` when the consumer has left.
    func send(_ value: Value) async throws(Fault) {
        try await deliver(SpokeAnswer(data: try JSONValue(answering: value)))
    }
}

extension JSONValue {
    /// A value of ours as JSON, by the scanner that reads the wire.
    init(answering value: some Encodable) throws(Fault) { try self.init(parsing: WireCoder.bytes(of: value)) }
}
