import Foundation
import Protocol

/// A session whose supervisor is gone without having written an end: killed, or ended with the machine. Its leader was
/// killed with the supervisor (`start.c`); what can still be found of its tree is ended here.
struct LostSession {
    let folder: SessionFolder

    /// Ends what is left and says how the session ended.
    func end() -> ProcessEnd {
        var history = folder.history()
        // The supervisor had the last word after all.
        if let end = history.end(of: folder.program) { return end }
        let swept = sweep(history.leader)
        folder.refresh(&history)
        var end = history.end(reason: .lost, at: Date(), sizes: folder.sizes, command: folder.program)
        end.ended += swept
        end.swept += swept.filter { $0.pid != history.leader?.pid }
        return end
    }

    /// Kills the leader's process session. Its number cannot have been given to others while any of it lives, and a
    /// leader of that number with another start is somebody else's. After a reboot nothing is left to look for.
    private func sweep(_ leader: (pid: Int32, startTime: UInt64, bootId: String)?) -> [ProcessRecord] {
        guard let leader, leader.bootId == ProcessTable.bootId else { return [] }
        if let cgroup = folder.cgroup { Cgroups.kill(cgroup) }
        if let now = ProcessTable.startTime(of: leader.pid), now != leader.startTime { return [] }
        let members = ProcessTable.members(ofSession: leader.pid)
        for member in members { kill(member.pid, SIGKILL) }
        return members
    }
}

/// The few facts about processes that the agent reads from `/proc` itself.
enum ProcessTable {
    /// This boot's id; pids and start times of another mean nothing.
    static var bootId: String {
        text("/proc/sys/kernel/random/boot_id").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Field 22 of `/proc/PID/stat`: clock ticks from boot to the process's start.
    static func startTime(of pid: Int32) -> UInt64? {
        let fields = statFields(pid)
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// Whether a process lives. A zombie does not.
    static func isAlive(_ pid: Int32) -> Bool {
        let fields = statFields(pid)
        return !fields.isEmpty && fields[0] != "Z" && fields[0] != "X"
    }

    /// The living processes of one process session.
    static func members(ofSession session: Int32) -> [ProcessRecord] {
        // Without /proc there is nothing to be found and nothing to be said.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { pid in
            let fields = statFields(pid)
            guard fields.count > 3, fields[3] == "\(session)", fields[0] != "Z" else { return nil }
            let words = text("/proc/\(pid)/cmdline").split(separator: "\0")
            return ProcessRecord(pid: pid, command: words.joined(separator: " "))
        }
    }

    /// What follows the name in `/proc/PID/stat`, from the state on.
    private static func statFields(_ pid: Int32) -> [Substring] {
        let stat = text("/proc/\(pid)/stat")
        guard let name = stat.lastIndex(of: ")") else { return [] }
        return stat[stat.index(after: name)...].split(separator: " ")
    }

    private static func text(_ path: String) -> String {
        // A process that went meanwhile has nothing to tell.
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
