import Foundation
import Glibc
public import Logging
public import Protocol

/// A Postgres of one's own: made, started, watched and stopped by this program, reachable by its Unix socket alone.
///
/// The server outlives a starter that is killed, and the next starter adopts it. A server that is killed is started
/// again: it recovers from its write-ahead log, and leftover backends are ended first.
public actor PrivateCluster {
    /// The database role and the database that programs use.
    private static let name = "nave"
    /// Between two looks at a server that starts, runs or stops.
    private static let lookEvery = Duration.milliseconds(20)
    private static let watchEvery = Duration.milliseconds(200)
    /// Backends notice the end of their server by themselves; those that do not within this time are ended.
    private static let leftoversLongest = Duration.seconds(3)

    private let path: String
    private let settings: ClusterSettings
    private let logger: Logger
    private var directory: ClusterDirectory?
    private var server: pid_t?
    private var isWanted = false

    /// - Parameter directory: Where everything of it lives, as an absolute path; created if missing.
    public init(directory: String, settings: ClusterSettings = ClusterSettings(), logger: Logger) {
        path = URL(filePath: directory).standardizedFileURL.path
        self.settings = settings
        self.logger = logger
    }

    /// The server's process, for tests that end it.
    public var processID: Int32? { server }

    /// Creates the cluster if it is not there, adopts it if it still runs, starts it otherwise; returns once it
    /// answers.
    public func start() async throws(Fault) -> DatabaseConfiguration {
        let directory = ClusterDirectory(path: path, user: try ClusterUser.current())
        self.directory = directory
        try directory.create()
        isWanted = true
        if !directory.isInitialised { try await initialise(directory) }
        try await bringUp(directory)
        let configuration = DatabaseConfiguration(
            "host='\(directory.socket.escaped)' port=5432 user=\(Self.name) dbname=\(Self.name)"
        )
        try await createDatabase(directory)
        return configuration
    }

    /// Watches the server and starts it again whenever it is gone, until the task is cancelled.
    public func run() async {
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(5))
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            // Ends early when the task is cancelled, which the loop then sees.
            try? await Task.sleep(for: Self.watchEvery)
            guard isWanted, let directory, let pid = server, Child.exitStatus(pid) != nil else { continue }
            logger.error("postgres ended", metadata: ["pid": "\(pid)"])
            server = nil
            while isWanted, server == nil, !Task.isCancelled {
                do throws(Fault) {
                    try await bringUp(directory)
                    backoff.reset()
                } catch {
                    logger.error("postgres does not start", metadata: ["reason": "\(error.message)"])
                    // As above.
                    try? await Task.sleep(for: backoff.next(atLeast: .milliseconds(100), using: &generator))
                }
            }
        }
    }

    /// Ends the server: open transactions roll back, all that was committed is on disk. Also one that another program
    /// started in this directory.
    public func stop() async {
        isWanted = false
        // Without a user for Postgres there is no server of ours.
        guard let user = try? ClusterUser.current() else { return }
        let directory = ClusterDirectory(path: path, user: user)
        defer { directory.removeFarSocket() }
        guard let pid = server ?? directory.runningServer else { return }
        server = nil
        for signal in [SIGINT, SIGQUIT, SIGKILL] {
            kill(pid, signal)
            if await wait(settings.stopLongest, until: { Child.exitStatus(pid) != nil }) { return }
            logger.warning("postgres does not stop", metadata: ["pid": "\(pid)", "signal": "\(signal)"])
        }
    }

    /// Tells a server in this directory to end, and does not wait for it: for a program that ends this moment.
    public nonisolated func abandon() {
        // Without a user for Postgres there is no server of ours.
        guard let user = try? ClusterUser.current() else { return }
        if let pid = ClusterDirectory(path: path, user: user).runningServer { kill(pid, SIGINT) }
    }

    /// Adopts or starts the server and waits until it answers.
    private func bringUp(_ directory: ClusterDirectory) async throws(Fault) {
        if let pid = directory.runningServer {
            logger.info("postgres adopted", metadata: ["pid": "\(pid)"])
            server = pid
        }
        let deadline = ContinuousClock.now + settings.startLongest
        while true {
            if server == nil {
                try await endLeftovers(directory)
                server = try launch(directory)
            }
            if await Connector.answers("host='\(directory.socket.escaped)' user=\(Self.name) dbname=postgres") {
                return
            }
            if let pid = server, Child.exitStatus(pid) != nil { server = nil }
            guard ContinuousClock.now < deadline else { throw notReady() }
            do {
                // Longer after an end: starting over at once would fail for the same reason.
                try await Task.sleep(for: server == nil ? Self.watchEvery : Self.lookEvery)
            } catch {
                throw Fault(.aborted, "Starting Postgres was given up because its caller was cancelled.")
            }
        }
    }

    private func launch(_ directory: ClusterDirectory) throws(Fault) -> pid_t {
        let programs = try PostgresPrograms.find(major: directory.major, path: Self.searchPath)
        let names = ["/proc/self/fd/\(Child.firstDescriptor)", "/proc/self/fd/\(Child.firstDescriptor + 1)"]
        let arguments = ["-D", names[0], "-k", names[1], "-p", "5432"] + settings.arguments
        let pid = try run(directory, programs.postgres, arguments, sharing: [directory.data, directory.socket])
        logger.info("postgres started", metadata: ["pid": "\(pid)", "programs": "\(programs.directory)"])
        return pid
    }

    private func initialise(_ directory: ClusterDirectory) async throws(Fault) {
        let programs = try PostgresPrograms.find(major: nil, path: Self.searchPath)
        let nursery = try directory.createNursery()
        let arguments = [
            "-D", "/proc/self/fd/\(Child.firstDescriptor)", "-U", Self.name, "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--data-checksums", "--no-instructions",
        ]
        let quick = settings.isDurable ? [] : ["--no-sync"]
        let pid = try run(directory, programs.initdb, arguments + quick, sharing: [nursery])
        var status: Int32?
        _ = await wait(settings.startLongest) {
            status = Child.exitStatus(pid)
            return status != nil
        }
        guard status == 0 else {
            if status == nil { kill(pid, SIGKILL) }
            throw Fault(.unavailable, "The private Postgres cannot be created; read “\(directory.log)”.")
        }
        try writeAccess(nursery)
        try directory.adoptNursery()
    }

    /// Only over the Unix socket, whose directory only the server's user and root may enter.
    private func writeAccess(_ nursery: String) throws(Fault) {
        guard let file = fopen(nursery + "/pg_hba.conf", "w") else {
            throw Fault(.unavailable, "“\(nursery)/pg_hba.conf” cannot be written; free or allow it.")
        }
        fputs("# Who may enter the socket's directory may enter the database; nothing listens elsewhere.\n", file)
        fputs("local all all trust\n", file)
        fclose(file)
    }

    private func run(
        _ directory: ClusterDirectory,
        _ program: String,
        _ arguments: [String],
        sharing paths: [String]
    ) throws(Fault) -> pid_t {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        let log = try directory.open(directory.log, isLog: true)
        descriptors.append(log)
        var shared: [Int32] = []
        for path in paths {
            shared.append(try directory.open(path))
            descriptors.append(shared[shared.count - 1])
        }
        return try Child.start(program, arguments, as: directory.user, log: log, inherited: shared)
    }

    /// After its server was killed, a backend keeps the shared memory, and a new server refuses to start.
    private func endLeftovers(_ directory: ClusterDirectory) async throws(Fault) {
        guard !directory.processes.isEmpty else { return }
        if await wait(Self.leftoversLongest, until: { directory.processes.isEmpty }) { return }
        logger.warning("ending what is left of postgres", metadata: ["processes": "\(directory.processes)"])
        for pid in directory.processes { kill(pid, SIGKILL) }
        _ = await wait(Self.leftoversLongest, until: { directory.processes.isEmpty })
    }

    private func createDatabase(_ directory: ClusterDirectory) async throws(Fault) {
        var configuration = DatabaseConfiguration(
            "host='\(directory.socket.escaped)' port=5432 user=\(Self.name) dbname=postgres"
        )
        configuration.connections = 1
        let postgres = Database(configuration, logger: logger)
        do throws(Fault) {
            let exists = Statement<Bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            if try await postgres.first(exists, [Self.name]) != true {
                try await postgres.execute(Statement<Void>("CREATE DATABASE nave"))
            }
            await postgres.close()
        } catch {
            await postgres.close()
            throw error
        }
    }

    private func notReady() -> Fault {
        let seconds = settings.startLongest.components.seconds
        return SQLState.unavailable(
            "The private Postgres did not answer within \(seconds) seconds; read “\(path)/server.log”."
        )
    }

    /// Looks again and again until something is so; `false` if it is not in time.
    private func wait(_ longest: Duration, until isSo: () -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + longest
        while !isSo() {
            guard ContinuousClock.now < deadline else { return false }
            // A cancelled sleep returns at once; the deadline still ends the loop, and stopping must be seen through.
            if (try? await Task.sleep(for: Self.lookEvery)) == nil { await Task.yield() }
        }
        return true
    }

    private static var searchPath: String? { ProcessInfo.processInfo.environment["PATH"] }
}

extension String {
    /// Inside the quotes of a libpq connection string.
    fileprivate var escaped: String { replacing("\\", with: "\\\\").replacing("'", with: "\\'") }
}
