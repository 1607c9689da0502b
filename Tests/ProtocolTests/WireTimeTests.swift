import Foundation
import Protocol
import Testing

/// Times on the wire are whole milliseconds, and stay the ones they were.
struct WireTimeTests {
    @Test func everyMillisecondComesBackAsItself() {
        for step in 0..<4_000 as Range<Int64> {
            let date = Date(milliseconds: 1_700_000_000_000 + step * 7_919)
            #expect(Date(wireText: date.wireText) == date)
        }
    }

    @Test func aTimeIsWrittenToTheMillisecond() {
        #expect(Date(milliseconds: 1_700_000_007_919).wireText == "2023-11-14T22:13:27.919Z")
        #expect(Date(milliseconds: 0).wireText == "1970-01-01T00:00:00.000Z")
        #expect(Date(milliseconds: -1).wireText == "1969-12-31T23:59:59.999Z")
    }
}
