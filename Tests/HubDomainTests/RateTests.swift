import HubCore
import Protocol
import Testing

struct RateTests {
    private static let rate = TokenBucket.Rate(perSecond: 10, burst: 3)

    @Test func aBurstPassesAndTheNextIsToldWhenToComeBack() {
        var bucket = TokenBucket(Self.rate, at: .zero)
        for _ in 0..<3 { #expect(bucket.take(at: .zero) == nil) }
        #expect(bucket.take(at: .zero) == .milliseconds(100))
        #expect(bucket.take(at: .zero + .milliseconds(100)) == nil)
        #expect(!bucket.isFull(at: .zero + .milliseconds(100)))
        #expect(bucket.isFull(at: .zero + .seconds(1)))
    }

    @Test func aClockThatRunsBackwardsFillsNothing() {
        var bucket = TokenBucket(Self.rate, at: .zero + .seconds(10))
        for _ in 0..<3 { _ = bucket.take(at: .zero + .seconds(10)) }
        #expect(bucket.take(at: .zero) != nil)
    }

    @Test func theTableForgetsThoseWhoLoseNothingByIt() {
        var table = RateTable(Self.rate, entriesMax: 2)
        #expect(table.take(for: "a", at: .zero) == nil)
        #expect(table.take(for: "b", at: .zero) == nil)
        #expect(table.take(for: "c", at: .zero + .seconds(60)) == nil)
        #expect(table.count == 1)
    }

    @Test func anAskerWithARateOfItsOwnIsMeteredByThat() {
        var table = RateTable(Self.rate)
        let slow = TokenBucket.Rate(perSecond: 1, burst: 1)
        #expect(table.take(for: "a", own: slow, at: .zero) == nil)
        #expect(table.take(for: "a", own: slow, at: .zero) == .seconds(1))
        #expect(table.take(for: "b", at: .zero) == nil)
        // The common rate again: what is missing fills at that rate, and what was saved is not more than fits.
        #expect(table.take(for: "a", at: .zero + .milliseconds(500)) == .milliseconds(50))
        #expect(table.take(for: "a", at: .zero + .milliseconds(550)) == nil)
        #expect(table.take(for: "b", own: slow, at: .zero + .seconds(60)) == nil)
        #expect(table.take(for: "b", own: slow, at: .zero + .seconds(60)) != nil)
        table.rate = slow
        #expect(table.take(for: "c", at: .zero) == nil)
        #expect(table.take(for: "c", at: .zero) == .seconds(1))
    }

    @Test func durationsAreReadAsPeopleWriteThem() {
        #expect(Duration(text: "500ms") == .milliseconds(500))
        #expect(Duration(text: "2s") == .seconds(2))
        #expect(Duration(text: "1.5m") == .seconds(90))
        #expect(Duration(text: "1h") == .seconds(3_600))
        #expect(Duration(text: "14d") == .seconds(14 * 86_400))
        for nonsense in ["", "s", "soon", "-1s", "2", "1e3s", "9999d", "2 s", "٢s"] {
            #expect(Duration(text: nonsense) == nil, "\(nonsense)")
        }
    }
}
