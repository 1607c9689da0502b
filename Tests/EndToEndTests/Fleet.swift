import Foundation
import Protocol
import Synchronization
import TestSupport

/// A hub and its spokes as real processes below one temporary folder, driven through their own command lines.
final class Fleet: Sendable {
    let folder: URL
    let database: String?
    private let state = Mutex(State())

    private struct State {
        var hub: FleetProgram?
        var spokes: [String: FleetProgram] = [:]
        var address = "127.0.0.1:\(FreePort.draw())"
        var runs = 0
    }

    /// - Parameter database: a libpq URL; the hub's own private Postgres if absent.
    init(database: String? = nil) throws {
        self.database = database
        folder = URL(filePath: "/tmp/nave-e2e-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    // MARK: Programs

    /// Where the built programs are: beside the test bundle.
    static let binaries: URL = {
        if let named = ProcessInfo.processInfo.environment["NAVE_BIN"] { return URL(filePath: named) }
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") }.map { URL(filePath: $0) }
        var candidate = bundle ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        while candidate.path != "/" {
            candidate.deleteLastPathComponent()
            if FileManager.default.isExecutableFile(atPath: candidate.appending(path: "hub").path) { return candidate }
        }
        return URL(filePath: ".build/debug")
    }()

    var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["HOME"] = folder.appending(path: "home").path
        environment["GIT_CONFIG_NOSYSTEM"] = "1"
        for name in ["NAVE_URL", "NAVE_KEY_FILE", "NAVE_SESSION_ID", "NAVE_SOCKET"] { environment[name] = nil }
        return environment
    }

    private func program(
        _ name: String,
        _ arguments: [String],
        as label: String,
        environment more: [String: String] = [:],
        input: Data? = nil
    ) throws -> FleetProgram {
        try FleetProgram(
            Self.binaries.appending(path: name).path,
            arguments,
            environment: environment.merging(more) { $1 },
            folder: folder,
            name: label,
            input: input
        )
    }

    /// Runs a command of `hub` or `spoke` to its end.
    func run(
        _ name: String,
        _ arguments: [String],
        input: Data? = nil,
        within limit: Duration = patience
    ) async throws -> Finished {
        let number = state.withLock { state in
            state.runs += 1
            return state.runs
        }
        let program = try program(name, arguments, as: "run-\(number)", input: input)
        let watchdog = Task {
            try await Task.sleep(for: limit)
            program.signal(SIGKILL)
        }
        defer { watchdog.cancel() }
        let code = await program.exit()
        let finished = Finished(
            exitCode: code,
            output: try Data(contentsOf: program.output),
            errors: program.logText
        )
        for file in [program.output, program.log] { try? FileManager.default.removeItem(at: file) }
        return finished
    }

    /// A command of `hub` against this fleet's hub.
    func hub(_ arguments: String..., within limit: Duration = patience) async throws -> Finished {
        try await run("hub", arguments, within: limit)
    }

    /// The same, where anything but success is an error.
    @discardableResult
    func ask(_ arguments: String...) async throws -> JSONValue {
        let finished = try await run("hub", arguments + ["--json"])
        guard finished.exitCode == 0 else {
            throw Unexpected(what: "hub \(arguments.joined(separator: " "))", finished: finished)
        }
        return try finished.json()
    }

    struct Unexpected: Error, CustomStringConvertible {
        let what: String
        let finished: Finished
        var description: String {
            "\(what) ended with \(finished.exitCode): \(finished.errors)\(finished.text.prefix(400))"
        }
    }

    // MARK: The hub

    var hubProgram: FleetProgram? { state.withLock { $0.hub } }

    /// Starts the hub, on the same port as before if there was one; returns at once.
    func launchHub(_ extra: [String] = []) throws -> FleetProgram {
        let address = state.withLock { $0.address }
        var arguments = ["serve", "--listen", address, "--data-dir", folder.appending(path: "hub").path] + extra
        if let database { arguments += ["--database", database] }
        let out = folder.appending(path: "hub.out")
        try? FileManager.default.removeItem(at: out)
        let program = try program("hub", arguments, as: "hub")
        state.withLock { $0.hub = program }
        return program
    }

    /// Starts the hub and kills it before it can be ready, or hardly.
    func crashStartingHub(after delay: Duration) async throws {
        let program = try launchHub()
        try await Task.sleep(for: delay)
        await program.crash()
    }

    /// Starts the hub and waits until it is ready; the second time on the same port.
    @discardableResult
    func startHub(_ extra: [String] = []) async throws -> JSONValue {
        let program = try launchHub(extra)
        let ready = try await eventually("the hub is ready") { () -> JSONValue? in
            let line = program.outputText
            guard line.hasSuffix("\n") else { return nil }
            return try WireCoder.value(from: Array(line.utf8))
        }
        let url = ready["url"]?.stringValue ?? ""
        state.withLock { $0.address = String(url.drop { $0 != ":" }.dropFirst(3)) }
        let client = ["url": url, "keyFile": ready["adminKeyFile"]?.stringValue ?? ""]
        let config = folder.appending(path: "home/.config/nave")
        try FileManager.default.createDirectory(at: config, withIntermediateDirectories: true)
        try Data(WireCoder.bytes(of: client)).write(to: config.appending(path: "client.json"))
        return ready
    }

    var port: Int { URL(string: url)?.port ?? 0 }
    var url: String { "http://\(state.withLock { $0.address })" }

    /// The postmaster of the hub's private cluster.
    var postmaster: Int32? {
        let file = folder.appending(path: "hub/postgres/data/postmaster.pid")
        let text = try? String(contentsOf: file, encoding: .utf8)
        return text?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    // MARK: Spokes

    func directory(of spoke: String) -> URL { folder.appending(path: "spoke-\(spoke)") }

    /// Joins a spoke under a name.
    func join(_ name: String, _ extra: [String] = []) async throws {
        let token = try await ask("token", "create")["token"]?.stringValue ?? ""
        let joined = try await run(
            "spoke",
            ["join", url, "--token", token, "--name", name, "--data-dir", directory(of: name).path] + extra
        )
        guard joined.exitCode == 0 else { throw Unexpected(what: "spoke join", finished: joined) }
    }

    /// Starts a joined spoke; returns at once.
    @discardableResult
    func startSpoke(_ name: String, environment: [String: String] = [:]) throws -> FleetProgram {
        let arguments = ["run", "--data-dir", directory(of: name).path]
        let program = try program("spoke", arguments, as: "spoke-\(name)", environment: environment)
        state.withLock { $0.spokes[name] = program }
        return program
    }

    /// The ends of all spokes' logs, for the reader of a failure.
    var spokeLogs: String {
        let spokes = state.withLock { $0.spokes }
        return spokes.map { "\n--- log of spoke \($0.key)\n\($0.value.logText.suffix(1_500))" }.joined()
    }

    func spoke(_ name: String) -> FleetProgram? { state.withLock { $0.spokes[name] } }

    /// Joins and starts a spoke, and waits until the hub sees it.
    func addSpoke(_ name: String, _ extra: [String] = []) async throws {
        try await join(name, extra)
        try startSpoke(name)
        try await untilConnected(name)
    }

    func untilConnected(_ name: String) async throws {
        _ = try await eventually("spoke \(name) is connected") {
            let spokes = try await ask("spokes")["spokes"]?.arrayValue ?? []
            return spokes.first { $0["name"]?.stringValue == name && $0["status"]?.stringValue == "connected" }
        }
    }

    // MARK: Work

    /// A project with a repository of its own, with one commit.
    @discardableResult
    func addProject(_ name: String, files: [String: String] = ["README": "hello\n"]) async throws -> URL {
        let repository = folder.appending(path: "repo-\(name)")
        try FileManager.default.createDirectory(at: repository, withIntermediateDirectories: true)
        try await git(["init", "-q", "-b", "main"], in: repository)
        for (path, text) in files {
            try Data(text.utf8).write(to: repository.appending(path: path))
        }
        try await git(["add", "-A"], in: repository)
        try await git(["commit", "-q", "-m", "first"], in: repository)
        try await ask("project", "add", name, "--repo", repository.path)
        return repository
    }

    func git(_ arguments: [String], in directory: URL) async throws {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-C", directory.path]
        let program = try FleetProgram(
            "/usr/bin/env",
            ["git"] + identity + arguments,
            environment: environment,
            folder: folder,
            name: "git-\(UUID().uuidString.prefix(8))"
        )
        let code = await program.exit()
        guard code == 0 else { throw Late(what: "git \(arguments): \(program.logText)", limit: .zero) }
    }

    /// Spawns a command and answers the session's id.
    func spawn(_ project: String, _ command: [String], _ options: [String] = []) async throws -> String {
        let finished = try await run("hub", ["spawn", "--project", project, "--json"] + options + ["--"] + command)
        guard finished.exitCode == 0 else { throw Unexpected(what: "hub spawn", finished: finished) }
        return try finished.json()["sessionId"]?.stringValue ?? ""
    }

    func status(of session: String) async throws -> JSONValue {
        let status = try await ask("status", session)
        return status["mappings"]?.arrayValue?.first ?? .null
    }

    /// The session's mapping once it is no longer active.
    func end(of session: String, within limit: Duration = patience) async throws -> JSONValue {
        try await eventually("session \(session) ends", within: limit) {
            let entry = try await status(of: session)
            let state = entry["mapping"]?["status"]?.stringValue
            return state == nil || state == "active" ? nil : entry
        }
    }

    func logs(_ session: String, stream: String = "stdout") async throws -> Data {
        let finished = try await hub("logs", session, "--stream", stream)
        guard finished.exitCode == 0 else { throw Unexpected(what: "hub logs", finished: finished) }
        return finished.output
    }

    /// Ends everything, in order, and removes the folder.
    func stop() async {
        let (hub, spokes) = state.withLock { ($0.hub, Array($0.spokes.values)) }
        for spoke in spokes { spoke.signal(SIGTERM) }
        for spoke in spokes { _ = await spoke.exit() }
        hub?.signal(SIGTERM)
        if let hub { _ = await hub.exit() }
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Runs a test's body with a fleet of its own, and ends the fleet whatever happens.
func withFleet(_ body: (Fleet) async throws -> Void) async throws {
    let fleet = try Fleet()
    do {
        try await body(fleet)
    } catch {
        let hubLog = (fleet.hubProgram?.logText.suffix(3_000) ?? "") + fleet.spokeLogs
        await fleet.stop()
        throw FleetFailure(cause: error, hubLog: String(hubLog))
    }
    await fleet.stop()
}

/// What went wrong, with the end of the hub's log.
struct FleetFailure: Error, CustomStringConvertible {
    let cause: any Error
    let hubLog: String
    var description: String { "\(cause)\n--- hub log\n\(hubLog)" }
}
