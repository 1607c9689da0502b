import Foundation
import Protocol
import Testing

/// What a spoke offers, asked from outside and from inside a session: a real hub, a real spoke, one fleet for all.
@Suite struct SpokeOperationTests {
    private static let configuration = """
        operations:
          own.greet:
            description: Greets somebody.
            type: query
            input: {type: object, properties: {name: {type: string}}, required: [name], additionalProperties: false}
            command: [printf, "hello {name}"]

        """

    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func aSpokesOperationsAreCalledFromOutsideAndFromASession() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.join("a")
            let settings = fleet.directory(of: "a").appending(path: "spoke.yaml")
            try Self.configuration.write(to: settings, atomically: true, encoding: .utf8)
            try fleet.startSpoke("a")
            try await fleet.untilConnected("a")
            try await fleet.addProject("app")
            _ = try await eventually("the spoke's operations are registered") {
                try await fleet.hub("call", "host.load").exitCode == 0 ? true : nil
            }
            let session = try await Self.spawn(fleet)
            try await filesAndGit(fleet, session)
            try await aPrivateProjectsFilesAreItsMembersAlone(fleet)
            try await programs(fleet, session)
            try await ownOperations(fleet, settings)
            try await fromInside(fleet, session)
            try await theOwnersWord(fleet, session)
        }
    }

    /// A session that waits for a file, then asks for itself.
    private static func spawn(_ fleet: Fleet) async throws -> String {
        let spoke = Fleet.binaries.appending(path: "spoke").path
        let script = """
            until [ -e go ]; do sleep 0.1; done
            echo '{"path":"go"}' | \(spoke) call fs.read - --json
            \(spoke) subscribe process.run \
              "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\",\\"command\\":[\\"echo\\",\\"streamed\\"]}" --json
            echo "trace: $TRACEPARENT"
            cat > ask.json <<EOF
            {"sessionId":"$NAVE_SESSION_ID","command":["\(spoke)","call","host.info"]}
            EOF
            \(spoke) subscribe process.run @ask.json; echo "nested: $?"
            \(spoke) call git.status "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\"}"; echo "status: $?"
            \(spoke) subscribe process.run --deadline 500ms \
              "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\",\\"command\\":[\\"sleep\\",\\"900\\"]}"; echo "late: $?"
            \(spoke) call process.run "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\",\\"command\\":[\\"true\\"]}"
            echo "not a call: $?"
            \(spoke) subscribe host.info; echo "not a stream: $?"
            \(spoke) subscribe process.run "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\",
            \\"command\\":[\\"sh\\",\\"-c\\",\\"echo \\$\\$ > inner.new; mv inner.new inner; exec sleep 900\\"]}" &
            until [ -e inner ]; do sleep 0.1; done; kill $!
            while kill -0 "$(cat inner)"; do sleep 0.1; done; echo "left: nothing"
            """
        let session = try await fleet.spawnGranted(
            "app",
            script,
            grants: ["fs:read", "process:write", "host:read"],
            on: "a",
            trace: Self.trace
        )
        try await Self.untilItRuns(session, fleet)
        return session
    }

    private static func untilItRuns(_ session: String, _ fleet: Fleet) async throws {
        _ = try await eventually("the session runs") {
            let status = try await fleet.status(of: session)["session"]?["status"]?.stringValue
            return status == "running" || status == "busy" ? true : nil
        }
    }

    private func call(_ fleet: Fleet, _ operation: String, _ input: JSONValue) async throws -> JSONValue {
        try await fleet.ask("call", operation, String(decoding: input.serialized(), as: UTF8.self))
    }

    private func filesAndGit(_ fleet: Fleet, _ session: String) async throws {
        let read = try await call(fleet, "fs.read", ["sessionId": .string(session), "path": "README"])
        #expect(read["text"] == "hello\n")
        let status = try await call(fleet, "git.status", ["sessionId": .string(session)])
        #expect(status["head"]?.stringValue?.count == 40)
        try await fleet.refused(
            ["call", "fs.read", #"{"sessionId":"\#(session)","path":"../../../credential.json"}"#],
            exits: 77,
            "ACCESS_DENIED",
            saying: "leads out"
        )
        let host = try await call(fleet, "dev.a.host.info", [:])
        #expect(host["spoke"] == "a")
    }

    /// The hub's gate knows ids; a spoke knows where a path leads.
    private func aPrivateProjectsFilesAreItsMembersAlone(_ fleet: Fleet) async throws {
        try await fleet.ask("orgs", "create", "Engine Room")
        try await fleet.addProject("hidden")
        let added = try await call(fleet, "project.update", ["project": "hidden", "org": "engine-room"])
        let session = try await fleet.spawn("hidden", ["sleep", "900"], ["--spoke", "a"])
        // The spawn is answered before the spoke has its order.
        try await Self.untilItRuns(session, fleet)
        let all = try await call(fleet, "git.worktrees", [:])["worktrees"]?.arrayValue ?? []
        let hidden = try #require(all.first { $0["sessionId"]?.stringValue == session }, "\(all)")
        let open = try #require(all.first { $0["sessionId"]?.stringValue != session }, "\(all)")
        #expect(hidden["projectId"] == added["id"])
        let path = JSONValue.string((hidden["directory"]?.stringValue ?? "") + "/README")
        #expect(try await call(fleet, "fs.read", ["path": path])["text"] == "hello\n")

        try await fleet.ask("accounts", "create", "eve@example.org", "--name", "Eve")
        let scopes = ["--scope", "fs:write", "--scope", "git:write", "--account", "eve@example.org", "--json"]
        let issued = try await fleet.run("hub", ["key", "create", "eve"] + scopes).json()
        let key = try fleet.write(issued["key"]?.stringValue ?? "", to: "eve.key")
        func hers(_ operation: String, _ input: JSONValue) async throws -> Finished {
            let json = String(decoding: input.serialized(), as: UTF8.self)
            return try await fleet.run("hub", ["call", operation, json, "--key-file", key, "--json"])
        }
        for (operation, input) in [
            ("fs.read", ["path": path]), ("fs.write", ["path": path, "text": "hers"]),
            ("fs.grep", ["path": hidden["directory"] ?? .null, "text": "hello"]), ("git.worktrees", [:]),
        ] as [(String, JSONValue)] {
            let refused = try await hers(operation, input)
            #expect(refused.exitCode == 77 && refused.errors.contains("ACCESS_DENIED"), "\(operation): \(refused)")
        }
        let workspace = hidden["workspaceId"] ?? .null
        let unknown = [
            try await hers("fs.read", ["workspaceId": workspace, "path": path]),
            try await hers("git.worktrees", ["projectId": added["id"] ?? .null]),
        ]
        #expect(unknown.allSatisfy { $0.errors.contains("NOT_FOUND") }, "\(unknown)")
        let hersToSee = try await hers("git.worktrees", ["projectId": open["projectId"] ?? .null])
        #expect(hersToSee.exitCode == 0 && !hersToSee.text.contains(session), "\(hersToSee)")
        try await fleet.ask("abort", session)
    }

    private func programs(_ fleet: Fleet, _ session: String) async throws {
        let input: JSONValue = [
            "sessionId": .string(session), "command": ["sh", "-c", "echo out; echo $TRACEPARENT >&2; exit 4"],
        ]
        let said = try await fleet.post("/v1/subscribe/process.run", input, [("traceparent", Self.trace)])
        let lines = said.split(separator: "\n").filter { $0.hasPrefix("data: ") }
        let values = try lines.compactMap { try JSONValue(parsing: Array($0.dropFirst(6).utf8))["data"] }
        #expect(values.contains { $0["text"] == "out\n" && $0["stream"] == "stdout" })
        #expect(values.contains { $0["text"] == .string("\(Self.trace)\n") && $0["stream"] == "stderr" }, "\(said)")
        #expect(values.last?["exitCode"] == 4, "\(said)")
        try await deadlinesAndTargets(fleet, session)
    }

    /// The command line says how long and where, and the hub keeps it.
    private func deadlinesAndTargets(_ fleet: Fleet, _ session: String) async throws {
        let wait = #"{"sessionIds":["\#(session)"]}"#
        try await fleet.refused(["call", "coord.wait", wait, "--timeout", "500ms"], "TIMEOUT", saying: "500 ms")
        let sleep = #"{"sessionId":"\#(session)","command":["sleep","900"]}"#
        try await fleet.refused(["subscribe", "process.run", sleep, "--timeout", "500ms"], "TIMEOUT", saying: "500 ms")
        #expect(try await fleet.ask("call", "host.info", "--session", session)["spoke"] == "a")
        let nowhere = ["call", "host.info", "--label", "gpu=yes"]
        try await fleet.refused(nowhere, "UNAVAILABLE", saying: "gpu")
        let spoke = Fleet.binaries.appending(path: "spoke").path
        let grant = ["spawn", "--project", "app", "--grant", "host:read", "--follow"]
        let inside = try await fleet.run("hub", grant + ["--", spoke, "call", "host.info"])
        #expect(inside.exitCode == 0 && inside.text.contains("\"spoke\""), "\(inside.text)\(inside.errors)")
    }

    /// What the owner adds while the spoke runs is offered a moment later, and what is taken away is not.
    private func ownOperations(_ fleet: Fleet, _ settings: URL) async throws {
        #expect(try await call(fleet, "own.greet", ["name": "Ada"])["stdout"] == "hello Ada")
        let more = "  own.more:\n    description: Says more.\n    type: query\n    command: [echo, more]\n"
        try (Self.configuration + more).write(to: settings, atomically: true, encoding: .utf8)
        let answer = try await eventually("the new operation is registered") { () -> JSONValue? in
            let finished = try await fleet.hub("call", "own.more", "--json")
            return finished.exitCode == 0 ? try finished.json() : nil
        }
        #expect(answer["stdout"] == "more\n")
        try more.replacing("own.more", with: "nonsense").write(to: settings, atomically: true, encoding: .utf8)
        _ = try await eventually("the mistake is in the log") {
            fleet.spoke("a")?.logText.contains("spoke.yaml not taken over") == true ? true : nil
        }
        #expect(try await call(fleet, "own.greet", ["name": "Bob"])["stdout"] == "hello Bob")
    }

    private func fromInside(_ fleet: Fleet, _ session: String) async throws {
        _ = try await call(fleet, "fs.write", ["sessionId": .string(session), "path": "go", "text": "now"])
        let end = try await fleet.end(of: session)
        let said = String(decoding: try await fleet.logs(session), as: UTF8.self)
        #expect(end["session"]?["exitCode"] == 0, "\(end)")
        #expect(said.contains(#""text":"now""#), "\(said)")
        #expect(said.contains(#""text":"streamed\n""#) && said.contains(#""exitCode":0"#), "\(said)")
        // What the spawn did not grant, a session may not; and its patience is kept.
        #expect(said.contains("status: 77"), "\(said)")
        #expect(said.contains("late: 1"), "\(said)")
        #expect(said.contains("not a call: 1") && said.contains("not a stream: 1"), "\(said)")
        #expect(said.contains("left: nothing"), "\(said)")
        #expect(said.contains("trace: \(Self.trace)\n") && said.contains("nested: 0"), "\(said)")
        try await whatAProgramCallsHangsInTheTree(fleet, session)
    }

    /// A session's calls are in the trace of its spawn; a program's are below the call that it was started for.
    private func whatAProgramCallsHangsInTheTree(_ fleet: Fleet, _ session: String) async throws {
        let inner = try #require(
            try await fleet.ask("calls", "--operation", "host.info", "--session", session)["calls"]?.arrayValue?.first
        )
        let outer = try #require(inner["parentRequestId"]?.stringValue, "\(inner)")
        let calls = try await call(fleet, "call.tree", ["requestId": .string(outer)])["calls"]?.arrayValue ?? []
        let ids = calls.map { $0["call"]?["operationId"]?.stringValue ?? "" }
        #expect(ids == ["process.run", "host.info"], "\(calls)")
        let lineage = try await fleet.hub("calls", "lineage", inner["requestId"]?.stringValue ?? "").text
        #expect(lineage.contains("  host.info") && lineage.contains(outer), "\(lineage)")
        #expect(calls.allSatisfy { $0["call"]?["traceparent"] == .string(Self.trace) }, "\(calls)")
    }

    private func theOwnersWord(_ fleet: Fleet, _ session: String) async throws {
        let policy = fleet.directory(of: "a").appending(path: "policy.yaml")
        try "operations:\n  deny: [host.*]\n".write(to: policy, atomically: true, encoding: .utf8)
        // Denied at once by the spoke, and a moment later not offered any more.
        let refused = try await fleet.hub("call", "host.load")
        #expect(refused.exitCode != 0, "\(refused.text)")
        _ = try await eventually("the denied operation is not offered any more") {
            let finished = try await fleet.hub("call", "host.load")
            return finished.exitCode != 0 && !finished.errors.contains("ACCESS_DENIED") ? true : nil
        }
        try "bogus: 1\n".write(to: policy, atomically: true, encoding: .utf8)
        _ = try await eventually("what is wrong with the policy is in the log") {
            fleet.spoke("a")?.logText.contains("policy.yaml allows nothing until it is mended") == true ? true : nil
        }
    }
}
