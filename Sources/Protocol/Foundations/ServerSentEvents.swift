/// One event of a stream of server-sent events (WHATWG HTML, 9.2).
public struct ServerSentEvent: Hashable, Sendable {
    /// What its `event:` line says; `message` without one.
    public var name: String
    /// Its `data:` lines, with line feeds between them.
    public var data: String
    /// What its own `id:` line says.
    public var id: String?

    public init(name: String = "message", data: String = "", id: String? = nil) {
        (self.name, self.data, self.id) = (name, data, id)
    }
}

/// Cuts a stream of bytes into events, wherever the borders of the reads fall (WHATWG HTML, 9.2.5 and 9.2.6).
public struct ServerSentEventParser: Sendable {
    /// The last id that was heard, also of an event without data: what `Last-Event-ID` says to go on from here.
    public private(set) var lastEventId: String?
    /// How long the server wants its consumer to wait before it comes back, in milliseconds.
    public private(set) var retryMilliseconds: Int?

    private var line: [UInt8] = []
    private var event = ServerSentEvent()
    private var hasData = false
    private var held = 0
    private var isBehindReturn = false
    private var isFirstLine = true
    private let longest: Int

    /// - Parameter longest: bytes that one event, or one line, may have.
    public init(longest: Int) { self.longest = longest }

    /// Takes in bytes and answers the events that they complete: those with data, and those with a name.
    ///
    /// - Throws: `TOO_LARGE` for an event that is longer than allowed; nothing is to be fed after that.
    public mutating func feed(_ bytes: some Sequence<UInt8>) throws(Fault) -> [ServerSentEvent] {
        let bytes = Array(bytes)
        var events: [ServerSentEvent] = []
        var start = 0
        while start < bytes.count {
            let end = Self.end(of: bytes, from: start)
            defer { start = end + 1 }
            if start < end {
                line += bytes[start..<end]
                isBehindReturn = false
                guard held + line.count <= longest else {
                    throw Fault(.tooLarge, "An event of the stream is longer than \(longest) bytes.")
                }
            }
            guard end < bytes.count else { break }
            // A line ends with CR, LF or both.
            if bytes[end] == UInt8(ascii: "\n"), isBehindReturn {
                isBehindReturn = false
                continue
            }
            isBehindReturn = bytes[end] == UInt8(ascii: "\r")
            if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
            isFirstLine = false
            held += line.count
            if let complete = take(String(decoding: line, as: UTF8.self)) { events.append(complete) }
            line.removeAll(keepingCapacity: line.capacity <= 65_536)
        }
        return events
    }

    /// Where the line ends that begins there; behind the bytes if it goes on.
    private static func end(of bytes: [UInt8], from start: Int) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            var place = start
            while place < bytes.count, bytes[place] != 0x0A, bytes[place] != 0x0D { place += 1 }
            return place
        }
    }

    private mutating func take(_ text: String) -> ServerSentEvent? {
        guard !text.isEmpty else {
            defer { (event, hasData, held) = (ServerSentEvent(), false, 0) }
            return hasData || event.name != "message" ? event : nil
        }
        let colon = text.firstIndex(of: ":")
        guard colon != text.startIndex else { return nil }
        var value = colon.map { text[text.index(after: $0)...] } ?? ""
        if value.first == " " { value.removeFirst() }
        switch text[..<(colon ?? text.endIndex)] {
        case "event": event.name = String(value)
        case "id":
            guard !value.utf8.contains(0) else { break }
            event.id = String(value)
            lastEventId = event.id
        case "data":
            event.data += hasData ? "\n\(value)" : String(value)
            hasData = true
        case "retry": if !value.isEmpty, value.allSatisfy(\.isNumber) { retryMilliseconds = Int(value) }
        default: break
        }
        return nil
    }
}
