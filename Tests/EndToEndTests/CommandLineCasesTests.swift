import Foundation
import Protocol
import Testing

/// Commands as people and scripts find them: help, completions, the spoke's local commands, and those of a session.
@Suite struct CommandLineCasesTests {
    @Test func everyCommandExplainsItself() async throws {
        let fleet = try Fleet()
        for program in ["hub", "spoke"] {
            let help = try await fleet.run(program, ["--help"])
            #expect(help.exitCode == 0 && help.text.contains("USAGE: \(program)"))
            #expect(try await fleet.run(program, ["--version"]).exitCode == 0)
            for shell in ["zsh", "bash", "fish"] {
                let script = try await fleet.run(program, ["--generate-completion-script", shell])
                #expect(script.exitCode == 0 && script.text.contains(program), "\(shell)")
            }
            let lines = help.text.split(separator: "SUBCOMMANDS:").last?.split(separator: "\n") ?? []
            let commands = lines.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.contains("See ") }
                .compactMap { $0.split(separator: " ").first.map(String.init) }
            #expect(commands.count > 8, "\(commands)")
            for command in commands {
                let page = try await fleet.run(program, [command, "--help"])
                #expect(page.exitCode == 0 && page.text.contains("OVERVIEW"), "\(program) \(command)")
            }
        }
        await fleet.stop()
    }

    @Test func theSpokeAnswersItsOwnerWithAndWithoutTheHub() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let session = try await fleet.spawn("demo", ["sleep", "600"])
            _ = try await eventually("it runs") {
                try await fleet.status(of: session)["session"]?["startedAt"]?.stringValue
            }
            let socket = fleet.directory(of: "one").appending(path: "spoke.sock").path
            let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            try await localCommandsAnswer(fleet, session, link: "connected")
            try await theCatalogueIsReadByPeople(fleet)
            fleet.hubProgram?.signal(SIGKILL)
            _ = await fleet.hubProgram?.exit()
            _ = try await eventually("the spoke notices") {
                try await fleet.local("one", "status", "--json").json()["link"]?.stringValue == "connected" ? nil : true
            }
            try await localCommandsAnswer(fleet, session, link: nil)
            try await fleet.startHub()
            try await fleet.untilConnected("one")
            try await fleet.ask("abort", session, "--grace", "100ms")
            fleet.spoke("one")?.signal(SIGTERM)
            _ = await fleet.spoke("one")?.exit()
            #expect(try await fleet.local("one", "journal", "verify").exitCode == 0)
            let gone = ["status", "--data-dir", fleet.directory(of: "one").path]
            try await fleet.refused(gone, exits: 69, "UNAVAILABLE", saying: "spoke run", by: "spoke")
        }
    }

    private func theCatalogueIsReadByPeople(_ fleet: Fleet) async throws {
        let page = try await fleet.hub("operations", "project.create").text
        for words in [
            "mutation, version 1", "Needs: project:write", "Answered by: the hub", "hub call project.create '",
        ] {
            #expect(page.contains(words), "\(words) in \(page)")
        }
        #expect(page.contains("  name ") && page.contains("  repoUrl "))
        #expect(try await fleet.hub("operations", "fs.read").text.contains("Answered by: one"))
        #expect(try await fleet.ask("operations", "project.create")["inputSchema"]?["required"] == ["name"])
        let found = try await fleet.hub("operations", "--search", "project create").text.split(separator: "\n")
        #expect(found.count > 1 && found[1].hasPrefix("project.create "))
        try await fleet.refused(["operations", "no.such"], "OPERATION_NOT_FOUND", saying: "no.such")
    }

    private func localCommandsAnswer(_ fleet: Fleet, _ session: String, link: String?) async throws {
        let status = try await fleet.local("one", "status", "--json")
        #expect(status.exitCode == 0, "\(status.errors)")
        if let link { #expect(try status.json()["link"]?.stringValue == link) }
        #expect(try status.json()["sessions"] == 1)
        #expect(try await fleet.local("one", "status").text.contains("name: one"))
        #expect(try await fleet.local("one", "sessions").text.contains(session))
        #expect(try await fleet.local("one", "sessions", "--json").json()["sessions"]?.arrayValue?.count == 1)
        #expect(try await fleet.local("one", "worktrees").text.contains(fleet.directory(of: "one").path))
        #expect(try await fleet.local("one", "worktrees", "--json").json()["worktrees"]?.arrayValue?.isEmpty == false)
        #expect(try await fleet.local("one", "journal", "--json").json()["epoch"] == 1)
        #expect(try await fleet.local("one", "journal", "verify").text == "complete\n")
        #expect(try await fleet.local("one", "journal", "verify", "--json").json()["complete"] == true)
        let doctor = try await fleet.local("one", "doctor")
        #expect(doctor.exitCode == 0 && doctor.text.contains("ok    git"), "\(doctor.text)")
        #expect(try await fleet.local("one", "drain", "--deadline", "0s").errors.contains("1 sessions still run"))
        #expect(try await fleet.local("one", "status", "--json").json()["draining"] == true)
        #expect(try await fleet.local("one", "drain", "--undo").exitCode == 0)
        #expect(try await fleet.local("one", "status", "--json").json()["draining"] == false)
    }

    @Test func aSessionMayDoWhatItWasGrantedAndNothingElse() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let spoke = Fleet.binaries.appending(path: "spoke").path
            let script = """
                say() { "$@" > /dev/null 2> said; echo "$? $(grep -o '[A-Z]*_[A-Z_]*:' said)"; }
                say \(spoke) call session.get "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\"}"
                say \(spoke) notify hello --level warning
                say \(spoke) call spoke.list
                say \(spoke) call token.create
                say \(spoke) call nope.nope
                say \(spoke) call session.get '{}'
                say \(spoke) call session.get '{'
                echo wrong > wrong; say env NAVE_TOKEN_FILE=wrong \(spoke) call session.list
                say env NAVE_SESSION_ID=other \(spoke) call session.list
                stat -c %a "$NAVE_TOKEN_FILE" "$NAVE_SOCKET"
                """
            let grants = ["session:read", "coord:write"]
            let session = try await fleet.spawnGranted("demo", script, grants: grants, on: "one")
            #expect(try await fleet.end(of: session)["mapping"]?["status"] == "completed")
            let said = String(decoding: try await fleet.logs(session), as: UTF8.self)
            let wanted = [
                "0 ", "0 ", "77 ACCESS_DENIED:", "77 ACCESS_DENIED:", "1 OPERATION_NOT_FOUND:", "1 VALIDATION_ERROR:",
                "64 ", "77 ", "77 ", "600", "600",
            ]
            #expect(said.split(separator: "\n").map(String.init) == wanted)
            let messages = try await fleet.ask("call", "session.messages", "{\"sessionId\":\"\(session)\"}")
            #expect("\(messages)".contains("hello"), "\(messages)")
            let outside = ["call", "account.get", "--data-dir", fleet.directory(of: "one").path]
            try await fleet.refused(outside, exits: 78, "VALIDATION_ERROR", saying: "hub call", by: "spoke")
            let own = try await fleet.spawnGranted("demo", "\(spoke) call session.list", grants: [], on: "one")
            _ = try await fleet.end(of: own)
            let refused = String(decoding: try await fleet.logs(own, stream: "stderr"), as: UTF8.self)
            #expect(refused.contains("ACCESS_DENIED"), "a session without grants may nothing: \(refused)")
        }
    }
}
