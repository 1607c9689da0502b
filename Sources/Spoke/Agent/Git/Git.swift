import Foundation
import Protocol
import SpokeCore
import Subprocess
import SystemPackage

/// Runs git: never prompts, never runs hooks, never longer than allowed, and says what git said when it fails.
struct Git: Sendable {
    /// Which repository a command is about. Naming it outright keeps git from looking for one by itself.
    enum Place: Sendable {
        /// A bare repository.
        case mirror(String)
        /// A worktree by its administrative folder; works even if the `.git` file in it is broken.
        case worktree(admin: String, directory: String)
        /// A directory in which git finds its repository as any process there would.
        case directory(String)
        case nowhere
    }

    /// What a command answered.
    struct Answer: Sendable {
        var status: Int32
        var output: [UInt8]
        var complaint: String
        var text: String { String(decoding: output, as: UTF8.self) }
        /// The output without its last line break.
        var line: String { text.hasSuffix("\n") ? String(text.dropLast()) : text }
        /// NUL-separated fields.
        var fields: [String] { text.split(separator: "\0").map(String.init) }
    }

    /// What a local command may take, and what one that talks to another machine may take.
    static let localLimit = Duration.seconds(300)
    static let networkLimit = Duration.seconds(1_800)
    /// What a command may answer: a listing of a million paths. git's complaints are far shorter.
    static let outputBytes = 256 << 20
    static let complaintBytes = 4 << 20

    private let program: String
    private let environment: [String: String]

    /// Settings that no repository may change for our own commands: nothing of a repository is ever executed.
    private static let hardening = [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "commit.gpgSign=false", "tag.gpgSign=false",
        "gc.auto=0", "maintenance.auto=false", "advice.detachedHead=false", "submodule.recurse=false",
        "checkout.workers=1", "core.checkStat=default", "fetch.fsckObjects=false", "core.quotePath=false",
        // What is saved must survive a power cut, too: git alone does not sync loose objects.
        "core.fsync=committed,loose-object", "core.fsyncMethod=batch",
    ].flatMap { ["-c", $0] }

    /// What of the spoke's own environment git may see: how to reach the network and who the owner is.
    private static let inherited = [
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK",
        "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "KRB5CCNAME",
        "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
    ]

    /// - Parameter ceiling: the directory above which git never looks for a repository.
    init(ceiling: String, environment spoke: [String: String] = ProcessInfo.processInfo.environment) {
        var environment = spoke.filter { Self.inherited.contains($0.key) }
        let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        environment["PATH"] = path
        environment["LC_ALL"] = "C"
        environment["GIT_TERMINAL_PROMPT"] = "0"
        environment["GIT_ASKPASS"] = "/bin/false"
        environment["SSH_ASKPASS"] = "/bin/false"
        environment["SSH_ASKPASS_REQUIRE"] = "never"
        environment["GCM_INTERACTIVE"] = "never"
        environment["GIT_OPTIONAL_LOCKS"] = "0"
        environment["GIT_ALLOW_PROTOCOL"] = "file:git:http:https:ssh"
        environment["GIT_CEILING_DIRECTORIES"] = ceiling
        environment["GIT_PAGER"] = "cat"
        environment["GIT_EDITOR"] = "false"
        environment["GIT_SSH_COMMAND"] =
            environment["GIT_SSH_COMMAND"] ?? "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"
        self.environment = environment
        program =
            path.split(separator: ":").map { "\($0)/git" }.first { access($0, X_OK) == 0 } ?? "/usr/bin/git"
    }

    /// Runs git and returns what it answered; anything but exit code 0 is a fault with git's last error line.
    @discardableResult
    func callAsFunction(
        _ arguments: [String],
        in place: Place,
        input: [UInt8]? = nil,
        extra: [String: String] = [:],
        limit: Duration = Git.localLimit,
        quietly: Bool = false
    ) async throws(Fault) -> Answer {
        let answer = try await ask(
            arguments,
            in: place,
            input: input,
            extra: extra,
            limit: limit,
            quietly: quietly
        )
        guard answer.status == 0 else { throw Self.fault(arguments, answer) }
        return answer
    }

