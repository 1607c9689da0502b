import Foundation
import Logging
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// What a spoke has and does not give away: other people's worktrees, its own files, and secrets.
@Suite struct OwnFilesTests {
    /// Holds every scope of files and git, and looks after no organisation.
    private static let stranger = Identity(id: "stranger", scopes: ["fs:write", "git:write", "process:write"])
    private static let overseer = Identity(id: "overseer", scopes: ["fs:write", "git:read", "org:admin"])

    /// Every operation that takes an absolute path.
    private static func inputs(_ path: String, _ more: [String: JSONValue] = [:]) -> [(String, JSONValue)] {
        let place = more.merging(["path": .string(path)]) { $1 }
        return [
            ("fs.read", .object(place)), ("fs.stat", .object(place)), ("fs.list", .object(place)),
            ("fs.write", .object(place.merging(["text": "x"]) { $1 })),
            ("fs.glob", .object(place.merging(["pattern": "**"]) { $1 })),
            ("fs.grep", .object(place.merging(["text": "e"]) { $1 })),
        ]
    }

    @Test func anAbsolutePathIsOpenToWhoNamedTheWorktreeWorksInItOrOverseesAll() async throws {
        let stage = try await CallStage()
        let (one, two) = (try await stage.worktree(), try await stage.worktree("two"))
        for path in [
            one + "/run.sh", two + "/run.sh", one, one + "/../one/run.sh", stage.git.data + "/worktrees/none/x",
        ] {
            for (operation, input) in Self.inputs(path) {
                let refused = await fault { try await stage.call(operation, input, by: Self.stranger) }
                let isDotted = path.contains("..")
                #expect(refused?.code == (isDotted ? .validation : .accessDenied), "\(operation) \(path)")
                if !isDotted { #expect(refused?.message.contains("workspaceId") == true, "\(operation) \(path)") }
            }
        }
        let read = ReadFile(path: one + "/run.sh")
        #expect(try await stage.ask(read, by: Self.overseer).path == "run.sh")
        #expect(try await stage.ask(read, by: Self.stranger, session: "session").path == "run.sh")
        let other = await fault {
            try await stage.ask(ReadFile(path: two + "/run.sh"), by: Self.stranger, session: "session")
        }
        #expect(other?.code == .accessDenied)
        // What the input names has been before the hub's gate.
        let named = ReadFile(workspaceId: "one", path: one + "/run.sh")
        #expect(try await stage.ask(named, by: Self.stranger).path == "run.sh")
        let wrong = await fault { try await stage.ask(ReadFile(workspaceId: "one", path: two + "/run.sh")) }
        #expect(wrong?.code == .validation && wrong?.message.contains("two") == false)
    }

    @Test func whoOverseesNothingNamesTheProjectWhoseWorktreesAreListed() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        #expect(try await stage.ask(GitWorktrees(), by: Self.overseer).worktrees.count == 1)
        let all = await fault { try await stage.ask(GitWorktrees(), by: Self.stranger) }
        #expect(all?.code == .accessDenied && all?.message.contains("projectId") == true)
        #expect(try await stage.ask(GitWorktrees(projectId: "project"), by: Self.stranger).worktrees.count == 1)
    }

