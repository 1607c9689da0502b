/// What came in one piece: a message or, in the first revision, a list of them.
public enum MCPIntake: Hashable, Sendable {
    case one(RPCMessage)
    case batch([RPCMessage])

    /// - Throws: `parseError` for what is not strict JSON, `invalidRequest` for what is no message.
    public init(parsing bytes: [UInt8], version: MCPVersion?) throws(RPCFailure) {
        let value: JSONValue
        do throws(Fault) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw RPCFailure(RPCFailure.parseError, error.message)
        }
        guard case .array(let elements) = value else {
            self = .one(try RPCMessage(value))
            return
        }
        guard version?.allowsBatches == true else {
            throw .invalid("Send one message at a time: this revision has no lists of messages.")
        }
        guard (1...Limits.mcpBatch).contains(elements.count) else {
            throw .invalid("A list holds 1 to \(Limits.mcpBatch) messages.")
        }
        var messages: [RPCMessage] = []
        for element in elements {
            let message = try RPCMessage(element)
            if case .request(let request) = message, request.method == "initialize" {
                throw .invalid("initialize comes by itself.", id: request.id)
            }
            messages.append(message)
        }
        self = .batch(messages)
    }
}
