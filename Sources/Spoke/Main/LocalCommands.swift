import ArgumentParser
import Foundation
import Protocol
import SpokeAgent

/// `spoke status`
struct StatusCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "How this spoke fares, also while the hub is away."
    )

    @OptionGroup var local: LocalOptions

    func act() async throws {
        let status = try ask(.status)
        if local.json { return Output.json(status) }
        for key in ["name", "spokeId", "hub", "link", "since", "sessions", "journal", "draining", "disk"] {
            guard let value = status[key] else { continue }
            Output.line("\(key): \(value.stringValue ?? String(decoding: WireCoder.bytes(of: value), as: UTF8.self))")
        }
    }
}

/// `spoke doctor`
struct DoctorCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what a spoke needs, and say what to do about what is missing."
    )

    @OptionGroup var local: LocalOptions

    func act() async throws {
        let findings = await Doctor(paths: local.paths).examine()
        if local.json {
            Output.json(findings)
        } else {
            for finding in findings {
                Output.line("\(finding.passed ? "ok  " : "FAIL")  \(finding.subject): \(finding.message)")
            }
        }
        if findings.contains(where: { !$0.passed }) { throw ExitCode(1) }
    }
}

/// `spoke drain`
struct DrainCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Take no new sessions, and wait until those that run have ended."
    )

    @OptionGroup var local: LocalOptions
    @Option(help: "Stop waiting after this long, such as 90s or 10m; 0s does not wait.")
    var deadline = DurationArgument(.seconds(600))
    @Flag(help: "Take sessions again.") var undo = false

    func act() async throws {
        let until = ContinuousClock.now + deadline.duration
        _ = try ask(.drain, ["draining": .bool(!undo)])
        guard !undo else { return }
        while true {
            let left = try ask(.sessions)["sessions"]?.arrayValue?.count ?? 0
            if left == 0 { return Output.line("drained") }
            guard ContinuousClock.now < until else {
                throw Fault(.timeout, "\(left) sessions still run; abort them or wait longer with --deadline.")
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}

/// `spoke journal [verify]`
struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "What has not reached the hub yet.",
        subcommands: [Show.self, Verify.self],
        defaultSubcommand: Show.self
    )

    struct Show: LocalCommand {
        static let configuration = CommandConfiguration(abstract: "Where the journal stands.")
        @OptionGroup var local: LocalOptions

        func act() async throws { Output.json(try ask(.journal)) }
    }

    struct Verify: LocalCommand {
        static let configuration = CommandConfiguration(
            abstract: "Recompute every chain: complete, or each gap with its cause."
        )
        @OptionGroup var local: LocalOptions

        func act() async throws {
            let answer = try await verified()
            if local.json {
                Output.json(answer)
            } else {
                Output.line(answer["complete"] == .bool(true) ? "complete" : "incomplete")
                for gap in answer["gaps"]?.arrayValue ?? [] { Output.line("  \(gap.stringValue ?? "\(gap)")") }
            }
            if answer["complete"] != .bool(true) { throw ExitCode(1) }
        }

        /// By the running spoke, or from its file when none runs.
        private func verified() async throws(Fault) -> JSONValue {
            do {
                return try LocalSocket.ask(LocalRequest(method: .verify), at: local.socket)
            } catch  where error.code == .unavailable {
                return try await OfflineJournal.verify(local.paths)
            }
        }
    }
}

/// `spoke worktrees`
struct WorktreesCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "worktrees",
        abstract: "The worktrees on this machine."
    )
    @OptionGroup var local: LocalOptions

    func act() async throws {
        let answer = try ask(.worktrees)
        if local.json { return Output.json(answer) }
        for tree in answer["worktrees"]?.arrayValue ?? [] {
            let fields = ["workspaceId", "branch", "state", "directory"].map { tree[$0]?.stringValue ?? "-" }
            Output.line(fields.joined(separator: "  "))
        }
    }
}

/// `spoke sessions`
struct SessionsCommand: LocalCommand {
    static let configuration = CommandConfiguration(commandName: "sessions", abstract: "The sessions that run here.")
    @OptionGroup var local: LocalOptions

    func act() async throws {
        let answer = try ask(.sessions)
        if local.json { return Output.json(answer) }
        for session in answer["sessions"]?.arrayValue ?? [] {
            let pid = session["pid"]?.integerValue.map(String.init) ?? "-"
            let fields = ["sessionId", "state", "title"].map { session[$0]?.stringValue ?? "-" }
            Output.line((fields + [pid]).joined(separator: "  "))
        }
    }
}

/// `spoke call OPERATION [JSON]`, from inside a worktree
struct CallCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call an operation of the hub, with what this session was granted."
    )
    @OptionGroup var local: LocalOptions
    @Argument(help: "namespace.name") var operation: String
    @Argument(help: "The input as JSON.") var input: String?

    func act() async throws {
        let request = LocalRequest(
            method: .call,
            parameters: ["operation": .string(operation), "input": try value()],
            session: try InsideSession.identity()
        )
        try InsideSession.ask(request, local)
    }
}

extension CallCommand {
    private func value() throws -> JSONValue {
        guard let input else { return .object([:]) }
        do {
            return try WireCoder.value(from: Array(input.utf8))
        } catch {
            throw ValidationError("The input is not JSON: \(error.message)")
        }
    }
}

/// `spoke notify MESSAGE`, from inside a worktree
struct NotifyCommand: LocalCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Tell the coordinator of this session something."
    )
    @OptionGroup var local: LocalOptions
    @Argument(help: "What to say.") var message: String
    @Option(help: "info, warning or blocking.") var level: String = "info"

    func validate() throws {
        guard ["info", "warning", "blocking"].contains(level) else {
            throw ValidationError("--level is info, warning or blocking.")
        }
    }

    func act() async throws {
        let request = LocalRequest(
            method: .notify,
            parameters: ["message": .string(message), "level": .string(level)],
            session: try InsideSession.identity()
        )
        try InsideSession.ask(request, local)
    }
}

/// What a process of a session knows of itself.
enum InsideSession {
    /// - Throws: `VALIDATION_ERROR` outside a session.
    static func identity() throws(Fault) -> LocalSession {
        let environment = ProcessInfo.processInfo.environment
        guard let id = environment["NAVE_SESSION_ID"], let file = environment["NAVE_TOKEN_FILE"],
            let token = FileManager.default.contents(atPath: file)
        else { throw Fault(.validation, "This works inside a session only; elsewhere use `hub call`.") }
        return LocalSession(id: SessionID(id), token: String(decoding: token, as: UTF8.self))
    }

    /// Asks for the session; an input that the hub refuses is an answer (1), not a bad configuration (78).
    static func ask(_ request: LocalRequest, _ local: LocalOptions) throws {
        do {
            Output.json(try LocalSocket.ask(request, at: local.socket))
        } catch  where error.code == .validation {
            Output.fail(error, json: local.json)
            throw ExitCode(1)
        }
    }
}
