/// Text envelopes `{"type","id"?,"payload"}`: what is frequent by hand, what is rare through Foundation.
enum EnvelopeCodec {
    static func encode(_ message: LinkMessage) -> [UInt8] {
        switch message {
        case .hello(let hello): rare(.hello, hello)
        case .welcome(let welcome): rare(.welcome, welcome)
        case .refused(let refused): rare(.refused, refused)
        case .goodbye(let goodbye): rare(.goodbye, goodbye)
        case .heartbeat(let beat): envelope(.heartbeat) { beat.write(into: &$0) }
        case .heartbeatAcknowledged(let answer): envelope(.heartbeatAcknowledged) { answer.write(into: &$0) }
        case .operations(let offer): rare(.operations, offer)
        case .operationsTaken(let taken): rare(.operationsTaken, taken)
        case .acknowledged(let position):
            envelope(position.stream == .journal ? .journalAcknowledged : .commandsAcknowledged) {
                position.write(into: &$0)
            }
        case .rewind(let rewind): envelope(.rewind, id: rewind.stream.rawValue) { rewind.write(into: &$0) }
        case .callRequested(let call): envelope(.callRequested, id: call.requestId) { call.write(into: &$0) }
        case .callResponded(let answer): envelope(.callResponded, id: answer.requestId) { answer.write(into: &$0) }
        case .callCompleted(let end): envelope(.callCompleted, id: end.requestId) { end.write(into: &$0) }
        case .callAborted(let end): envelope(.callAborted, id: end.requestId) { end.write(into: &$0) }
        case .callFailed(let failure): envelope(.callFailed, id: failure.requestId) { failure.write(into: &$0) }
        case .callCredit(let credit): envelope(.callCredit, id: credit.requestId) { credit.write(into: &$0) }
        case .unknown(let unknown):
            envelope(.unknown) { $0.object { $0.member("unknownType", unknown.unknownType) } }
        case .append: preconditionFailure("Batches travel as binary frames.")
        }
    }

    private static func envelope(
        _ type: MessageType,
        id: String? = nil,
        payload: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("type", type.rawValue)
            $0.member("id", id)
            $0.key("payload")
            payload(&$0)
        }
        return writer.bytes
    }

    private static func rare(_ type: MessageType, _ payload: some Encodable) -> [UInt8] {
        envelope(type) { $0.raw(WireCoder.bytes(of: payload)) }
    }
}

// MARK: - Reading

extension EnvelopeCodec {
    static func decode(_ bytes: [UInt8]) throws(JSONProblem) -> FrameCodec.Decoded {
        var scanner = JSONScanner(bytes)
        var type: String?
        var message: LinkMessage?
        var waiting: JSONScanner?
        try scanner.object { scanner, key throws(JSONProblem) in
            switch key {
            case "type": type = try scanner.string()
            case "id": _ = try scanner.optional { scanner throws(JSONProblem) in try scanner.string() }
            case "payload":
                // Peers write the type first; one that does not costs a second look.
                if let known = type.flatMap(MessageType.init) {
                    message = try payload(known, from: &scanner)
                } else {
                    waiting = scanner
                    try scanner.skip()
                }
            default: try scanner.skip()
            }
        }
        try scanner.end()
        guard let type else { throw scanner.problem(.missing("type")) }
        guard let known = MessageType(rawValue: type) else {
            return .unrecognized(type: String(type.prefix(Limits.recordTypeBytes)))
        }
        if let message { return .message(message) }
        guard var waiting else { throw scanner.problem(.missing("payload")) }
        return .message(try payload(known, from: &waiting))
    }

    private static func payload(
        _ type: MessageType,
        from scanner: inout JSONScanner
    ) throws(JSONProblem) -> LinkMessage {
        switch type {
        case .hello: .hello(try rare(from: &scanner))
        case .welcome: .welcome(try rare(from: &scanner))
        case .refused: .refused(try rare(from: &scanner))
        case .goodbye: .goodbye(try rare(from: &scanner))
        case .heartbeat: .heartbeat(try LinkHeartbeat(from: &scanner))
        case .heartbeatAcknowledged: .heartbeatAcknowledged(try LinkHeartbeatAcknowledged(from: &scanner))
        case .operations: .operations(try rare(from: &scanner))
        case .operationsTaken: .operationsTaken(try rare(from: &scanner))
        case .journalAcknowledged: .acknowledged(try StreamPosition(.journal, from: &scanner))
        case .commandsAcknowledged: .acknowledged(try StreamPosition(.commands, from: &scanner))
        case .rewind: .rewind(try StreamRewind(from: &scanner))
        case .callRequested: .callRequested(try CallRequested(from: &scanner))
        case .callResponded: .callResponded(try CallResponded(from: &scanner))
        case .callCompleted: .callCompleted(try CallEnded(from: &scanner))
        case .callAborted: .callAborted(try CallEnded(from: &scanner))
        case .callFailed: .callFailed(try CallFailed(from: &scanner))
        case .callCredit: .callCredit(try CallCredit(from: &scanner))
        case .unknown: .unknown(try UnknownMessage(from: &scanner))
        }
    }

    /// Foundation reads it, but only what the scanner found to be strict JSON.
    private static func rare<Payload: Decodable>(
        from scanner: inout JSONScanner
    ) throws(JSONProblem) -> Payload {
        _ = scanner.peek()
        let start = scanner.index
        try scanner.skip()
        do throws(Fault) {
            return try WireCoder.value(from: scanner.bytes[start..<scanner.index])
        } catch {
            throw scanner.problem(.unfit("is not what its type says: \(error.message)"))
        }
    }
}
