import Foundation
import Protocol
import SpokeCore

/// Sees whether silent sessions are at work: between two samples, how much processor time their processes used, and
/// what they wrote. A session that prints says so itself, and a sleeping one is told of once.
struct SessionSampler {
    /// A running session: its leader, and how much it has printed.
    struct Subject: Sendable {
        var sessionId: SessionID
        var fence: Int64
        var pid: Int32
        var printedBytes: Int64
    }

    private struct Seen {
        var pid: Int32
        var printedBytes: Int64
        var sum: ProcessSum
        var at: ContinuousClock.Instant
        /// The hub knows that it sleeps.
        var isToldAsleep = false
    }

    private var seen: [SessionID: Seen] = [:]

    /// What the hub is to be told; for the first look at a session that is nothing.
    mutating func sample(
        _ subjects: [Subject],
        at now: ContinuousClock.Instant = .now,
        readings: () -> [ProcessReading] = Self.readings
    ) -> [SessionSampled] {
        let former = seen
        seen = [:]
        guard !subjects.isEmpty else { return [] }
        let sums = ProcessReading.sums(of: Set(subjects.map(\.pid)), in: readings())
        return subjects.compactMap { subject in
            let sum = sums[subject.pid] ?? ProcessSum()
            var next = Seen(pid: subject.pid, printedBytes: subject.printedBytes, sum: sum, at: now)
            defer { seen[subject.sessionId] = next }
            guard let last = former[subject.sessionId], last.pid == subject.pid else { return nil }
            guard last.printedBytes == subject.printedBytes else { return nil }
            let growth = sum.since(last.sum)
            let seconds = max(0.001, Double((now - last.at).milliseconds) / 1_000)
            let processor = Double(growth.ticks) / Self.ticksPerSecond
            let isAsleep = processor / seconds < Self.asleepShare && growth.writtenBytes == 0
            next.isToldAsleep = isAsleep
            if isAsleep, last.isToldAsleep { return nil }
            return SessionSampled(
                sessionId: subject.sessionId,
                fence: subject.fence,
                seconds: seconds,
                processorSeconds: processor,
                writtenBytes: growth.writtenBytes
            )
        }
    }

    /// Less than this share of one processor is nothing worth telling.
    private static let asleepShare = 0.01

    private static let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))

    /// Every process of the machine that this user may see.
    static func readings() -> [ProcessReading] {
        // No /proc: nothing is known of processes, and nothing is said of them.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            // A process may be gone by now, or be somebody else's.
            guard name.first?.isNumber == true,
                let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8)
            else { return nil }
            let io = (try? String(contentsOfFile: "/proc/\(name)/io", encoding: .utf8)) ?? ""
            return ProcessReading(stat: stat, io: io)
        }
    }
}
