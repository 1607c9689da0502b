import Foundation
import Protocol
import TestSupport
import Testing

/// What was called ends when it shall, with proof, and what a session may do ends with its grants: a real hub, two
/// real spokes, a server of tools elsewhere.
@Suite struct CallEndTests {
    private static let token = "sesame-9876543210"

    @Test func callsEndWithProofAndReachAsFarAsTheirGrants() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            for name in ["a", "b"] { try await fleet.addSpoke(name) }
            try await fleet.addProject("app")
            for name in ["a", "b"] {
                _ = try await eventually("\(name) offers its operations") {
                    try await fleet.hub("call", "dev.\(name).host.load").exitCode == 0 ? true : nil
                }
            }
            let (session, tokenFile) = try await Self.sessionThatWaits(fleet)
            try await anAbortProvesTheEnd(fleet, session)
            try await aSessionAsksAllOverTheFleet(fleet)
            try await toolsFromElsewhereKeepTheirSecret(fleet)
            try await whatASessionBeganEndsWithIt(fleet, session, tokenFile)
        }
    }

    /// A session that runs until it is ended, and the file with its token.
    private static func sessionThatWaits(_ fleet: Fleet) async throws -> (id: String, tokenFile: String) {
        let script = "echo $NAVE_TOKEN_FILE; exec sleep 1000"
        let session = try await fleet.spawnGranted("app", script, grants: ["process:write"], on: "a")
        let file = try await eventually("the session says where its token is") { () -> String? in
            let said = String(decoding: try await fleet.logs(session), as: UTF8.self)
            return said.hasSuffix("\n") ? said.trimmingCharacters(in: .newlines) : nil
        }
        return (session, file)
    }

    private static func sleeping(in session: String) -> String {
        #"{"sessionId":"\#(session)","command":["sh","-c","trap '' INT TERM; sleep 900 & echo up; wait; sleep 901"]}"#
    }

    /// The first process that a followed program told of, once it says that it is up.
    private func pid(_ program: FleetProgram) async throws -> Int32 {
        try await eventually("the program is up") { () -> Int32? in
            let lines = program.outputText.split(separator: "\n")
            guard lines.contains(where: { $0.contains("up") }) else { return nil }
            return try lines.compactMap { try JSONValue(parsing: Array($0.utf8))["pid"]?.integerValue }.first
                .map { Int32($0) }
        }
    }

    /// The one call of this kind that runs.
    private static func running(_ option: String, _ value: String, in fleet: Fleet) async throws -> String {
        try await eventually("the call is shown") {
            let calls = try await fleet.ask("calls", option, value, "--status", "running")
            return calls["calls"]?.arrayValue?.first?["requestId"]?.stringValue
        }
    }

    private func anAbortProvesTheEnd(_ fleet: Fleet, _ session: String) async throws {
        let program = try fleet.begin("hub", ["subscribe", "process.run", Self.sleeping(in: session)])
        let pid = try await pid(program)
        let call = try await Self.running("--operation", "process.run", in: fleet)
        let stops = try await fleet.ask("calls", "abort", call)
        let stop = try #require(stops["calls"]?.arrayValue?.first)
        #expect(stop["outcome"] == "aborted" && stop["exitSignal"] == 9, "\(stops)")
        #expect(stop["processes"]?.arrayValue?.contains { $0["pid"]?.integerValue == Int64(pid) } == true, "\(stops)")
        #expect((stop["waitedMilliseconds"]?.integerValue ?? 0) > 0 && stop["providerType"] == "spoke", "\(stops)")
        #expect(!Fleet.lives(pid))
        #expect(await program.exit() == 1 && program.logText.contains("ABORTED"), "\(program.logText)")
        let record = try await fleet.ask("calls", "get", call)
        #expect(record["status"] == "aborted" && record["error"]?["details"]?["exitSignal"] == 9, "\(record)")
        // It was ended already: nothing to do.
        #expect(try await fleet.ask("calls", "abort", call)["calls"] == .array([]))
    }

    /// With its own authority a session asks the hub and, through it, spokes; what was not granted is denied.
    private func aSessionAsksAllOverTheFleet(_ fleet: Fleet) async throws {
        let spoke = Fleet.binaries.appending(path: "spoke").path
        let script = """
            \(spoke) call session.get "{\\"sessionId\\":\\"$NAVE_SESSION_ID\\"}" --json; echo "own: $?"
            \(spoke) call dev.b.host.info --json; echo "other: $?"
            \(spoke) call project.create '{"name":"x","repoUrl":"/x"}'; echo "ungranted: $?"
            \(spoke) call dev.b.fs.list '{"path":"/"}'; echo "ungranted there: $?"
            \(spoke) call dev.nobody.host.info; echo "nobody: $?"
            NAVE_SESSION_ID=other \(spoke) call dev.b.host.info; echo "another: $?"
            \(spoke) call host.info '{"surprise":1}'; echo "invalid: $?"
            """
        let session = try await fleet.spawnGranted("app", script, grants: ["session:read", "host:read"], on: "a")
        _ = try await fleet.end(of: session)
        let said = String(decoding: try await fleet.logs(session), as: UTF8.self)
        #expect(said.contains(session) && said.contains("own: 0"), "\(said)")
        #expect(said.contains(#""spoke":"b""#) && said.contains("other: 0"), "\(said)")
        for line in ["ungranted: 77", "ungranted there: 77", "another: 77", "invalid: 1"] {
            #expect(said.contains(line), "\(line) of \(said)")
        }
        #expect(said.contains("nobody: 69") || said.contains("nobody: 1"), "\(said)")
        // The graph says who asked, and on whose behalf.
        let calls = try await fleet.ask("calls", "--operation", "host.info", "--session", session)
        let call = try #require(calls["calls"]?.arrayValue?.first { $0["status"] == "completed" }, "\(calls)")
        #expect(call["sessionId"] == .string(session) && call["identity"]?["id"] == .string(session), "\(call)")
    }

    private func toolsFromElsewhereKeepTheirSecret(_ fleet: Fleet) async throws {
        let port = FreePort.draw()
        let file = try fleet.write("Bearer \(Self.token)\n", to: "tools-token")
        let command = try await PythonTools.command("mcp_server.py", ["\(port)", Self.token, "stream"])
        let server = try FleetProgram(
            command[0],
            Array(command.dropFirst()),
            environment: fleet.environment,
            folder: fleet.folder,
            name: "tools"
        )
        defer { server.signal(SIGKILL) }
        let settings = """
            mcpServers:
              far:
                url: http://127.0.0.1:\(port)/mcp
                headerFiles: {authorization: \(file)}

            """
        let configuration = fleet.directory(of: "b").appending(path: "spoke.yaml")
        try settings.write(to: configuration, atomically: true, encoding: .utf8)
        let sum = try await eventually("the tools are offered") { () -> JSONValue? in
            let finished = try await fleet.hub("call", "far.add", #"{"a":40,"b":2}"#, "--json")
            return finished.exitCode == 0 ? try finished.json() : nil
        }
        #expect(sum == ["result": 42])
        // What the server says of the secret does not leave the machine, though it was named while the spoke ran.
        let asked = try await fleet.ask("call", "far.asked")
        #expect(asked["x-plain"] == "" && asked["authorization"]?.stringValue?.contains("sesame") == false, "\(asked)")
        let hidden = try await fleet.hub("call", "far.fail")
        #expect(hidden.exitCode == 1 && hidden.errors.contains("no luck today"), "\(hidden.errors)")
        await server.crash()
    }

    /// A program that a session had run, by a process that is none of its own, ends with the session all the same.
    private func whatASessionBeganEndsWithIt(_ fleet: Fleet, _ session: String, _ tokenFile: String) async throws {
        let program = try fleet.begin(
            "spoke",
            ["subscribe", "process.run", Self.sleeping(in: session), "--json"],
            environment: [
                "NAVE_SESSION_ID": session, "NAVE_TOKEN_FILE": tokenFile,
                "NAVE_SOCKET": fleet.directory(of: "a").appending(path: "spoke.sock").path,
            ]
        )
        let pid = try await pid(program)
        let call = try await Self.running("--session", session, in: fleet)
        try await fleet.ask("abort", session, "--grace", "100ms")
        _ = try await eventually("the program is gone") { Fleet.lives(pid) ? nil : true }
        let record = try await eventually("the call says so") { () -> JSONValue? in
            let record = try await fleet.ask("calls", "get", call)
            return record["error"]?["details"]?["outcome"] == nil ? nil : record
        }
        #expect(record["status"] == "aborted" && record["error"]?["details"]?["outcome"] == "aborted", "\(record)")
        #expect(await program.exit() != 0)
    }
}
