import Foundation
public import Protocol

/// Control groups for sessions, where this spoke may make them: a cgroup v2 tree in which its own group is writable, as
/// under root or with systemd's `Delegate=yes`. They make "stopped means stopped" one stroke; everywhere else the
/// supervisor's own sweep does the same with more steps.
public struct Cgroups: Sendable {
    /// The spoke's own group, below which sessions get theirs.
    public let directory: String

    /// The spoke's own group if sessions can have groups in it, otherwise `nil`.
    public static func find() -> Cgroups? {
        guard let own = ownPath(), let mount = mountPoint() else { return nil }
        let directory = own == "/" ? mount : mount + own
        let probe = "\(directory)/nave-probe-\(getpid())"
        guard access("\(directory)/cgroup.procs", W_OK) == 0, mkdir(probe, 0o755) == 0 else { return nil }
        defer { rmdir(probe) }
        // Kernels before 5.14 have no such file: then the sweep is the better way altogether.
        guard access("\(probe)/cgroup.kill", W_OK) == 0 else { return nil }
        return Cgroups(directory: directory)
    }

    /// Makes a session's group; answers its directory, or `nil` where it is not possible after all.
    public func make(for session: SessionID) -> String? {
        let name = SessionFolder(root: directory, id: session).path.split(separator: "/").last ?? ""
        let group = "\(directory)/nave-\(name)"
        return mkdir(group, 0o755) == 0 || errno == EEXIST ? group : nil
    }

    /// Removes a session's group and those that its processes made in it. One that is not empty stays.
    public static func remove(_ group: String) {
        // Only directories can be removed there; the kernel's files go with them.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: group)) ?? []
        for name in names {
            var status = stat()
            if stat("\(group)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR {
                remove("\(group)/\(name)")
            }
        }
        rmdir(group)
    }

    /// Kills every process of a group.
    static func kill(_ group: String) {
        let file = open("\(group)/cgroup.kill", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, "1", 1)
        close(file)
    }

    /// The path of this process within the v2 hierarchy: the line `0::/…`.
    private static func ownPath() -> String? {
        // No such file: no control groups.
        let text = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    }

    /// Where the v2 hierarchy is mounted: `/sys/fs/cgroup`, or `…/unified` beside the old one.
    private static func mountPoint() -> String? {
        // No such file: no /proc, and no control groups to be found.
        let text = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") {
            let halves = line.components(separatedBy: " - ")
            guard halves.count == 2, halves[1].hasPrefix("cgroup2 ") else { continue }
            let fields = halves[0].split(separator: " ")
            if fields.count > 4 { return String(fields[4]) }
        }
        return nil
    }
}
