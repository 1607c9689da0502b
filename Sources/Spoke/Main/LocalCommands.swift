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
