import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Callers and trees that want out of the worktree.
@Suite struct FileHostilityTests {
    /// What nobody may read, beside the worktrees.
    private static func secret(_ stage: CallStage) throws -> String {
        let path = stage.git.folder + "/outside"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try "secret".write(toFile: path + "/secret", atomically: true, encoding: .utf8)
        return path
    }

    @Test func noPathLeadsOut() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let outside = try Self.secret(stage)
        try await stage.git.shell(
            """
            ln -s \(outside) absolute; ln -s ../../../outside relative; ln -s \(outside)/secret file
            ln -s ../../../outside/secret hop; ln -s loop loop; mkdir -p in && ln -s ../../../.. in/up
            ln -s /proc/self/root root; ln -s /proc/self/fd fds
            """,
            in: directory
        )
        for path in [
            "../../../outside/secret", "src/../../../../outside/secret", "absolute/secret", "relative/secret", "file",
            "hop", "loop", "in/up/outside/secret", "root/etc/passwd", "fds/0", "..", "../..",
        ] {
            for operation in ["fs.read", "fs.list", "fs.write", "fs.glob"] {
                var input: JSONValue = ["workspaceId": "one", "path": .string(path)]
                if operation == "fs.write" { input = ["workspaceId": "one", "path": .string(path), "text": "x"] }
                if operation == "fs.glob" { input = ["workspaceId": "one", "path": .string(path), "pattern": "*"] }
                let refused = await fault { try await stage.call(operation, input) }
                #expect(refused?.code == .accessDenied, "\(operation) \(path): \(String(describing: refused))")
            }
        }
        for path in ["/etc/passwd", outside + "/secret", directory + "/../../../outside/secret", "/proc/self/environ"] {
            let refused = await fault { try await stage.ask(ReadFile(path: path)) }
            #expect(refused?.code == .accessDenied || refused?.code == .validation, "\(path)")
        }
        #expect(try String(contentsOfFile: outside + "/secret", encoding: .utf8) == "secret")
    }

    @Test func whatIsNoFileIsNeverOpened() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        #expect(mkfifo(directory + "/pipe", 0o600) == 0)
        for path in ["pipe", "src", "."] {
            let read = await fault { try await stage.ask(ReadFile(workspaceId: "one", path: path)) }
            #expect(read?.code == .validation, "\(path)")
            let written = await fault { try await stage.ask(WriteFile(workspaceId: "one", path: path, text: "")) }
            #expect(written?.code == .validation, "\(path)")
        }
        #expect(try await stage.ask(StatFile(workspaceId: "one", path: "pipe")).kind == .other)
        // A search passes it by instead of waiting for a writer that never comes.
        #expect(try await stage.ask(GrepFiles(workspaceId: "one", text: "hi", glob: "run.sh")).matches.count == 1)
    }

    @Test func badWordsAreSentBack() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        for input: JSONValue in [
            ["workspaceId": "one", "path": ""], ["workspaceId": "one", "path": "a\0b"], ["path": "a"],
            ["workspaceId": "one", "path": .string(String(repeating: "a/", count: 3_000))],
            ["workspaceId": "one", "path": .string(String(repeating: "a", count: 300))],
            ["workspaceId": "one", "path": 7], ["workspaceId": "one", "path": "a", "more": 1],
            ["workspaceId": "one", "path": "a", "offset": -1], ["workspaceId": "one", "path": "a", "maxBytes": 0],
        ] {
            let refused = await fault { try await stage.call("fs.read", input) }
            #expect(refused?.code == .validation, "\(input)")
        }
        let unknown = await fault { try await stage.ask(ReadFile(workspaceId: "none", path: "a")) }
        #expect(unknown?.code == .notFound)
        let elsewhere = await fault { try await stage.ask(ReadFile(sessionId: "nobody", path: "a")) }
        #expect(elsewhere?.code == .notFound)
    }

    @Test func gitsOwnIsNotWritten() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("mkdir -p nested/.git/hooks; ln -s nested/.git/hooks innocent", in: directory)
        for path in [".git", ".GIT", "nested/.git/config", "innocent/post-checkout", ".git/hooks/x"] {
            let refused = await fault {
                try await stage.ask(WriteFile(workspaceId: "one", path: path, text: "x", createFolders: true))
            }
            #expect(refused?.code == .accessDenied, "\(path)")
        }
        _ = try await stage.ask(WriteFile(workspaceId: "one", path: ".gitignore", text: "x\n"))
    }

    @Test func whatTheOwnerAllowsOutsideIsReachedWithoutLinks() async throws {
        let probe = try await CallStage()
        let outside = try Self.secret(probe)
        let stage = try await CallStage(policy: "paths:\n  allow: [\"\(outside)/*\"]\n  deny: [\"*/denied*\"]\n")
        try await probe.git.shell("ln -s /etc away; ln -s secret near; echo no > denied", in: outside)
        #expect(try await stage.ask(ReadFile(path: outside + "/secret")).text == "secret")
        #expect(try await stage.ask(ReadFile(path: outside + "/secret")).path == outside + "/secret")
        for path in ["/away/passwd", "/near", "/denied", "/../outside/secret"] {
            let refused = await fault { try await stage.ask(ReadFile(path: outside + path)) }
            #expect(refused?.code == .accessDenied || refused?.code == .validation, "\(path)")
        }
        _ = try await stage.ask(WriteFile(path: outside + "/made", text: "by a call"))
        #expect(try String(contentsOfFile: outside + "/made", encoding: .utf8) == "by a call")
    }

    @Test func theOwnersWordOutranksTheCall() async throws {
        let stage = try await CallStage(
            policy: "operations:\n  allow: [\"fs.*\", \"host.*\"]\n  deny: [\"fs.write\"]\n"
        )
        try await stage.worktree()
        #expect(try await stage.ask(ReadFile(workspaceId: "one", path: "run.sh")).text != nil)
        for operation in ["fs.write", "git.status", "process.run"] {
            let refused = await fault { try await stage.call(operation, ["workspaceId": "one"]) }
            #expect(refused?.code == .accessDenied, "\(operation)")
        }
        // What is denied is not offered either, and the word is heard again as soon as it changes.
        let offered = await stage.desk.summary(whole: true).specs?.compactMap { $0["namespace"]?.stringValue }
        #expect(Set(offered ?? []) == ["fs", "host"])
        try "operations: {allow: nonsense}".write(
            toFile: stage.git.data + "/policy.yaml",
            atomically: true,
            encoding: .utf8
        )
        let all = await fault { try await stage.ask(ReadHostLoad()) }
        #expect(all?.code == .validation)
        #expect(await stage.desk.summary(whole: true).specs == [])
    }

    @Test func aFolderSwappedForALinkLeadsNobodyOut() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let outside = try Self.secret(stage)
        try await stage.git.shell(
            "mkdir swapped && echo harmless > swapped/secret; ln -s \(outside) evil",
            in: directory
        )
        let over = Abandonment()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let (real, link, spare) = (directory + "/swapped", directory + "/evil", directory + "/spare")
                while !over.hasHappened {
                    _ = (rename(real, spare), rename(link, real), rename(real, link), rename(spare, real))
                    await Task.yield()
                }
            }
            for round in 0..<400 {
                do throws(Fault) {
                    let confinement = try Confinement(directory, beside: OwnFiles(root: stage.git.data))
                    let deeds = FileDeeds(confinement: confinement)
                    let path = try RelativePath("swapped/secret")
                    if round % 2 == 0 {
                        #expect(try deeds.read(path, from: 0, max: 100, asBase64: false).text != "secret")
                    } else {
                        _ = try deeds.write(
                            Array("harmless".utf8),
                            to: path,
                            mustBeNew: false,
                            createFolders: false,
                            executable: nil
                        )
                    }
                } catch {
                    #expect([.accessDenied, .notFound, .validation].contains(error.code), "\(error)")
                }
            }
            over.happen()
            try await group.waitForAll()
        }
        #expect(try String(contentsOfFile: outside + "/secret", encoding: .utf8) == "secret")
    }

    @Test func secretsOfTheMachineDoNotLeaveInAnAnswer() async throws {
        let canary = "canary-0123456789abcdef"
        let stage = try await CallStage(secrets: [canary])
        let directory = try await stage.worktree()
        try "key=\(canary)\n".write(toFile: directory + "/key.txt", atomically: true, encoding: .utf8)
        let read = try await stage.call("fs.read", ["workspaceId": "one", "path": "key.txt"])
        let found = try await stage.call("fs.grep", ["workspaceId": "one", "text": "key="])
        let encoded = try await stage.call("fs.read", ["workspaceId": "one", "path": "key.txt", "asBase64": true])
        let values = try await stage.follow(RunProcess(workspaceId: "one", command: ["cat", "key.txt"]))
        let failed = await fault { try await stage.ask(ReadFile(workspaceId: "one", path: canary)) }
        for said in [read, found, encoded, JSONValue(encoding: values), .string(failed?.message ?? "")] {
            let text = String(decoding: said.serialized(), as: UTF8.self)
            #expect(!text.contains(canary) && !text.contains(Data(canary.utf8).base64EncodedString().prefix(20)))
        }
        #expect(read["text"]?.stringValue == "key=\(String(repeating: "*", count: canary.count))\n")
    }
}
