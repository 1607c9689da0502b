import Foundation
import GRDB
import Protocol
import Testing

@testable import SpokeAgent

struct JournalGapTests {
    private static let tight = JournalLimits(softBytes: 30_000, hardBytes: 40_000, keepAfterDrop: 0.8, ballastBytes: 0)

    @Test func theOldestUnsentOutputGoesAndOneGapPerStreamSaysSo() async throws {
        let scratch = try Scratch()
        var journal = try await scratch.open(Self.tight)
        for index in 0..<200 {
            try await journal.append(output: chunk([UInt8](repeating: 97, count: 500), at: Int64(index) * 500))
            if index % 20 == 0 { try await journal.append([note("\(index)")]) }
        }
        #expect(await journal.state.bytes <= 40_000 + 1_000)
        #expect(try await journal.database.verify().outcome == .complete)
        try await journal.close()
        journal = try await scratch.open(Self.tight)
        #expect(try await journal.database.verify().gaps.count == 1)
        var hub = FakeLedger()
        try await hub.drain(journal)
        let key = OutputKey(sessionId: "s", fence: 1, stream: .stdout)
        #expect(try await journal.finish(output: key) == hub.ends[key])
        #expect(hub.records.filter { $0.type == "output.gap" }.count == 1)
        #expect(try hub.alerts().filter { $0.kind == "test" }.count == 10)
        #expect(hub.output[key]?.last == 97)
        #expect(hub.output[key]?.first == .some(nil))
        // Nothing is left, so file and wire count alike again.
        let next = try await journal.append([note("after")])
        try await hub.drain(journal)
        #expect(hub.mark == next)
    }

    @Test func theSoftLimitIsToldOfOncePerCrossing() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open(Self.tight)
        var hub = FakeLedger()
        for _ in 0..<2 {
            for index in 0..<120 { try await journal.append([note(String(repeating: "x", count: 200) + "\(index)")]) }
            try await hub.drain(journal)
            try await journal.append([note("low")])
        }
        #expect(try hub.alerts().filter { $0.kind == "journal.soft_limit" }.count == 2)
    }

    @Test func stateIsNeverRefusedAndSentOutputNeverChanged() async throws {
        let scratch = try Scratch()
        let journal = try await scratch.open(Self.tight)
        for index in 0..<70 {
            try await journal.append(output: chunk([UInt8](repeating: 98, count: 500), at: Int64(index) * 500))
        }
        var hub = FakeLedger()
        try await hub.drain(journal, acknowledging: false)
        for index in 70..<120 {
            try await journal.append(output: chunk([UInt8](repeating: 98, count: 500), at: Int64(index) * 500))
        }
        for index in 0..<50 { try await journal.append([note("\(index)")]) }
        #expect(await journal.state.bytes < 60_000)
        try await hub.drain(journal)
        #expect(hub.ends[OutputKey(sessionId: "s", fence: 1, stream: .stdout)]?.bytes == 60_000)
        #expect(try await journal.database.verify().outcome == .complete)
    }

    /// Everything that may happen between a spoke and a hub, in any order: the hub, which checks every number and
    /// hash, must always get a whole story.
    @Test func anyOrderOfAppendingSendingCrashingAndResumingKeepsTheChainWhole() async throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var generator = SeededGenerator(state: seed)
            let limits = JournalLimits(softBytes: 15_000, hardBytes: 20_000, keepAfterDrop: 0.7, ballastBytes: 0)
            let scratch = try Scratch()
            var journal = try await scratch.open(limits)
            var (hub, written) = (FakeLedger(), [OutputKey: [UInt8]]())
            for _ in 0..<150 {
                switch Int.random(in: 0..<20, using: &generator) {
                case 0..<12:
                    let key = OutputKey(
                        sessionId: SessionID("s\(Int.random(in: 0..<2, using: &generator))"),
                        fence: 1,
                        stream: Bool.random(using: &generator) ? .stdout : .stderr
                    )
                    let bytes = (0..<Int.random(in: 1...900, using: &generator)).map { UInt8(truncatingIfNeeded: $0) }
                    try await journal.append(
                        output: chunk(
                            bytes,
                            at: Int64(written[key]?.count ?? 0),
                            session: key.sessionId,
                            stream: key.stream
                        )
                    )
                    written[key, default: []] += bytes
                case 12..<15: try await journal.append([note("state")])
                case 15:
                    let batch = try await journal.records(after: hub.mark.seq, maxRecords: 7)
                    // Half of what is sent is lost on its way.
                    if Bool.random(using: &generator) { try hub.apply(batch) }
                case 16: try await journal.acknowledged(upTo: hub.mark)
                case 17: #expect(try await journal.resume(from: hub.mark) == hub.mark)
                case 18:
                    try await journal.close()
                    journal = try await scratch.open(limits)
                default: #expect(try await journal.database.verify().outcome == .complete, "seed \(seed)")
                }
            }
            #expect(try await journal.resume(from: hub.mark) == hub.mark)
            try await hub.drain(journal)
            for (key, bytes) in written {
                let output = try #require(hub.output[key])
                #expect(output.count == bytes.count)
                #expect(zip(output, bytes).allSatisfy { $0 == nil || $0 == $1 }, "seed \(seed)")
                #expect(try await journal.finish(output: key) == hub.ends[key])
            }
        }
    }
}