    @Test func noPolicyOpensTheSpokesOwnFilesUnderAnyName() async throws {
        let stage = try await CallStage(policy: "paths: {allow: ['*']}\n")
        let (data, directory) = (stage.git.data, try await stage.worktree())
        let beside = stage.git.folder + "/beside"
        try await stage.git.shell(
            """
            mkdir -p \(beside); echo e > \(beside)/plain; echo e-secret > \(data)/credential.json
            for place in \(beside) \(directory); do ln \(data)/credential.json $place/hard; done
            ln -s \(data) \(beside)/link; ln -s ../../credential.json \(directory)/soft
            """
        )
        var paths = ["credential.json", "policy.yaml", "repos", "worktrees", "sessions", "new", "."].map {
            data + "/" + $0
        }
        paths += [beside + "/link/credential.json", data]
        for (operation, input) in paths.flatMap({ Self.inputs($0) }) {
            let refused = await fault { try await stage.call(operation, input) }
            #expect(refused?.code == .accessDenied, "\(operation) \(input)")
        }
        for request in [
            ReadFile(path: beside + "/hard"), ReadFile(workspaceId: "one", path: "hard"),
            ReadFile(workspaceId: "one", path: "soft"), ReadFile(path: "/proc/self/root\(data)/credential.json"),
        ] {
            let refused = await fault { try await stage.ask(request) }
            #expect(refused?.code == .accessDenied, "\(request.path)")
        }
        // A search from above passes by what it may not open.
        let found = try await stage.ask(GrepFiles(text: "e", path: stage.git.folder))
        #expect(found.matches.map(\.path).contains(beside + "/plain"))
        #expect(!found.matches.contains { $0.path.hasPrefix(data) || $0.path.hasSuffix("/hard") }, "\(found.matches)")
        #expect(try await stage.ask(GlobFiles(pattern: "data/**", path: stage.git.folder)).paths.isEmpty)
        let outside = RunProcess(workspaceId: "one", command: ["true"], directory: "../..")
        #expect(await fault { try await stage.follow(outside) }?.code == .accessDenied)
        let absolute = RunProcess(workspaceId: "one", command: ["true"], directory: data)
        #expect(await fault { try await stage.follow(absolute) }?.code == .validation)
    }

    @Test func aSearchOutsideShowsOnlyWhatTheOwnerAllows() async throws {
        let probe = try await CallStage()
        let outside = probe.git.folder + "/outside"
        try await probe.git.shell("mkdir outside; echo e > outside/open; echo e > outside/denied")
        let stage = try await CallStage(policy: "paths:\n  allow: ['\(outside)*']\n  deny: ['*/denied']\n")
        #expect(try await stage.ask(GlobFiles(pattern: "**", path: outside)).paths == [outside + "/open"])
        let found = try await stage.ask(GrepFiles(text: "e", path: outside))
        #expect(found.matches.map(\.path) == [outside + "/open"])
    }

    @Test func aSessionThatNamesNoWorktreeMeansItsOwn() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        try await stage.worktree("two")
        #expect(try await stage.ask(GitStatus(), session: "session").workspaceId == "one")
        #expect(try await stage.ask(GitStatus(workspaceId: "two"), session: "session").workspaceId == "two")
        #expect(try await stage.ask(ReadFile(path: "run.sh"), session: "session").path == "run.sh")
        let nobody = await fault { try await stage.ask(GitStatus()) }
        #expect(nobody?.code == .validation && nobody?.message.contains("absolute") == false)
        let file = await fault { try await stage.ask(ReadFile(path: "run.sh")) }
        #expect(file?.code == .validation && file?.message.contains("absolute path") == true)
    }
}

/// What is cut shows no more of a secret than what is whole.
@Suite struct CutSecretTests {
    private static let canary = "canary-0123456789abcdef"

    @Test func aFileReadInAnyPartsShowsWhatItShowsWhole() async throws {
        let stage = try await CallStage(secrets: [Self.canary, "abcdefghi"])
        let directory = try await stage.worktree()
        let text = "key=\(Self.canary)ghi;\(Self.canary)"
        try text.write(toFile: directory + "/key.txt", atomically: true, encoding: .utf8)
        let whole = try #require(try await stage.ask(ReadFile(workspaceId: "one", path: "key.txt")).text)
        #expect(whole == "key=" + String(repeating: "*", count: 26) + ";" + String(repeating: "*", count: 23))
        for size in [1, 3, 7, 20] {
            for asBase64 in [false, true] {
                var (read, offset): ([UInt8], Int64?) = ([], 0)
                while let from = offset {
                    let part = try await stage.ask(
                        ReadFile(workspaceId: "one", path: "key.txt", offset: from, maxBytes: size, asBase64: asBase64)
                    )
                    #expect(part.offset == from && part.sizeBytes == Int64(text.utf8.count))
                    read += part.base64.map(Array.init) ?? Array((part.text ?? "").utf8)
                    offset = part.nextOffset
                }
                #expect(String(decoding: read, as: UTF8.self) == whole, "parts of \(size)")
            }
        }
    }

