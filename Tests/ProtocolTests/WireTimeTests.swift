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

    @Test func everyDayIsWrittenAsFoundationWritesIt() {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        // Eight thousand years, in steps that meet every month and many leap days, at changing times of day.
        for step in 0..<40_000 as Range<Int64> {
            let date = Date(milliseconds: -11_600_000_000_000 + step * 6_466_666_667)
            let rounded = Date(timeIntervalSince1970: date.timeIntervalSince1970 + 0.000_25)
            #expect(date.wireText == rounded.formatted(style))
        }
        #expect(Date(milliseconds: 253_402_300_799_999).wireText == "9999-12-31T23:59:59.999Z")
    }
}
