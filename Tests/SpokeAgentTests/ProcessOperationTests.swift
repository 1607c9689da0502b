import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Programs that calls run, with real processes under the real supervisor.
@Suite struct ProcessOperationTests {
    @Test func aProgramsOutputAndEndAreStreamed() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let values = try await stage.follow(
            RunProcess(
                workspaceId: "one",
                command: ["sh", "-c", "pwd -P; echo $GREETING $NAVE_BRANCH $TRACEPARENT; cat; echo no >&2; exit 3"],
                environment: ["GREETING": "hi"],
                input: "from stdin"
            ),
            traceparent: "00-aa-bb-01"
        )
        #expect(values.first?.pid != nil)
        #expect(values.text(.stdout) == "\(directory)\nhi wt/one 00-aa-bb-01\nfrom stdin")
        #expect(values.text(.stderr) == "no\n")
        #expect(values.last?.exitCode == 3 && values.last?.reason == .exited)
        // Nothing of it is left.
        #expect(Folder.names(in: stage.programs.root).isEmpty)
    }

    @Test func aProgramKnowsTheCallThatItWasStartedFor() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let run = RunProcess(
            workspaceId: "one",
            command: ["sh", "-c", "echo $NAVE_REQUEST_ID $TRACEPARENT"],
            environment: ["TRACEPARENT": "another"]
        )
        let id = try await stage.begin(RunProcess.name, JSONValue(encoding: run), traceparent: "00-aa-bb-01")
        #expect(try await stage.follow(id).text(.stdout) == "\(id) 00-aa-bb-01\n")
        // What it says of that to the spoke's socket is taken as far as it can be handed on.
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let origin = LocalOrigin(environment: ["NAVE_REQUEST_ID": id, "TRACEPARENT": trace, "HOME": "/"])
        #expect(origin.sound == origin && origin.requestId == id && origin.traceparent == trace)
        let long = String(repeating: "x", count: Limits.requestIdBytes + 1)
        for (id, trace) in [("", "00-aa-bb-01"), ("a b", ""), ("é", trace + "-00"), (long, trace.uppercased())] {
            let origin = LocalOrigin(environment: ["NAVE_REQUEST_ID": id, "TRACEPARENT": trace])
            #expect(origin.sound == LocalOrigin(), "“\(id)”, “\(trace)”")
        }
    }

    @Test func wordsReachTheProgramAsTheyAre() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let words = ["a b", "$HOME", "*", "'\"", "", "é\n", "; rm -rf /", "--"]
        let values = try await stage.follow(
            RunProcess(workspaceId: "one", command: ["printf", "%s|"] + words, directory: "src")
        )
        #expect(values.text(.stdout) == words.map { "\($0)|" }.joined())
    }

    @Test func everyByteArrivesThoughTheConsumerIsSlow() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let script = "i=0; while [ $i -lt 3000 ]; do echo \"line $i éé\"; i=$((i+1)); done; printf '\\377\\376'"
        let values = try await stage.follow(RunProcess(workspaceId: "one", command: ["sh", "-c", script]))
        let bytes = values.reduce(into: Data()) { data, value in
            guard value.stream == .stdout else { return }
            data += value.base64 ?? Data((value.text ?? "").utf8)
        }
        #expect(bytes == Data((0..<3_000).map { "line \($0) éé\n" }.joined().utf8) + Data([0xFF, 0xFE]))
    }

    @Test func noMoreIsSentThanWasGranted() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let request = RunProcess(workspaceId: "one", command: ["sh", "-c", "while :; do echo x; done"])
        let id = try await stage.begin(RunProcess.name, JSONValue(encoding: request))
        for count in 0..<ValueCredit.first { _ = await stage.heard.next(of: id, behind: count) }
        // A word in between, answered over the same link, shows that the runner had its turn.
        for _ in 0..<20 { _ = try await stage.ask(ReadHostLoad()) }
        #expect(stage.heard.all(of: id).count == ValueCredit.first)
        await stage.grant(id, 2)
        _ = await stage.heard.next(of: id, behind: ValueCredit.first + 1)
        await stage.abort(id)
        let last = await stage.heard.next(of: id, behind: ValueCredit.first + 2)
        guard case .failed(let failure) = last else { return #expect(Bool(false), "\(last)") }
        #expect(failure.error.code == .aborted)
    }

    @Test func anAbortEndsTheWholeTreeAndProvesIt() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let script =
            "trap '' INT TERM; setsid sleep 900 & sh -c 'trap \"\" INT TERM; sleep 901' & echo up; wait; sleep 902"
        let request = RunProcess(workspaceId: "one", command: ["sh", "-c", script])
        let id = try await stage.begin(RunProcess.name, JSONValue(encoding: request))
        let first: RunProcess.Output = try await value(stage, id, 0)
        let pid = try #require(first.pid)
        _ = await stage.heard.next(of: id, behind: 1)
        await stage.abort(id)
        let last = await stage.heard.next(of: id, behind: 2)
        guard case .failed(let failure) = last else { return #expect(Bool(false), "\(last)") }
        #expect(failure.error.code == .aborted)
        #expect(failure.error.details?["outcome"] == "stopped" && failure.error.details?["exitSignal"] == 9)
        #expect((failure.error.details?["processes"]?.arrayValue?.count ?? 0) >= 1)
        #expect(!ProcessTable.isAlive(pid))
        #expect(stage.runner.count == 0)
    }

    @Test func aDeadlineEndsTheProgramToo() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let request = RunProcess(workspaceId: "one", command: ["sleep", "900"])
        let id = try await stage.begin(
            RunProcess.name,
            JSONValue(encoding: request),
            deadlineMilliseconds: 400
        )
        let late = await fault { try await stage.follow(id) }
        #expect(late?.code == .timeout && late?.details?["outcome"] == "stopped")
        let own = try await stage.follow(
            RunProcess(workspaceId: "one", command: ["sleep", "900"], timeoutSeconds: 1)
        )
        #expect(own.last?.reason == .timeout)
    }

    @Test func theEndOfTheLinkEndsEverything() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let request = RunProcess(workspaceId: "one", command: ["sleep", "900"])
        let id = try await stage.begin(RunProcess.name, JSONValue(encoding: request))
        let first: RunProcess.Output = try await value(stage, id, 0)
        await stage.runner.end()
        #expect(!ProcessTable.isAlive(try #require(first.pid)))
        #expect(stage.heard.all(of: id).count == 1)
    }

    @Test func whatAnAgentLeftBehindIsEndedByTheNext() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let folder = SessionFolder(root: stage.programs.root, id: "call-left")
        let spec = ProcessSpec(
            sessionId: "call-left",
            command: ["sleep", "900"],
            environment: ["PATH": "/usr/bin:/bin"],
            directory: directory
        )
        let process = try await SupervisedProcess.start(spec, in: folder, supervisor: try SupervisorExecutable.find())
        process.abandon()
        try await stage.anotherRunner().sweep()
        #expect(!ProcessTable.isAlive(process.pid) && Folder.names(in: stage.programs.root).isEmpty)
    }

    @Test func noWorktreeIsRemovedUnderACall() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let request = RunProcess(workspaceId: "one", command: ["sh", "-c", "echo up; cd /; sleep 900"])
        let id = try await stage.begin(RunProcess.name, JSONValue(encoding: request))
        _ = await stage.heard.next(of: id, behind: 1)
        #expect(stage.worktrees.uses.count("one") == 1)
        #expect(await stage.worktrees.uses.close("one", patience: .zero) == 1)
        let meanwhile = await fault { try await stage.ask(StatFile(workspaceId: "one", path: ".")) }
        #expect(meanwhile?.code == .conflict)
        stage.worktrees.uses.open("one")
        async let removal = stage.worktrees.remove("one", reason: "test")
        await stage.abort(id)
        _ = try await removal
        let gone = await fault { try await stage.ask(StatFile(workspaceId: "one", path: ".")) }
        #expect(gone?.code == .notFound)
    }

    @Test func theOwnerDecidesWhichProgramsRun() async throws {
        let stage = try await CallStage(
            policy: "commands:\n  allow: [echo, printenv]\nenvironment:\n  deny: [SECRET_*]\n"
        )
        try await stage.worktree()
        #expect(
            try await stage.follow(RunProcess(workspaceId: "one", command: ["echo", "hi"])).text(.stdout) == "hi\n"
        )
        for request in [
            RunProcess(workspaceId: "one", command: ["sh", "-c", "true"]),
            RunProcess(workspaceId: "one", command: ["./run.sh"]),
            RunProcess(workspaceId: "one", command: ["echo"], environment: ["LD_PRELOAD": "x"]),
            RunProcess(workspaceId: "one", command: ["echo"], environment: ["SECRET_X": "x"]),
            RunProcess(workspaceId: "one", command: ["echo"], environment: ["PATH": "."]),
        ] {
            let refused = await fault { try await stage.follow(request) }
            #expect(refused?.code == .accessDenied, "\(request)")
        }
    }

    @Test func whatCannotRunIsSaidInWords() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("ln -s /tmp out; echo x > plain", in: directory)
        for (request, code) in [
            (RunProcess(workspaceId: "one", command: []), Fault.Code.validation),
            (RunProcess(workspaceId: "one", command: ["a\0b"]), .validation),
            (RunProcess(workspaceId: "one", command: ["no-such-program"]), .execution),
            (RunProcess(workspaceId: "one", command: ["true"], directory: "../.."), .accessDenied),
            (RunProcess(workspaceId: "one", command: ["true"], directory: "out"), .accessDenied),
            (RunProcess(workspaceId: "one", command: ["true"], directory: "plain"), .validation),
            (RunProcess(workspaceId: "one", command: ["true"], directory: "none"), .notFound),
            (RunProcess(workspaceId: "one", command: ["true"], environment: ["A=B": "x"]), .validation),
            (RunProcess(workspaceId: "one", command: ["true"], timeoutSeconds: 0), .validation),
            (RunProcess(command: ["true"]), .validation),
        ] {
            let refused = await fault { try await stage.follow(request) }
            #expect(refused?.code == code, "\(request): \(String(describing: refused))")
        }
    }

    private func value<Value: Decodable>(_ stage: CallStage, _ id: String, _ index: Int) async throws -> Value {
        let message = await stage.heard.next(of: id, behind: index)
        guard case .responded(let answer) = message else { throw Fault(.unknown, "\(message)") }
        return try #require(answer.output["data"]).decoded()
    }
}