    @Test func aPatchThatIsCutHidesWhatTheCutGoesThrough() async throws {
        let stage = try await CallStage(secrets: [Self.canary])
        let directory = try await stage.worktree()
        try "\(Self.canary)\n".write(toFile: directory + "/conflict.txt", atomically: true, encoding: .utf8)
        let whole = try await stage.ask(GitDiff(workspaceId: "one"))
        #expect(whole.patch.contains("+***"))
        _ = try await stage.ask(GitCommit(workspaceId: "one", message: "A key"))
        for most in stride(from: 1, through: whole.patch.utf8.count, by: 11) {
            let cut = try await stage.ask(GitDiff(workspaceId: "one", from: "HEAD~1", maxBytes: most))
            #expect(whole.patch.hasPrefix(cut.patch), "\(cut.patch)")
            let file = try await stage.ask(
                GitShow(workspaceId: "one", path: "conflict.txt", maxBytes: min(most, Self.canary.count))
            )
            #expect(file.text?.allSatisfy { $0 == "*" } == true)
        }
    }

    @Test func nobodyLearnsASecretByLookingForIt() async throws {
        let stage = try await CallStage(secrets: [Self.canary])
        let directory = try await stage.worktree()
        let long = String(repeating: "x", count: 480)
        try "find \(Self.canary)\n\(long)find \(Self.canary)\n".write(
            toFile: directory + "/key.txt",
            atomically: true,
            encoding: .utf8
        )
        for guess in ["canary", Self.canary, "find c"] {
            #expect(try await stage.ask(GrepFiles(workspaceId: "one", text: guess)).matches.isEmpty, "\(guess)")
        }
        let found = try await stage.ask(GrepFiles(workspaceId: "one", text: "find"))
        #expect(found.matches.count == 2 && found.matches.allSatisfy { $0.text.contains("find ****") })
        #expect(found.matches.allSatisfy { !$0.text.contains("canary") }, "\(found.matches)")
    }

    @Test func whatAServerAddsToItsAnswerIsHiddenLikeTheAnswer() async throws {
        let (canary, patterns) = (Self.canary, SecretPatterns([Array(Self.canary.utf8)]))
        let spec = OperationSpec(
            namespace: "tool",
            name: "tell",
            type: .query,
            description: "Tells.",
            inputSchema: [:],
            outputSchema: [:],
            accessControl: .anyone
        )
        var entry = SpokeOperations.Entry(spec: spec, violations: { _ in [] })
        entry.answering = { (_, _) async throws(Fault) -> SpokeAnswer in
            SpokeAnswer(
                data: ["said": .string(canary)],
                meta: ["source": "mcp", "content": [["type": "text", "text": .string("a \(canary)")]]]
            )
        }
        var table = SpokeOperations()
        try table.offer(entry)
        let heard = HeardCalls()
        let desk = OperationDesk(table, policy: PolicyFile(path: "/none/policy.yaml"), secrets: { patterns })
        let runner = OperationRunner(desk: desk, logger: Logger(label: "test")) { heard.hear($0) }
        let request = CallRequested(
            requestId: "r",
            operationId: "tool.tell",
            input: [:],
            identity: CallStage.anybody,
            timestamp: 0
        )
        await runner.deliver(.requested(request))
        guard case .responded(let answer) = await heard.last(of: "r") else {
            Issue.record("no answer")
            return
        }
        #expect(!String(decoding: answer.output.serialized(), as: UTF8.self).contains(canary))
        #expect(answer.output["meta"]?["source"] == "mcp" && answer.output["meta"]?["operationId"] == "tool.tell")
        #expect(answer.output["meta"]?["content"]?.arrayValue?.first?["text"]?.stringValue?.hasPrefix("a ***") == true)
    }
}
