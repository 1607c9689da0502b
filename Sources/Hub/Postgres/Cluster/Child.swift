import CPostgres
import Foundation
import Glibc
import Protocol

/// Starts a program as a given user, with a chosen few open files, apart from our own session.
enum Child {
    /// Where inherited directories are found by the program: `/proc/self/fd/3`, and so on. Right after the standard
    /// streams, so that no number is left between them under which a file of ours could go along: sockets are opened
    /// by libraries that do not mark them, and a server that outlives its starter would keep the starter's port.
    static let firstDescriptor: Int32 = 3

    /// Starts a program. It has its own session, so that a terminal's Ctrl-C does not reach it, default signals, and no
    /// open files but the log as output and `inherited`, which it sees as 3, 4, ….
    static func start(
        _ program: String,
        _ arguments: [String],
        as user: ClusterUser,
        log: Int32,
        inherited: [Int32]
    ) throws(Fault) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, log, 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)
        var sources: [Int32] = []
        defer { for descriptor in sources { close(descriptor) } }
        for descriptor in inherited { sources.append(try beyondTargets(descriptor, inherited.count)) }
        for (index, descriptor) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, firstDescriptor + Int32(index))
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, firstDescriptor + Int32(inherited.count))
        // A directory that everybody may enter: Postgres wants to come back to where it began.
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID, a GNU macro that Swift does not see.
        let newSession: Int32 = 0x80
        posix_spawnattr_setflags(
            &attributes,
            Int16(newSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF))
        )
        return try spawn(user.command(program, arguments), &actions, &attributes)
    }

    /// The same file under a number that is nobody's target: putting one in its place must not overwrite the next.
    private static func beyondTargets(_ descriptor: Int32, _ count: Int) throws(Fault) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, firstDescriptor + Int32(count))
        guard copy >= 0 else {
            throw Fault(
                .unavailable,
                "No file can be opened for Postgres (errno \(errno)); raise the limit of open files."
            )
        }
        return copy
    }

    private static func spawn(
        _ command: [String],
        _ actions: inout posix_spawn_file_actions_t,
        _ attributes: inout posix_spawnattr_t
    ) throws(Fault) -> pid_t {
        // Only what Postgres needs: PGDATA, PGPORT and the like of our environment are not for it.
        let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"]
        let argv = command.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, command[0], &actions, &attributes, argv, envp)
        guard code == 0 else {
            throw Fault(.execution, "“\(command[0])” cannot be started (errno \(code)); install it.")
        }
        return pid
    }

    /// Whether a process is gone; takes in its exit if it is our child. `nil` while it runs.
    static func exitStatus(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        let reaped = waitpid(pid, &status, WNOHANG)
        if reaped == pid { return status }
        if reaped == 0 { return nil }
        // Not our child: it runs for as long as a signal could be sent.
        return kill(pid, 0) == 0 || errno == EPERM ? nil : 0
    }

    /// What a short command prints; for asking a program its version. Foundation's `Process` waits in a run loop, which
    /// an asynchronous caller may not have.
    static func output(of program: String, _ arguments: [String]) throws -> String {
        let pipe = Pipe()
        let ourselves = ClusterUser(user: geteuid(), group: getegid(), isOther: false)
        let end = pipe.fileHandleForWriting
        let pid = try start(program, arguments, as: ourselves, log: end.fileDescriptor, inherited: [])
        try end.close()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return String(decoding: data, as: UTF8.self)
    }
}

/// Who runs the server. Postgres refuses to run as root: then it is the system's `postgres` user.
struct ClusterUser: Sendable, Hashable {
    let user: uid_t
    let group: gid_t
    /// Whether we are root and must become that user.
    let isOther: Bool

    static func current() throws(Fault) -> ClusterUser {
        guard geteuid() == 0 else { return ClusterUser(user: geteuid(), group: getegid(), isOther: false) }
        guard let entry = getpwnam("postgres") else {
            throw Fault(
                .unavailable,
                "Postgres does not run as root and there is no user “postgres”; install Debian's package “postgresql”."
            )
        }
        return ClusterUser(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid, isOther: true)
    }

    /// The command line that runs a program as this user. `setpriv` becomes the program: the process stays the same.
    func command(_ program: String, _ arguments: [String]) -> [String] {
        guard isOther else { return [program] + arguments }
        return ["setpriv", "--reuid=\(user)", "--regid=\(group)", "--init-groups", "--", program] + arguments
    }
}
