import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What the kernel says of this process (proc(5)).
struct ProcessFigures: Hashable, Sendable {
    var cpuSeconds: Double
    var residentBytes: Double
    var openDescriptors: Double
    var threads: Double
    /// Seconds since 1970.
    var startedAt: Double

    /// `nil` where there is no /proc.
    static func now() -> ProcessFigures? {
        guard let stat = text("/proc/self/stat"), let system = text("/proc/stat") else { return nil }
        // Counting descriptors fails only without /proc.
        let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        return ProcessFigures(
            stat: stat,
            system: system,
            openDescriptors: descriptors ?? 0,
            ticks: Double(max(1, sysconf(Int32(_SC_CLK_TCK)))),
            pageBytes: Double(max(1, sysconf(Int32(_SC_PAGESIZE))))
        )
    }

    /// Reads /proc/self/stat and the boot time of /proc/stat.
    init?(stat: String, system: String, openDescriptors: Int, ticks: Double, pageBytes: Double) {
        // The second field is the program's name in parentheses, and may hold anything.
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ").map { Double($0) ?? 0 }
        let boot = system.split(separator: "\n").first { $0.hasPrefix("btime ") }?.dropFirst(6)
        guard fields.count > 21, let boot = boot.flatMap({ Double($0) }) else { return nil }
        cpuSeconds = (fields[11] + fields[12]) / ticks
        residentBytes = fields[21] * pageBytes
        self.openDescriptors = Double(openDescriptors)
        threads = fields[17]
        startedAt = boot + fields[19] / ticks
    }

    private static func text(_ path: String) -> String? {
        // No such file means another system.
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
