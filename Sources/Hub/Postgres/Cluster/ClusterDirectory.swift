import Foundation
import Glibc
import Protocol

/// The files of a private cluster, and how its server and its clients name them.
///
///     DIRECTORY/data      what Postgres calls PGDATA, 0700, owned by the server's user
///     DIRECTORY/socket    its Unix socket, 0700, owned by the server's user
///     DIRECTORY/server.log
///
/// The server's user may not be allowed to walk to DIRECTORY (`mktemp -d` as root is 0700). So the two directories are
/// opened here and inherited: the server names them `/proc/self/fd/3` and `/proc/self/fd/4`, which asks nothing of
/// their parents. A socket whose path would be longer than an address allows lives in a directory under `/tmp` instead.
struct ClusterDirectory: Sendable {
    /// `sockaddr_un` holds 108 bytes with the final NUL.
    private static let socketPathMax = 107
    private static let socketName = "/.s.PGSQL.5432"

    let path: String
    let user: ClusterUser

    var data: String { path + "/data" }
    var log: String { path + "/server.log" }

    /// Where clients find the socket.
    var socket: String {
        let near = path + "/socket"
        guard near.utf8.count + Self.socketName.utf8.count > Self.socketPathMax else { return near }
        return "/tmp/nave-\(user.user)-\(Self.digest(path))"
    }

    /// Whether `initdb` was here and finished.
    var isInitialised: Bool { FileManager.default.fileExists(atPath: data + "/PG_VERSION") }

    /// The major version that wrote the cluster.
    var major: Int? {
        // An unreadable file is a cluster that is not there; starting it will say more.
        guard let text = try? String(contentsOfFile: data + "/PG_VERSION", encoding: .utf8) else { return nil }
        return Int(text.split(whereSeparator: { !$0.isNumber }).first ?? "")
    }

    /// The process that `postmaster.pid` names, if it is alive and works in this very directory.
    var runningServer: pid_t? {
        // No file, no server.
        guard let text = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8),
            let pid = text.split(separator: "\n").first.flatMap({ pid_t($0) }), works(pid)
        else { return nil }
        return pid
    }

    /// Every process that works in the data directory: the server and its backends.
    var processes: [pid_t] {
        // A process that ends while we look is not there.
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.filter(works)
    }

    /// Makes what is missing.
    func create() throws(Fault) {
        try make(path, mode: 0o755, isOurs: true)
        try make(path + "/socket", mode: 0o700, isOurs: false)
        if socket != path + "/socket" { try make(socket, mode: 0o700, isOurs: false) }
    }

    /// An empty directory for `initdb`, which is renamed to `data` when it is done: a cluster is whole or not there.
    func createNursery() throws(Fault) -> String {
        let nursery = path + "/data.new"
        // What an interrupted attempt left behind; nothing there is as good.
        try? FileManager.default.removeItem(atPath: nursery)
        try make(nursery, mode: 0o700, isOurs: false)
        return nursery
    }

    func adoptNursery() throws(Fault) {
        guard rename(path + "/data.new", data) == 0 else { throw trouble("rename data.new to data in", path) }
    }

    /// Removes the socket's directory if it is not one of ours: nobody else would, once the cluster is gone.
    func removeFarSocket() {
        // Fails, and may, while a socket is in it.
        if socket != path + "/socket" { rmdir(socket) }
    }

    /// Opens a directory or the log for a child; the caller closes it.
    func open(_ path: String, isLog: Bool = false) throws(Fault) -> Int32 {
        let descriptor =
            isLog
            ? Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
            : Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw trouble("open", path) }
        return descriptor
    }

    /// Working directory and program cannot be forged by a process that merely got the same number.
    private func works(_ pid: pid_t) -> Bool {
        guard let there = identity("/proc/\(pid)/cwd"), let here = identity(data), there == here,
            let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
        else { return false }  // Not ours to look at means not ours.
        return program.contains("/postgres")
    }

    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t
    }

    private func identity(_ path: String) -> Identity? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Identity(device: facts.st_dev, inode: facts.st_ino)
    }

    /// A directory under `/tmp` may have been put there by somebody else: it must be a real one and the server's.
    private func make(_ path: String, mode: mode_t, isOurs: Bool) throws(Fault) {
        if mkdir(path, mode) == 0 {
            guard isOurs || !user.isOther || lchown(path, user.user, user.group) == 0 else {
                throw trouble("hand over", path)
            }
        } else if errno == ENOENT {
            try makeParents(path)
            return try make(path, mode: mode, isOurs: isOurs)
        } else if errno != EEXIST {
            throw trouble("create", path)
        }
        var facts = stat()
        guard lstat(path, &facts) == 0 else { throw trouble("look at", path) }
        guard facts.st_mode & S_IFMT == S_IFDIR, isOurs || facts.st_uid == user.user else {
            throw Fault(.unavailable, "“\(path)” is not a directory of Postgres' user; remove it.")
        }
    }

    private func makeParents(_ path: String) throws(Fault) {
        do {
            try FileManager.default.createDirectory(
                atPath: URL(filePath: path).deletingLastPathComponent().path,
                withIntermediateDirectories: true
            )
        } catch {
            throw trouble("create the parents of", path)
        }
    }

    private func trouble(_ verb: String, _ path: String) -> Fault {
        let reason = String(cString: strerror(errno))
        return Fault(.unavailable, "Postgres' files: cannot \(verb) “\(path)” (\(reason)); free or allow it.")
    }

    /// FNV-1a, 64 bits: short, the same at every start, and nothing depends on it being hard to forge.
    private static func digest(_ text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
