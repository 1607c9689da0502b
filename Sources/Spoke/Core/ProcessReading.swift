/// What the kernel counts for one process: from `/proc/PID/stat` and `/proc/PID/io` (proc(5)).
public struct ProcessReading: Hashable, Sendable {
    public var pid: Int32
    public var parent: Int32
    /// The process session (setsid(2)) that it is in.
    public var session: Int32
    /// Processor time in clock ticks, with that of children that ended and were waited for.
    public var ticks: Int64
    /// Bytes that it sent to storage.
    public var writtenBytes: Int64

    /// - Parameters:
    ///   - stat: The one line of `stat`; anything else is `nil`. The name in it may hold any character.
    ///   - io: The lines of `io`; empty where it may not be read.
    public init?(stat: String, io: String = "") {
        guard let open = stat.firstIndex(of: " "), let pid = Int32(stat[..<open]),
            let close = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: close)...].split(whereSeparator: \.isWhitespace)
        // Behind the name: 0 state, 1 parent, 2 group, 3 session, 11 utime, 12 stime, 13 cutime, 14 cstime.
        guard fields.count > 14, let parent = Int32(fields[1]), let session = Int32(fields[3]) else { return nil }
        self.pid = pid
        self.parent = parent
        self.session = session
        ticks = fields[11...14].reduce(0) { $0 + (Int64($1) ?? 0) }
        let written = io.split(separator: "\n").first { $0.hasPrefix("write_bytes: ") }
        writtenBytes = written.flatMap { Int64($0.dropFirst("write_bytes: ".count)) } ?? 0
    }

    /// What each leader's processes took together: its descendants, and whoever is in its process session.
    public static func sums(of leaders: Set<Int32>, in readings: [ProcessReading]) -> [Int32: ProcessSum] {
        let parents = Dictionary(readings.map { ($0.pid, $0.parent) }, uniquingKeysWith: { first, _ in first })
        var sums: [Int32: ProcessSum] = [:]
        for reading in readings {
            guard let leader = leader(of: reading, leaders, parents) else { continue }
            sums[leader, default: ProcessSum()].ticks += reading.ticks
            sums[leader, default: ProcessSum()].writtenBytes += reading.writtenBytes
        }
        return sums
    }

    private static func leader(of reading: ProcessReading, _ leaders: Set<Int32>, _ parents: [Int32: Int32]) -> Int32? {
        if leaders.contains(reading.session) { return reading.session }
        var (pid, steps) = (reading.pid, 0)
        // Readings are not of one instant: a chain of parents may even run in a circle.
        while steps < parents.count {
            if leaders.contains(pid) { return pid }
            guard let parent = parents[pid], parent > 1 else { return nil }
            (pid, steps) = (parent, steps + 1)
        }
        return nil
    }
}

/// What the processes of a session took together.
public struct ProcessSum: Hashable, Sendable {
    public var ticks: Int64 = 0
    public var writtenBytes: Int64 = 0

    public init() {}

    /// What came since an earlier sum. Processes that end take what they took with them: never less than nothing.
    public func since(_ earlier: ProcessSum) -> ProcessSum {
        var growth = ProcessSum()
        growth.ticks = max(0, ticks - earlier.ticks)
        growth.writtenBytes = max(0, writtenBytes - earlier.writtenBytes)
        return growth
    }
}
