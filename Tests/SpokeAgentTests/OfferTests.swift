import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// What a spoke offers, and how calls of it end.
@Suite struct OfferTests {
    @Test func everyOperationExplainsItselfWithoutFlaw() async throws {
        let stage = try await CallStage()
        let specs = stage.desk.operations.entries.values.map(\.spec)
        #expect(
            Set(specs.map(\.id)) == [
                "fs.read", "fs.write", "fs.list", "fs.stat", "fs.glob", "fs.grep", "git.status", "git.diff", "git.log",
                "git.show", "git.commit", "git.push", "git.fetch", "git.merge", "git.mergeAbort", "git.mergeability",
                "git.worktrees", "git.land", "process.run", "host.info", "host.load",
            ]
        )
        for spec in specs {
            #expect(spec.description.hasSuffix(".") && spec.description.count <= 160, "\(spec.id)")
            #expect(!spec.accessControl.requiredScopes.isEmpty, "\(spec.id)")
            let examples = spec.inputSchema["examples"]?.arrayValue ?? []
            #expect(!examples.isEmpty, "\(spec.id)")
            let entry = try #require(stage.desk.operations.entries[spec.id])
            for example in examples { #expect(entry.violations(example).isEmpty, "\(spec.id) \(example)") }
        }
        #expect(flaws(ReadFile.self) + flaws(WriteFile.self) + flaws(StatFile.self) + flaws(ListFolder.self) == [])
        #expect(flaws(GlobFiles.self) + flaws(GrepFiles.self) + flaws(RunProcess.self) == [])
        #expect(flaws(GitStatus.self) + flaws(GitDiff.self) + flaws(GitLog.self) + flaws(GitShow.self) == [])
        #expect(flaws(GitCommit.self) + flaws(GitPush.self) + flaws(GitFetch.self) + flaws(GitMerge.self) == [])
        #expect(flaws(GitMergeability.self) + flaws(GitWorktrees.self) == [])
        #expect(flaws(ReadHostInfo.self) + flaws(ReadHostLoad.self) == [])
    }

    private func flaws<Request: RemoteOperation>(_ request: Request.Type) -> [String] {
        SchemaProbe.shape(of: Request.self).undescribed().map { "\(Request.name) input \($0)" }
            + SchemaProbe.shape(of: Request.Output.self).undescribed().map { "\(Request.name) output \($0)" }
            + SchemaProbe.strayDescriptions(of: Request.self).map { "\(Request.name) stray \($0)" }
    }

    @Test func theHelloFitsAndChangesWithWhatIsOffered() async throws {
        let stage = try await CallStage()
        #expect(stage.desk.operations.specBytes < 200_000)
        let (short, whole) = await (stage.desk.summary(whole: false), stage.desk.summary(whole: true))
        #expect(short.specs == nil && short.hash == whole.hash && short.hash.count == 64)
        #expect(whole.specs?.count == stage.desk.operations.entries.count)
        for spec in whole.specs ?? [] { _ = try spec.decoded(as: OperationSpec.self) }
        let other = try await CallStage(commands: [
            "own.echo": CommandOperation(description: "Says hi.", command: ["echo"])
        ])
        #expect(await other.desk.summary(whole: false).hash != short.hash)
        #expect(SpokeOperations().summary(whole: true) { _ in true } == OperationsSummary(hash: "", specs: []))
    }

    @Test func whatIsNotOfferedIsNotFound() async throws {
        let stage = try await CallStage()
        let unknown = await fault { try await stage.call("fs.remove", [:]) }
        #expect(unknown?.code == .operationNotFound)
    }

    @Test func theHostTellsAboutItself() async throws {
        let stage = try await CallStage()
        let info = try await stage.ask(ReadHostInfo())
        #expect(info.spoke == "stage" && info.cpus > 0 && info.memoryBytes > 0 && info.gitVersion.hasPrefix("2"))
        let load = try await stage.ask(ReadHostLoad())
        #expect(load.sessions == 3 && load.calls >= 1 && load.disk > 0)
    }

