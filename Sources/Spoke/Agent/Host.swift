import Foundation
public import Protocol
import Subprocess
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Readings of the machine that a spoke runs on.
public enum Host {
    /// What the hub is told once per connection.
    public static func info(dataDirectory: String) async -> HostInfo {
        HostInfo(
            os: operatingSystem,
            arch: architecture,
            cpus: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: Int64(clamping: ProcessInfo.processInfo.physicalMemory),
            diskFreeBytes: disk(at: dataDirectory)?.freeBytes ?? 0,
            gitVersion: await gitVersion() ?? "",
            spokeVersion: Release.version
        )
    }

    /// What the hub is told with every heartbeat.
    public static func load(dataDirectory: String) -> HostLoad {
        var averages = [Double](repeating: 0, count: 3)
        getloadavg(&averages, 3)
        let cpus = Double(max(ProcessInfo.processInfo.activeProcessorCount, 1))
        return HostLoad(
            cpu: averages[0] / cpus,
            memory: memoryInUse() ?? 0,
            disk: disk(at: dataDirectory).map { 1 - $0.freeShare } ?? 0
        )
    }

    /// Room on the file system that holds a path.
    public struct Disk: Sendable {
        public var freeBytes: Int64
        public var totalBytes: Int64
        public var freeShare: Double { totalBytes == 0 ? 1 : Double(freeBytes) / Double(totalBytes) }
    }

    /// `nil` if the path does not exist.
    public static func disk(at path: String) -> Disk? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let block = Int64(status.f_frsize)
        return Disk(freeBytes: Int64(status.f_bavail) * block, totalBytes: Int64(status.f_blocks) * block)
    }

    /// Changes with every start of the machine; empty where the system does not tell.
    public static func bootId() -> String {
        // Only Linux has this file; elsewhere every start of the spoke looks like the same boot.
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }

    /// The machine's own name, as a spoke's default name.
    public static func name() -> String {
        let name = ProcessInfo.processInfo.hostName
        return name.split(separator: ".").first.map(String.init) ?? "spoke"
    }

    /// Minutes since midnight by the machine's own clock and time zone.
    static func minuteOfDay() -> Int {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        return Int(parts.tm_hour) * 60 + Int(parts.tm_min)
    }

    private static func memoryInUse() -> Double? {
        // Only Linux has this file; elsewhere the share of memory in use is not told.
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
        var sizes: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == ":" || $0 == " " })
            if words.count >= 2 { sizes[words[0]] = Double(words[1]) }
        }
        guard let total = sizes["MemTotal"], let available = sizes["MemAvailable"], total > 0 else { return nil }
        return 1 - available / total
    }

    private static func gitVersion() async -> String? {
        // No git is a fact that `spoke doctor` reports; here it is an empty version.
        let result = try? await run(
            .name("git"),
            arguments: ["--version"],
            output: .string(limit: 256),
            error: .discarded
        )
        return result?.standardOutput.split(separator: " ").last.map {
            $0.trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    private static var operatingSystem: String {
        #if os(Linux)
            "linux"
        #elseif os(macOS)
            "macos"
        #else
            "unknown"
        #endif
    }

    private static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown"
        #endif
    }
}
