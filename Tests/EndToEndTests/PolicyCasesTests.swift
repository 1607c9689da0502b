import Foundation
import Protocol
import Testing

/// The owner's word against a hub that asks for anything, and secrets against everybody.
@Suite struct PolicyCasesTests {
    @Test func theOwnersWordOutranksTheHub() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo", files: ["git": "#!/bin/sh\necho hostile\n"])
            try await commandsAreJudgedByWhatWouldRun(fleet)
            try await everythingElseIsJudgedToo(fleet)
            try await aBrokenPolicyDeniesEverything(fleet)
        }
    }

    /// Takes effect with the next order, without a restart.
    private func policy(_ text: String?, _ fleet: Fleet) throws {
        let path = fleet.directory(of: "one").appending(path: "policy.yaml")
        guard let text else { return try FileManager.default.removeItem(at: path) }
        try Data(text.utf8).write(to: path)
    }

    private func denied(
        _ options: [String],
        _ command: [String],
        _ fleet: Fleet,
        code: String = "ACCESS_DENIED",
        saying words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let spawn = ["spawn", "--project", "demo", "--follow"] + options + ["--"] + command
        let exit: Int32 = 1
        try await fleet.refused(spawn, exits: exit, code, saying: words, sourceLocation: sourceLocation)
    }

    private func allowed(_ command: [String], _ fleet: Fleet) async throws {
        let finished = try await fleet.run("hub", ["spawn", "--project", "demo", "--follow", "--"] + command)
        #expect(finished.exitCode == 0, "\(command): \(finished.errors)")
    }

    private func commandsAreJudgedByWhatWouldRun(_ fleet: Fleet) async throws {
        try policy("commands: {deny: [rm, 'py*']}\n", fleet)
        for command in [["rm", "x"], ["/bin/rm", "x"], ["/bin/../bin/rm", "x"], ["./rm"], ["python3", "-V"]] {
            try await denied([], command, fleet, saying: "command \(command[0])")
        }
        try await allowed(["true"], fleet)
        try policy("commands: {allow: [git, /bin/true]}\n", fleet)
        try await allowed(["git", "--version"], fleet)
        try await allowed(["/bin/true"], fleet)
        // A repository may bring a program called git along: that is not the owner's.
        try await denied([], ["sh", "./git"], fleet, saying: "command sh")
        try await denied([], ["./git"], fleet, saying: "command ./git")
        try await denied([], ["true"], fleet, saying: "command true")
        try await denied(["--env", "PATH=."], ["git"], fleet, saying: "PATH")
    }

    private func everythingElseIsJudgedToo(_ fleet: Fleet) async throws {
        try policy(nil, fleet)
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "NAVE_SOCKET", "GIT_DIR"] {
            try await denied(["--env", "\(name)=/x"], ["true"], fleet, saying: "variable \(name)")
        }
        try policy("environment: {allow: ['*', LD_PRELOAD], deny: [SECRET_*]}\n", fleet)
        try await denied(["--env", "LD_PRELOAD=/x"], ["true"], fleet, saying: "LD_PRELOAD")
        try await denied(["--env", "SECRET_X=/x"], ["true"], fleet, saying: "SECRET_X")
        try policy("repositories: {allow: ['https://git.example/*']}\n", fleet)
        try await denied([], ["true"], fleet, saying: "the repository")
        try policy("sessions: {hours: ['00:00-00:00']}\n", fleet)
        try await denied([], ["true"], fleet, saying: "only between")
        try policy("sessions: {max: 1}\n", fleet)
        let first = try await fleet.spawn("demo", ["sleep", "600"])
        _ = try await eventually("it runs") { try await fleet.status(of: first)["session"]?["startedAt"]?.stringValue }
        try await denied([], ["true"], fleet, saying: "1 sessions at a time")
        try await fleet.ask("abort", first, "--grace", "100ms")
        try policy(nil, fleet)
        try await allowed(["true"], fleet)
    }

    private func aBrokenPolicyDeniesEverything(_ fleet: Fleet) async throws {
        for text in ["commands: [", "unknown: {}\n", "commands: {allow: x}\n", "sessions: {hours: [noon]}\n"] {
            try policy(text, fleet)
            try await denied([], ["true"], fleet, code: "VALIDATION_ERROR", saying: "policy.yaml")
        }
        let doctor = try await fleet.local("one", "doctor")
        #expect(doctor.exitCode == 1 && doctor.text.contains("FAIL  policy.yaml"), "\(doctor.text)")
        try policy(nil, fleet)
        let path = fleet.directory(of: "one").appending(path: "policy.yaml").path
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere")
        try await denied([], ["true"], fleet, code: "NOT_FOUND", saying: "policy.yaml")
        try policy(nil, fleet)
        try await allowed(["true"], fleet)
    }

    @Test func aSecretOfTheOwnerNeverLeavesTheSpoke() async throws {
        try await withFleet { fleet in
            let (canary, marker) = ("canary/3f9b2c7d+5e \"q\"", "marker-8c1d44e7")
            let secret = try fleet.write(canary + "\n", to: "secret")
            try await fleet.startHub()
            try await fleet.join("one")
            let data = fleet.directory(of: "one")
            try Data("redact: [\(secret)]\n".utf8).write(to: data.appending(path: "spoke.yaml"))
            try fleet.startSpoke("one")
            try await fleet.untilConnected("one")
            try await fleet.addProject("demo")
            let spoke = Fleet.binaries.appending(path: "spoke").path
            let script = """
                echo \(marker); s=$(cat \(secret))
                echo "$s"; echo "$s" >&2; base64 \(secret); printf 'x%s' "$s" | base64; printf 'xy%s' "$s" | base64
                head -c 9 \(secret); sleep 0.3; tail -c +10 \(secret)
                \(spoke) notify "\(marker) $s"
                \(spoke) call "$s" '{}'
                """
            let grants = ["session:read", "coord:write"]
            let session = try await fleet.spawnGranted("demo", script, grants: grants, on: "one")
            _ = try await fleet.end(of: session)
            let said = try await fleet.logs(session)
            #expect(said.starts(with: Data("\(marker)\n****".utf8)), "\(String(decoding: said, as: UTF8.self))")
            let messages = try await fleet.ask("call", "session.messages", "{\"sessionId\":\"\(session)\"}")
            #expect("\(messages)".contains(marker), "\(messages)")
            fleet.spoke("one")?.signal(SIGTERM)
            _ = await fleet.spoke("one")?.exit()
            try Data().write(to: URL(filePath: secret))
            let base64 = Data(canary.utf8).base64EncodedString().dropLast(4)
            #expect(try await files(with: marker, fleet).contains { $0.contains("/hub/postgres/") })
            #expect(try await files(with: canary, fleet) == [])
            #expect(try await files(with: String(base64), fleet) == [])
        }
    }

    /// Every file of the fleet in which a text stands: tables, journals, logs.
    private func files(with text: String, _ fleet: Fleet) async throws -> [String] {
        let program = try FleetProgram(
            "/bin/grep",
            ["-rlaF", "-e", text, fleet.folder.path],
            environment: fleet.environment,
            folder: URL(filePath: "/tmp"),
            name: "nave-grep-\(UUID().uuidString.prefix(8))"
        )
        _ = await program.exit()
        defer { for file in [program.output, program.log] { try? FileManager.default.removeItem(at: file) } }
        return program.outputText.split(separator: "\n").map(String.init)
    }
}