    @Test func aSecondCallOfTheSameIdIsRefusedAndDisturbsNobody() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let request = JSONValue(encoding: RunProcess(workspaceId: "one", command: ["sleep", "900"]))
        let id = try await stage.begin(RunProcess.name, request)
        _ = await stage.heard.next(of: id, behind: 0)
        let twin = CallRequested(requestId: id, operationId: "host.load", input: [:], timestamp: 0)
        await stage.runner.deliver(.requested(twin))
        guard case .failed(let failure) = await stage.heard.next(of: id, behind: 1) else {
            return #expect(Bool(false), "the twin was taken in")
        }
        #expect(failure.error.code == .conflict && stage.runner.count == 1)
        // Words about calls that are not there are nobody's.
        await stage.abort("nobody")
        await stage.grant("nobody", 5)
        await stage.runner.end()
    }

    @Test func whoeverAbortsMayAskWhatBecameOfIt() async throws {
        let command = CommandOperation(description: "Takes for ever.", command: ["sleep", "900"])
        let stage = try await CallStage(commands: ["own.wait": command])
        let id = try await stage.begin("own.wait", [:])
        await stage.abort(id, wantsProof: true)
        guard case .failed(let failure) = await stage.heard.last(of: id) else { return #expect(Bool(false)) }
        #expect(failure.error.code == .aborted)
        // Nobody asked: nobody is told.
        let unasked = try await stage.begin("own.wait", [:])
        await stage.abort(unasked)
        await stage.abort("nobody", wantsProof: true)
        guard case .failed(let gone) = await stage.heard.last(of: "nobody") else { return #expect(Bool(false)) }
        #expect(gone.error.code == .notFound && gone.error.details?["gone"] == true)
        await stage.runner.end()
        #expect(stage.heard.all(of: unasked).isEmpty && stage.heard.all(of: id).count == 1)
    }

    @Test func onlySoManyCallsAreUnderWay() async throws {
        let stage = try await CallStage(programsMost: 3)
        try await stage.worktree()
        let request = JSONValue(encoding: RunProcess(workspaceId: "one", command: ["sleep", "900"]))
        var ids: [String] = []
        for _ in 0...3 { ids.append(try await stage.begin(RunProcess.name, request)) }
        var refusals = 0
        for id in ids {
            if case .failed(let failure) = await stage.heard.next(of: id, behind: 0) {
                #expect(failure.error.code == .rateLimited && failure.error.retryable)
                refusals += 1
            }
        }
        #expect(refusals == 1)
        await stage.runner.end()
        #expect(stage.runner.count == 0)
    }

    @Test func aSearchEndsWhenItsCallerLeaves() async throws {
        let abandonment = Abandonment()
        abandonment.happen()
        let stage = try await CallStage()
        let confinement = try Confinement(try await stage.worktree(), beside: OwnFiles(root: stage.git.data))
        let search = FileSearch(deeds: FileDeeds(confinement: confinement), abandonment: abandonment)
        let left = await fault { try search.glob(try GlobPattern("**", field: "pattern"), below: .here, limit: 9) }
        #expect(left?.code == .aborted)
    }
}

/// Words that become paths, patterns and arguments.
@Suite struct CallWordsTests {
    @Test func patternsOfPathsFitWhatTheySay() throws {
        func fits(_ pattern: String, _ path: String) throws -> Bool {
            try GlobPattern(pattern, field: "p").matches(path.split(separator: "/").map(String.init))
        }
        #expect(try fits("**/*.swift", "a.swift") && fits("**/*.swift", "a/b/c.swift"))
        #expect(try !fits("*.swift", "a/b.swift") && !fits("a/*", "a/b/c") && fits("a/**", "a/b/c"))
        #expect(try fits("a/**/b", "a/b") && fits("a/**/b", "a/x/y/b") && !fits("a/**/b", "a/b/c"))
        #expect(try fits("?/**/**/x*", "a/x1") && !fits("?/x", "aa/x") && fits("**", "anything/at/all"))
        #expect(throws: Fault.self) { try GlobPattern("../x", field: "p") }
        #expect(throws: Fault.self) { try GlobPattern("/x", field: "p") }
        #expect(throws: Fault.self) { try GlobPattern(String(repeating: "**/", count: 65), field: "p") }
        // However it is written, no pattern takes long.
        let long = try GlobPattern(
            String(repeating: "**/*a*", count: 1) + String(repeating: "/**", count: 60),
            field: "p"
        )
        #expect(!long.matches(Array(repeating: String(repeating: "b", count: 200), count: 200)))
        let search = try GlobPattern("a/b/*.txt", field: "p")
        #expect(search.mayMatch(below: ["a"]) && search.mayMatch(below: ["a", "b"]) && !search.mayMatch(below: ["c"]))
        #expect(!search.mayMatch(below: ["a", "b", "c.txt"]))
    }

    @Test func oneFieldBecomesOneArgument() throws {
        let template = try ArgumentTemplate(["docker", "build", "--tag={tag}", "{{x}}", "{level}", "--", "{files...}"])
        #expect(template.program == "docker" && template.fields == ["tag", "level", "files"])
        let input: JSONValue = ["tag": "a b; rm -rf / $(x) \"'", "files": ["-rf", "a b", ""]]
        #expect(
            try template.command(for: input) == [
                "docker", "build", "--tag=a b; rm -rf / $(x) \"'", "{x}", "--", "-rf", "a b", "",
            ]
        )
        #expect(
            try template.command(for: ["tag": .number(1.5), "level": true]) == [
                "docker", "build", "--tag=1.5", "{x}", "true", "--",
            ]
        )
        for bad: JSONValue in [["level": "-rf"], ["tag": ["a"]], ["files": "a"], ["tag": "a\0b"], ["tag": [:]]] {
            #expect(throws: Fault.self, "\(bad)") { try template.command(for: bad) }
        }
        #expect(throws: Fault.self) {
            try template.command(for: ["tag": .string(String(repeating: "a", count: 200_000))])
        }
        for bad in [
            [], ["{program}"], ["a", "{x"], ["a", "x}"], ["a", "{}"], ["a", "x{y...}"], [""], ["a", "b\0"],
        ] {
            #expect(throws: Fault.self, "\(bad)") { try ArgumentTemplate(bad) }
        }
    }

    @Test func bytesAreCutBetweenCharacters() {
        let text = Array("aé€😀".utf8)
        #expect((0...text.count).map { UTF8Cut.length(of: Array(text[..<$0])) } == [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10])
        #expect(UTF8Cut.length(of: [0x80, 0x80, 0x80, 0x80]) == 4)
        #expect(UTF8Cut.length(of: [0xE2, 0x82], isLast: true) == 2)
    }

    @Test func anAnswerIsMeasuredAsItIsSent() {
        let small = JSONValue.string(String(repeating: "a", count: 900_000))
        let large = JSONValue.string(String(repeating: "\u{1}", count: 200_000))
        #expect(AnswerSize.fits(small) && !AnswerSize.fits(large))
        #expect(!AnswerSize.fits(.array(Array(repeating: small, count: 2))))
    }
}
