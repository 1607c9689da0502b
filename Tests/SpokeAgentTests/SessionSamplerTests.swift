import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Whether a session that says nothing is at work, as the kernel's counters tell.
struct SessionSamplerTests {
    private static func reading(_ pid: Int32, parent: Int32, session: Int32, ticks: Int64, written: Int64 = 0)
        -> ProcessReading?
    {
        ProcessReading(
            stat: "\(pid) (a) b (c)) S \(parent) 1 \(session) 0 -1 4194560 1 2 3 4 \(ticks) 0 0 0 20 0 1 0 77 1 1",
            io: "rchar: 9\nwrite_bytes: \(written)\ncancelled_write_bytes: 5\n"
        )
    }

    @Test func aLineOfProcIsReadWhateverTheProcessIsCalled() throws {
        let reading = try #require(Self.reading(7, parent: 5, session: 6, ticks: 12, written: 4_096))
        #expect((reading.pid, reading.parent, reading.session) == (7, 5, 6))
        #expect((reading.ticks, reading.writtenBytes) == (12, 4_096))
        for text in ["", "7", "7 (sh", "7 (sh) S 1", "x (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"] {
            #expect(ProcessReading(stat: text) == nil, "“\(text)”")
        }
    }

    @Test func aSessionsProcessesAreItsDescendantsAndItsProcessSession() {
        let readings = [
            Self.reading(10, parent: 2, session: 10, ticks: 1), Self.reading(11, parent: 10, session: 10, ticks: 2),
            // One that made a session of its own, one whose parent is gone, a stranger, and two in a circle.
            Self.reading(12, parent: 11, session: 12, ticks: 4), Self.reading(13, parent: 1, session: 10, ticks: 8),
            Self.reading(14, parent: 2, session: 2, ticks: 16), Self.reading(15, parent: 16, session: 15, ticks: 32),
            Self.reading(16, parent: 15, session: 15, ticks: 64), Self.reading(20, parent: 2, session: 20, ticks: 128),
        ].compactMap { $0 }
        #expect(ProcessReading.sums(of: [10, 20, 30], in: readings).mapValues(\.ticks) == [10: 15, 20: 128])
    }

    @Test func onlyWhatIsSilentIsToldAndSleepOnce() {
        var sampler = SessionSampler()
        var now = ContinuousClock.now
        func sample(printed: Int64, ticks: Int64, written: Int64 = 0) -> [SessionSampled] {
            now += .seconds(30)
            let subject = SessionSampler.Subject(sessionId: "s", fence: 2, pid: 10, printedBytes: printed)
            return sampler.sample([subject], at: now) {
                [Self.reading(10, parent: 2, session: 10, ticks: ticks, written: written)].compactMap { $0 }
            }
        }
        #expect(sample(printed: 0, ticks: 100).isEmpty, "there is nothing to compare with")
        let working = sample(printed: 0, ticks: 1_600)
        #expect(working.map(\.processorSeconds) == [15])
        #expect(working.map(\.seconds) == [30])
        #expect(working.map(\.fence) == [2])
        #expect(sample(printed: 5, ticks: 3_000).isEmpty, "it prints")
        #expect(sample(printed: 5, ticks: 3_001).map(\.processorSeconds) == [0.01])
        #expect(sample(printed: 5, ticks: 3_002).isEmpty, "it sleeps, as was told")
        #expect(sample(printed: 5, ticks: 3_002, written: 512).map(\.writtenBytes) == [512])
        #expect(sample(printed: 5, ticks: 10, written: 512).map(\.processorSeconds) == [0], "children ended")
        #expect(sampler.sample([], at: now).isEmpty)
    }

    @Test func aRealProcessAtWorkIsSeen() async throws {
        let stage = try ProcessesStage()
        let process = try await stage.start(shell: "while :; do :; done")
        var sampler = SessionSampler()
        let subject = SessionSampler.Subject(sessionId: "s1", fence: 1, pid: process.pid, printedBytes: 0)
        var seen = 0.0
        let deadline = ContinuousClock.now + .seconds(60)
        while seen < 0.05, ContinuousClock.now < deadline {
            seen += sampler.sample([subject]).map(\.processorSeconds).reduce(0, +)
            await Task.yield()
        }
        #expect(seen >= 0.05)
        _ = try await process.stop(grace: .milliseconds(100))
    }
}