    /// Runs git and returns what it answered, whatever its exit code.
    ///
    /// - Fails with `timeout` after `limit`, `aborted` on cancellation, `execution` if git cannot run at all.
    func ask(
        _ arguments: [String],
        in place: Place,
        input: [UInt8]? = nil,
        extra: [String: String] = [:],
        limit: Duration = Git.localLimit,
        quietly: Bool = false
    ) async throws(Fault) -> Answer {
        var all = Self.hardening
        var directory: String?
        switch place {
        case .mirror(let path): all += ["--git-dir=\(path)"]
        case .worktree(let admin, let path):
            all += ["--git-dir=\(admin)", "--work-tree=\(path)"]
            directory = path
        case .directory(let path): directory = path
        case .nowhere: break
        }
        let settings = environment.merging(extra) { $1 }
        let child = Child(
            // Work that nobody waits for yields the processor to work that somebody waits for.
            program: quietly ? "/usr/bin/nice" : program,
            arguments: (quietly ? ["-n", "10", program] : []) + all + arguments,
            environment: settings,
            directory: directory,
            input: input
        )
        return try await child.run(limit: limit, name: "git \(arguments.first ?? "")")
    }

    /// What a failed command means to a person.
    static func fault(_ arguments: [String], _ answer: Answer) -> Fault {
        let lines = answer.complaint.split(separator: "\n").map(String.init)
        // When the far side fails, git says only that it could not read; why stands in the line before.
        let vague = lines.firstIndex { $0.hasPrefix("fatal: Could not read from remote repository") } ?? 0
        let telling =
            vague > 0 ? lines[vague - 1] : lines.last { $0.hasPrefix("fatal:") || $0.hasPrefix("error:") } ?? lines.last
        let said = AddressText.withoutCredentials(telling ?? "it said nothing (exit code \(answer.status))")
        return Fault(
            .execution,
            "git \(arguments.first ?? "") failed: \(said)",
            details: .object([
                "exitCode": .integer(Int64(answer.status)),
                "stderr": .string(AddressText.withoutCredentials(String(answer.complaint.suffix(2_000)))),
            ])
        )
    }
}

/// One run of a short-lived program in its own process group.
struct Child: Sendable {
    var program: String
    var arguments: [String]
    var environment: [String: String]
    var directory: String?
    var input: [UInt8]?

    /// Runs to the end, or for `limit`; then the whole group is terminated and killed.
    func run(limit: Duration, name: String) async throws(Fault) -> Git.Answer {
        do {
            return try await withThrowingTaskGroup(of: Git.Answer?.self) { group in
                group.addTask { try await start() }
                group.addTask {
                    try await Task.sleep(for: limit)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let answer = first else {
                    throw Fault(.timeout, "\(name) took longer than \(limit.milliseconds / 1_000) s and was ended.")
                }
                try Task.checkCancellation()
                return answer
            }
        } catch let fault as Fault {
            throw fault
        } catch is CancellationError {
            throw Fault(.aborted, "\(name) was cancelled.")
        } catch {
            throw Fault(.execution, "\(name) could not be run: \(error)")
        }
    }

    private func start() async throws -> Git.Answer {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
        ]
        let environment = Environment.custom(
            Dictionary(
                environment.compactMap { name, value in Environment.Key(rawValue: name).map { ($0, value) } },
                uniquingKeysWith: { $1 }
            )
        )
        let folder = directory.map { FilePath($0) }
        let (status, output, complaint, pid): (TerminationStatus, [UInt8], String, Int32)
        if let input {
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(arguments),
                environment: environment,
                workingDirectory: folder,
                platformOptions: options,
                input: .array(input),
                output: .bytes(limit: Git.outputBytes),
                error: .string(limit: Git.complaintBytes)
            )
            (status, output, complaint, pid) = (
                result.terminationStatus, result.standardOutput, result.standardError, result.processIdentifier.value
            )
        } else {
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(arguments),
                environment: environment,
                workingDirectory: folder,
                platformOptions: options,
                input: .none,
                output: .bytes(limit: Git.outputBytes),
                error: .string(limit: Git.complaintBytes)
            )
            (status, output, complaint, pid) = (
                result.terminationStatus, result.standardOutput, result.standardError, result.processIdentifier.value
            )
        }
        switch status {
        case .exited(let code):
            return Git.Answer(status: code, output: output, complaint: complaint)
        case .signaled(let signal):
            await Self.settle(group: pid)
            return Git.Answer(status: 128 + signal, output: output, complaint: complaint)
        }
    }

    /// What a signal gives git's own children to remove their lock files before they are killed.
    private static let settling = Duration.seconds(2)

    /// Waits until a group that was told to end has ended, then kills what is left of it. Cancellation is the usual
    /// reason to be here, so the wait itself must not depend on it; it takes a millisecond or two.
    private static func settle(group: Int32) async {
        let deadline = ContinuousClock.now + settling
        while kill(-group, 0) == 0, ContinuousClock.now < deadline {
            usleep(1_000)
            await Task.yield()
        }
        kill(-group, SIGKILL)
    }
}
