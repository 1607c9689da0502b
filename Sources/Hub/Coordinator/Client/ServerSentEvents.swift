/// One event of a stream (WHATWG HTML, “Server-sent events”, section 9.2).
struct ServerSentEvent: Hashable {
    var name = "message"
    var data = ""
    var id: String?
}

/// Cuts a stream of bytes into events, wherever the borders of the reads fall.
struct ServerSentEventParser {
    private var line: [UInt8] = []
    private var event = ServerSentEvent()
    private var hasData = false

    /// Takes in bytes and answers the events that they complete.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let complete = take(String(decoding: line, as: UTF8.self)) { events.append(complete) }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func take(_ text: String) -> ServerSentEvent? {
        guard !text.isEmpty else {
            defer { (event, hasData) = (ServerSentEvent(), false) }
            return hasData || event.name != "message" ? event : nil
        }
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return nil }
        let value = text[text.index(after: colon)...].drop { $0 == " " }
        switch text[..<colon] {
        case "event": event.name = String(value)
        case "id": event.id = String(value)
        case "data":
            event.data += hasData ? "\n\(value)" : String(value)
            hasData = true
        default: break
        }
        return nil
    }
}
