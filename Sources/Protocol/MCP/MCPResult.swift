import Foundation

/// Results as a model reads them: text for its eyes, the same as JSON for programs, both bounded.
enum MCPResult {
    /// What an operation answered, as the result of a tool. `wrapped` puts it under `data`.
    static func answer(_ data: [UInt8], wrapped: Bool) throws(Fault) -> JSONValue {
        guard data.count <= Limits.mcpResultBytes else { return cut(data) }
        let value = try JSONValue(parsing: data)
        return result(String(decoding: data, as: UTF8.self), wrapped ? ["data": value] : value)
    }

    /// The values of a subscription and why there are no more.
    static func values(_ gathered: MCPGathered) -> JSONValue {
        var members: [String: JSONValue] = [
            "values": .array(gathered.values), "count": .integer(Int64(gathered.count)),
            "complete": .bool(gathered.stopped == nil),
        ]
        if gathered.leftOut > 0 { members["leftOut"] = .integer(Int64(gathered.leftOut)) }
        members["last"] = gathered.last
        if let stopped = gathered.stopped { members["stopped"] = .string(stopped.rawValue) }
        if let last = gathered.lastEventId { members["lastEventId"] = .string(last) }
        let structured = JSONValue.object(members)
        return result(String(decoding: structured.serialized(), as: UTF8.self), structured)
    }

    /// An operation's error: the model reads what to do about it, a program branches on `error.code`.
    static func failure(_ fault: Fault, after values: [JSONValue] = []) -> JSONValue {
        var structured: [String: JSONValue] = ["error": fault.json]
        if !values.isEmpty { structured["values"] = .array(values) }
        var text = "\(fault.code.rawValue): \(fault.message)"
        if let details = fault.details { text += " " + String(decoding: details.serialized(), as: UTF8.self) }
        return [
            "content": [["type": "text", "text": .string(prefix(of: Array(text.utf8)))]],
            "structuredContent": .object(structured), "isError": true,
        ]
    }

    /// A session's output as the contents of a resource: text where it is, base64 where it is not.
    static func contents(_ output: MCPOutput, uri: String) -> JSONValue {
        var members: [String: JSONValue] = ["uri": .string(uri)]
        if let text = String(validatingUTF8: output.bytes) {
            members["mimeType"] = "text/plain"
            members["text"] = .string(text)
        } else {
            members["mimeType"] = "application/octet-stream"
            members["blob"] = .string(Data(output.bytes).base64EncodedString())
        }
        members["_meta"] = [
            "complete": .bool(output.isOver && !output.isCut), "nextOffset": .integer(output.nextOffset),
            "dropped": .integer(output.dropped),
        ]
        return ["contents": [.object(members)]]
    }

    private static func result(_ text: String, _ structured: JSONValue) -> JSONValue {
        var members: [String: JSONValue] = ["content": [["type": "text", "text": .string(text)]]]
        // Structured content is an object in all revisions that are spoken here.
        if case .object = structured { members["structuredContent"] = structured }
        return .object(members)
    }

    /// What is too large for a model: its beginning, and that there is more.
    private static func cut(_ data: [UInt8]) -> JSONValue {
        let note = "\n… cut: the answer has \(data.count) bytes; ask for less at a time."
        return result(prefix(of: data) + note, ["truncated": true, "bytes": .integer(Int64(data.count))])
    }

    /// The beginning of a text, whole characters only.
    static func prefix(of bytes: [UInt8], max: Int = Limits.mcpCutBytes) -> String {
        guard bytes.count > max else { return String(decoding: bytes, as: UTF8.self) }
        // A byte of the form 10xxxxxx goes on with a character that began before it.
        var end = max
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}

extension Fault {
    /// `{"code", "message", "details"?}`.
    var json: JSONValue {
        var members: [String: JSONValue] = ["code": .string(code.rawValue), "message": .string(message)]
        members["details"] = details
        return .object(members)
    }
}

extension String {
    /// The text, if the bytes are all of it.
    fileprivate init?(validatingUTF8 bytes: [UInt8]) {
        guard let text = String(bytes: bytes, encoding: .utf8) else { return nil }
        self = text
    }
}
