import Foundation
import Protocol
import Testing

/// Agents from the order to what they leave behind: a real hub, a real spoke, a scripted agent program.
@Suite struct AgentTests {
    /// `coder` is spoken to in JSON and takes conversations up again; `plain` takes its prompt as an argument.
    private static let configuration = """
        agents:
          coder:
            command: [python3, "\(PythonTools.file("agent.py"))"]
            promptVia: stdin
            input: jsonl
            output: jsonl
            resume: ["--resume", "{session}"]
            interrupt: '{"type":"interrupt"}'
          plain:
            command: [printf, "%s done\\\\n"]
            promptVia: argument

        """

    @Test func anAgentWorksIsSpokenToTakenUpAgainAndItsWorkLands() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.join("a")
            let settings = fleet.directory(of: "a").appending(path: "spoke.yaml")
            try Self.configuration.write(to: settings, atomically: true, encoding: .utf8)
            try fleet.startSpoke("a")
            try await fleet.untilConnected("a")
            let bare = try await Self.addBareProject(fleet)
            try await anAgentNobodyHasIsWaitedFor(fleet)
            try await aPlainAgentsTextIsItsMessage(fleet)
            try await agentsAreTakenOverWhileTheSpokeRuns(fleet)
            let session = try await anAgentIsSpokenTo(fleet)
            try await itsWorkLands(fleet, session, bare)
            try await whatCannotLandIsRefused(fleet, session)
            let kept = try await itsConversationIsTakenUpAgain(fleet, session)
            try await tasksAreReadFromAWorktree(fleet, kept)
            try await anAbortIsSaidInItsOwnWords(fleet)
            #expect(try await fleet.ask("verify")["complete"] == true)
        }
    }

    private func call(_ fleet: Fleet, _ operation: String, _ input: JSONValue) async throws -> JSONValue {
        try await fleet.ask("call", operation, String(decoding: input.serialized(), as: UTF8.self))
    }

    /// A project whose origin takes what is sent to it.
    private static func addBareProject(_ fleet: Fleet) async throws -> URL {
        let repository = try await fleet.addProject("seed", files: ["README": "hello\n", "notes": "one\n"])
        let bare = fleet.folder.appending(path: "app.git")
        try await fleet.git(["clone", "-q", "--bare", repository.path, bare.path], in: fleet.folder)
        try await fleet.ask("project", "add", "app", "--repo", bare.path)
        return bare
    }

    private func spawn(_ fleet: Fleet, _ agent: String, _ prompt: String) async throws -> String {
        let spawned = try await fleet.ask("spawn", "--project", "app", "--agent", agent, "--prompt", prompt)
        return spawned["sessionId"]?.stringValue ?? ""
    }

    private func anAgentNobodyHasIsWaitedFor(_ fleet: Fleet) async throws {
        let spoke = try await fleet.ask("spokes")["spokes"]?.arrayValue?.first
        let agents: [AgentOffer] = try spoke?["agents"]?.decoded() ?? []
        #expect(
            agents == [
                AgentOffer(name: "coder", resumes: true, interrupts: true, output: .jsonl), AgentOffer(name: "plain"),
            ]
        )
        let session = try await spawn(fleet, "codre", "Hello")
        let why = try await fleet.hub("why", session)
        #expect(why.text.contains("No spoke has an agent “codre”") && why.text.contains("“coder”"), "\(why.text)")
        #expect(why.text.contains("a: It has no agent “codre”, but coder, plain."))
        try await fleet.ask("abort", session)
    }

    private func aPlainAgentsTextIsItsMessage(_ fleet: Fleet) async throws {
        let session = try await spawn(fleet, "plain", "Say it")
        let followed = try await fleet.hub("subscribe", "session.transcript", #"{"sessionId":"\#(session)"}"#)
        let parts = try followed.text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        #expect(parts.map { $0["data"]?["text"] } == ["Say it done\n"], "\(followed.text)\(followed.errors)")
        #expect(try await fleet.end(of: session)["session"]?["agent"]?["state"] == "done")
    }

    /// The hub knows what the file says now, over the link there was; who began with a profile keeps it.
    private func agentsAreTakenOverWhileTheSpokeRuns(_ fleet: Fleet) async throws {
        let settings = fleet.directory(of: "a").appending(path: "spoke.yaml")
        let before = try await spoke(fleet)
        let running = try await spawn(fleet, "coder", "Hello")
        try await untilHeard(fleet, running, "Hello")
        let waiting = try await spawn(fleet, "late", "Say it late")
        #expect(try await fleet.hub("why", waiting).text.contains("No spoke has an agent “late”"))

        let late = "agents: {late: {command: [printf, \"%s\"], promptVia: argument}}\n"
        try late.write(to: settings, atomically: true, encoding: .utf8)
        #expect(try await fleet.end(of: waiting)["session"]?["exitCode"] == 0)
        #expect(try await fleet.logs(waiting) == Data("Say it late".utf8))
        let told = try await spoke(fleet)
        #expect(told["agents"] == .array([JSONValue(encoding: AgentOffer(name: "late"))]), "\(told)")
        #expect(told["connectedAt"] == before["connectedAt"], "It is the same link.")

        let gone = try await spawn(fleet, "plain", "x")
        let why = try await fleet.hub("why", gone)
        #expect(why.text.contains("a: It has no agent “plain”, but late."), "\(why.text)")
        try await fleet.ask("abort", gone)
        try await fleet.ask("message", running, "bye")
        #expect(try await fleet.end(of: running)["session"]?["exitCode"] == 0, "It is still spoken to in JSON.")

        // What cannot be understood changes nothing.
        try "agents: [".write(to: settings, atomically: true, encoding: .utf8)
        _ = try await eventually("it is said in the log") {
            fleet.spoke("a")?.logText.contains("spoke.yaml not taken over") == true ? true : nil
        }
        #expect(try await spoke(fleet)["agents"] == told["agents"])
        try Self.configuration.write(to: settings, atomically: true, encoding: .utf8)
        _ = try await eventually("the agents are as before") {
            try await spoke(fleet)["agents"] == before["agents"] ? true : nil
        }
    }

    private func spoke(_ fleet: Fleet) async throws -> JSONValue {
        try await fleet.ask("spokes")["spokes"]?.arrayValue?.first ?? .null
    }

    /// The texts of a session's parts of one kind.
    private func parts(_ fleet: Fleet, _ session: String, _ type: String) async throws -> [JSONValue] {
        let input: JSONValue = ["sessionId": .string(session), "type": .string(type), "limit": 500]
        return try await call(fleet, "session.parts", input)["parts"]?.arrayValue ?? []
    }

    private func untilHeard(_ fleet: Fleet, _ session: String, _ text: String) async throws {
        _ = try await eventually("the agent says that it heard \(text)") {
            let said = try await parts(fleet, session, "text").compactMap { $0["data"]?["text"]?.stringValue }
            return said.contains("heard: \(text)") ? true : nil
        }
    }

    private func state(_ fleet: Fleet, _ session: String, is wanted: String) async throws {
        _ = try await eventually("the agent is \(wanted)") {
            try await fleet.status(of: session)["session"]?["agent"]?["state"]?.stringValue == wanted ? true : nil
        }
    }

    private func anAgentIsSpokenTo(_ fleet: Fleet) async throws -> String {
        let session = try await spawn(fleet, "coder", "Hello")
        try await untilHeard(fleet, session, "Hello")
        try await state(fleet, session, is: "idle")
        let sent = try await fleet.ask("messages", "send", session, "work")
        #expect(sent["delivery"] == "queued")
        try await untilHeard(fleet, session, "work")
        _ = try await eventually("the message was read") {
            let messages = try await fleet.ask("messages", session)["messages"]?.arrayValue ?? []
            return messages.first { $0["id"] == sent["messageId"] }?["delivery"] == "consumed" ? true : nil
        }
        #expect(try await parts(fleet, session, "tool-call").first?["data"]?["name"] == "write")
        #expect(try await parts(fleet, session, "tool-result").first?["data"]?["output"] == "written")
        #expect(try await parts(fleet, session, "reasoning").count == 1)
        try await fleet.ask("message", session, "permission")
        try await state(fleet, session, is: "needs-permission")
        #expect(try await fleet.hub("status", session).text.contains("(needs-permission)"))
        try await fleet.refused(["land", session, "--into", "main"], "CONFLICT", saying: "still works")

        // At its side to the end: what was, what is typed, what comes of it.
        let attached = try await fleet.run("hub", ["attach", session, "--from", "0"], input: Data("bye\n".utf8))
        #expect(attached.exitCode == 0, "\(attached.errors)")
        for line in ["heard: Hello", "(I should write it down.)", "→ write", "← written", "heard: bye"] {
            #expect(attached.text.contains(line), "\(line) in \(attached.text)")
        }
        #expect(attached.errors.contains("» bye"), "\(attached.errors)")
        #expect(!attached.text.contains("\"type\""), "What programs read is not shown to people.")
        let entry = try await fleet.end(of: session)["session"]
        #expect(entry?["providerSessionId"]?.stringValue?.hasPrefix("conversation-") == true)
        #expect(entry?["agent"]?["state"] == "done" && entry?["agent"]?["model"] == "scripted-1")
        #expect((entry?["agent"]?["usage"]?["inputTokens"]?.integerValue ?? 0) >= 9, "\(entry as Any)")
        return session
    }

    private func itsWorkLands(_ fleet: Fleet, _ session: String, _ bare: URL) async throws {
        let dry = try await fleet.ask("land", session, "--into", "main", "--dry-run")
        #expect(dry["outcome"] == "mergeable" && dry["commits"] == 1, "\(dry)")
        let landed = try await fleet.ask("land", session, "--strategy", "squash", "--message", "Bring it in")
        #expect(landed["outcome"] == "landed" && landed["pushed"] == true && landed["into"] == "main", "\(landed)")
        let log = try await Finished.of(
            ["/usr/bin/env", "git", "-C", bare.path, "log", "-1", "--format=%H %s %an", "main"],
            environment: fleet.environment,
            in: fleet.folder,
            within: .seconds(30)
        )
        #expect(log.text == "\(landed.text("commit")) Bring it in agent\n")
        let again = try await fleet.hub("land", session)
        #expect(again.exitCode == 0 && again.text.hasPrefix("up to date"), "\(again.text)\(again.errors)")
        // The spoke's part of it is a call of its own, below the one that asked for it.
        let calls = try await call(fleet, "call.list", ["operation": "git.land"])["calls"]?.arrayValue ?? []
        #expect(calls.count == 3 && calls.allSatisfy { $0["parentRequestId"]?.stringValue != nil }, "\(calls)")
        // Somebody else moves main such that the same lines disagree.
        let other = fleet.folder.appending(path: "other")
        try await fleet.git(["clone", "-q", bare.path, other.path], in: fleet.folder)
        try Data("two\n".utf8).write(to: other.appending(path: "notes"))
        try await fleet.git(["commit", "-q", "-am", "two"], in: other)
        let script = "echo mine > notes; git -c user.name=s -c user.email=s@localhost commit -qam mine"
        let clashing = try await fleet.spawn("app", ["sh", "-c", script], ["--branch", "clash"])
        #expect(try await fleet.end(of: clashing)["session"]?["exitCode"] == 0)
        try await fleet.git(["push", "-q", "origin", "main"], in: other)
        let clash = try await fleet.hub("land", "--branch", "clash", "--project", "app", "--into", "main")
        #expect(clash.exitCode == 1 && clash.text.contains("notes  content"), "\(clash.text)\(clash.errors)")
    }

    private func whatCannotLandIsRefused(_ fleet: Fleet, _ session: String) async throws {
        try await fleet.refused(["land", "nobody", "--into", "main"], "NOT_FOUND", saying: "no session")
        try await fleet.refused(["land", session, "--into=--force"], "VALIDATION_ERROR", saying: "begin with “-”")
        try await fleet.refused(["land", session, "--into", "mian"], "NOT_FOUND", saying: "“main”")
        let branch = ["land", "--project", "app", "--into", "main", "--branch"]
        try await fleet.refused(branch + ["wt/none"], "NOT_FOUND", saying: "No session worked on")
        let dirty = try await fleet.spawn("app", ["sh", "-c", "echo dirt > dirt; false"], ["--branch", "dirty"])
        _ = try await fleet.end(of: dirty)
        try await fleet.refused(["land", dirty], "CONFLICT", saying: "1 uncommitted changes (dirt)")
        let policy = fleet.directory(of: "a").appending(path: "policy.yaml")
        try "operations:\n  deny: [git.push]\n".write(to: policy, atomically: true, encoding: .utf8)
        try await fleet.refused(branch + ["clash"], exits: 77, "ACCESS_DENIED", saying: "git.push")
        try "commands: {deny: [python3]}\n".write(to: policy, atomically: true, encoding: .utf8)
        let agent = ["spawn", "--project", "app", "--follow", "--agent", "coder", "--prompt", "x"]
        try await fleet.refused(agent, "ACCESS_DENIED", saying: "command python3")
        try FileManager.default.removeItem(at: policy)
    }

    private func itsConversationIsTakenUpAgain(_ fleet: Fleet, _ session: String) async throws -> String {
        try await fleet.refused(
            ["call", "session.resume", #"{"sessionId":"\#(session)"}"#],
            "CONFLICT",
            saying: "worktree"
        )
        let first = try await spawn(fleet, "coder", "quota")
        let end = try await fleet.end(of: first)
        #expect(end["session"]?["agent"]?["state"] == "quota", "\(end)")
        #expect(end["session"]?["agent"]?["quotaResetsAt"] == "2033-05-18T03:33:19.000Z")
        #expect(try await fleet.hub("status", first).text.contains("(quota)"))
        let conversation = end["session"]?["providerSessionId"]
        _ = try await call(fleet, "session.resume", ["sessionId": .string(first), "prompt": "Again"])
        try await untilHeard(fleet, first, "Again")
        let begun = try await parts(fleet, first, "step-start")
        #expect(begun.map { $0["data"]?["resumed"] } == [false, true])
        #expect(begun.last?["data"]?["session_id"] == conversation)
        let text = "heard: Again"
        let shown = try await fleet.hub("messages", first)
        #expect(shown.text.contains(text) && shown.text.contains("assistant"), "\(shown.text)")
        return first
    }

    private func tasksAreReadFromAWorktree(_ fleet: Fleet, _ session: String) async throws {
        for (path, text) in [
            ("tasks/store.md", "---\nname: Keep it\n---\nIn the database.\n"),
            ("tasks/web/login.md", "---\nname: Log in\ndepends_on: [store]\n---\n"), ("elsewhere.md", "no task"),
        ] {
            let input: JSONValue = [
                "sessionId": .string(session), "path": .string(path), "text": .string(text), "createFolders": true,
            ]
            _ = try await call(fleet, "fs.write", input)
        }
        let order: JSONValue = ["projectId": "app", "directory": "tasks", "sessionId": .string(session)]
        let taken = try await call(fleet, "task.import", order)
        #expect(taken["created"] == ["store", "login"] && taken["dependencies"] == 1, "\(taken)")
        for (directory, code, words) in [
            ("none", "NOT_FOUND", "none"), ("../..", "VALIDATION_ERROR", "directory"),
            ("/etc", "VALIDATION_ERROR", "dir"),
        ] {
            let order: JSONValue = ["projectId": "app", "directory": .string(directory), "sessionId": .string(session)]
            let text = String(decoding: order.serialized(), as: UTF8.self)
            try await fleet.refused(["call", "task.import", text], code, saying: words)
        }
        try await fleet.ask("message", session, "bye")
        #expect(try await fleet.end(of: session)["session"]?["exitCode"] == 0)
    }

    private func anAbortIsSaidInItsOwnWords(_ fleet: Fleet) async throws {
        let session = try await spawn(fleet, "coder", "Hello")
        try await untilHeard(fleet, session, "Hello")
        let outcome = try await fleet.ask("abort", session, "--grace", "20s")
        #expect(outcome["outcome"] == "stopped", "\(outcome)")
        let end = try await fleet.end(of: session)
        #expect(end["mapping"]?["status"] == "aborted" && end["session"]?["exitCode"] == 3, "\(end)\(fleet.spokeLogs)")
        #expect(try await parts(fleet, session, "step-finish").last?["data"]?["result"] == "interrupted")
    }
}

extension JSONValue {
    fileprivate func text(_ name: String) -> String { self[name]?.stringValue ?? "" }
}
