import HubCore
import Protocol
import Testing

/// MCP sessions are bounded in number and idleness, and nobody uses another's.
struct MCPSessionBookTests {
    private static let bounds = MCPSessionBook.Bounds(sessions: 3, perOwner: 2, idle: .seconds(60))

    private static func at(_ seconds: Int64) -> Moment { .zero + .seconds(seconds) }

    @Test func aSessionIsItsOwnersOnly() {
        var book = MCPSessionBook(Self.bounds)
        #expect(book.open("a", for: "anna", at: .zero).isEmpty)
        let uses = [book.use("a", by: "anna", at: .zero), book.use("a", by: "ben", at: .zero)]
        #expect(uses == [true, false])
        let closes = [book.close("a", by: "ben"), book.close("a", by: "anna"), book.close("a", by: "anna")]
        #expect(closes == [false, true, false])
        #expect(book.count == 0)
    }

    @Test func anIdleSessionEnds() {
        var book = MCPSessionBook(Self.bounds)
        _ = book.open("a", for: "anna", at: .zero)
        _ = book.open("b", for: "anna", at: .zero)
        let used = book.use("a", by: "anna", at: Self.at(50))
        #expect(used)
        #expect(book.expire(at: Self.at(70)) == ["b"])
        let late = book.use("a", by: "anna", at: Self.at(110))
        #expect(!late)
    }

    @Test func theLeastRecentlyUsedMakesRoomTheOwnersOwnFirst() {
        var book = MCPSessionBook(Self.bounds)
        _ = book.open("b", for: "ben", at: Self.at(0))
        _ = book.open("a1", for: "anna", at: Self.at(1))
        _ = book.open("a2", for: "anna", at: Self.at(2))
        #expect(book.open("a3", for: "anna", at: Self.at(3)) == ["a1"])
        #expect(book.open("c", for: "carl", at: Self.at(4)) == ["b"])
        #expect(book.count == 3)
    }
}
