import Protocol
import Testing

/// Streams of server-sent events, cut anywhere.
@Suite struct ServerSentEventTests {
    private static let text =
        "\u{FEFF}: hello\n\nid: 1\nretry: 250\ndata:\n\ndata: {\"a\":1}\r\ndata:  b\r\nid: 2\r\n\r\n"
        + "event: end\rdata\r\revent: named\n\nid: 3\nunknown: x\n\nretry: soon\nid: a\u{0}b\ndata: last\n\n"
        + "data: cut off"

    @Test func eventsAreTheSameWhereverTheReadsEnd() throws {
        var wanted: [ServerSentEvent] = []
        for (name, data, id) in [
            ("message", "", "1"), ("message", "{\"a\":1}\n b", "2"), ("end", "", nil), ("named", "", nil),
            ("message", "last", nil),
        ] as [(String, String, String?)] {
            wanted.append(ServerSentEvent(name: name, data: data, id: id))
        }
        let bytes = Array(Self.text.utf8)
        for size in [1, 2, 3, 7, bytes.count] {
            var parser = ServerSentEventParser(longest: 100)
            var events: [ServerSentEvent] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += try parser.feed(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(events == wanted, "in pieces of \(size)")
            #expect(parser.lastEventId == "3" && parser.retryMilliseconds == 250)
        }
    }

    @Test func anEventHasABound() throws {
        var line = ServerSentEventParser(longest: 100)
        #expect(throws: Fault.self) { try line.feed(Array(repeating: UInt8(ascii: "x"), count: 101)) }
        var lines = ServerSentEventParser(longest: 100)
        let piece = Array("data: 0123456789012345\n".utf8)
        for _ in 0..<4 { #expect(try lines.feed(piece).isEmpty) }
        #expect(throws: Fault.self) { try lines.feed(piece) }
        // Many events are no long one.
        var many = ServerSentEventParser(longest: 100)
        for _ in 0..<50 { #expect(try many.feed(piece + Array("\n".utf8)).count == 1) }
    }
}
