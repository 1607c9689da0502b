public import Protocol

/// What a session's supervisor is asked to run. Everything that it needs to know stands in it, since it may outlive
/// the agent that wrote it.
public struct ProcessSpec: Sendable {
    /// Where the process's standard input comes from.
    public enum Input: String, Sendable {
        /// A pipe that ``SupervisedProcess/send(_:)`` writes.
        case open
        /// Nothing: `/dev/null`.
        case null
    }

    public var sessionId: SessionID
    /// Program and arguments. A program without `/` is looked for in the `PATH` of ``environment``.
    public var command: [String]
    /// The whole environment of the process; nothing is inherited.
    public var environment: [String: String]
    /// The absolute path of the working directory.
    public var directory: String
    /// The process is ended after this many seconds, agent or no agent; `nil` for never.
    public var timeoutSeconds: Int?
    public var stdin: Input
    /// A cgroup v2 directory that was made for this session (``Cgroups``), if there is one.
    public var cgroup: String?
    /// Between interrupt, terminate and kill when the time limit ends the process.
    public var timeoutGrace: Duration = .seconds(5)
    /// What outlives the leader is told to terminate, and killed after this.
    public var leftoverGrace: Duration = .seconds(1)
    /// How long a process outside the session may hold its pipes open after the session's own are gone.
    public var drain: Duration = .seconds(2)
    /// Bytes per stream that may wait for the agent; beyond them the process waits. Bounds the disk it can fill.
    public var backlogBytes: Int64 = 256 << 20

    /// The usual limits can be changed afterwards.
    public init(
        sessionId: SessionID,
        command: [String],
        environment: [String: String],
        directory: String,
        timeoutSeconds: Int? = nil,
        stdin: Input = .null,
        cgroup: String? = nil
    ) {
        self.sessionId = sessionId
        self.command = command
        self.environment = environment
        self.directory = directory
        self.timeoutSeconds = timeoutSeconds
        self.stdin = stdin
        self.cgroup = cgroup
    }

    /// The form that the supervisor reads: entries `name=value`, each closed by a NUL (`spec.h`).
    /// Fails with `VALIDATION_ERROR` where no process could be started like this.
    func encoded() throws(Fault) -> [UInt8] {
        guard let program = command.first, !program.isEmpty else {
            throw .invalid("run.command", "A command needs at least the name of a program.")
        }
        guard directory.hasPrefix("/") else {
            throw .invalid("directory", "The working directory must be an absolute path.")
        }
        var entries = [("nave", "1")]
        entries += command.map { ("argument", $0) }
        entries += environment.sorted { $0.key < $1.key }.map { ("variable", "\($0.key)=\($0.value)") }
        entries += [("directory", directory), ("input", stdin.rawValue)]
        if let cgroup { entries.append(("cgroup", cgroup)) }
        let numbers: [(String, Int64)] = [
            ("timeout", Int64(timeoutSeconds ?? 0) * 1_000), ("grace", timeoutGrace.milliseconds),
            ("leftover", leftoverGrace.milliseconds), ("drain", drain.milliseconds), ("backlog", backlogBytes),
        ]
        entries += numbers.map { ($0.0, String(max(0, $0.1))) }
        entries.append(("end", ""))
        var bytes: [UInt8] = []
        for (name, value) in entries {
            guard !value.utf8.contains(0) else {
                throw .invalid(name, "Neither arguments nor environment may contain a NUL byte.")
            }
            bytes += Array("\(name)=\(value)".utf8) + [0]
        }
        return bytes
    }
}
