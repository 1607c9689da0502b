import Foundation
import Protocol
import Testing

@testable import SpokeAgent

/// Files of a worktree, as callers get at them.
@Suite struct FileOperationTests {
    @Test func aFileIsReadWholeAndInParts() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let whole = try await stage.ask(ReadFile(workspaceId: "one", path: "conflict.txt"))
        #expect(whole.text == "one\ndeux\nthree\n" && whole.sizeBytes == 15 && whole.nextOffset == nil)
        let part = try await stage.ask(ReadFile(sessionId: "session", path: "conflict.txt", offset: 4, maxBytes: 4))
        #expect(part.text == "deux" && part.nextOffset == 8)
        let absolute = try await stage.ask(ReadFile(path: directory + "/conflict.txt"))
        #expect(absolute == whole)
        #expect(try await stage.ask(ReadFile(workspaceId: "one", path: "./src/../link")).path == "src/file0")
        let behind = await fault { try await stage.ask(ReadFile(workspaceId: "one", path: "run.sh", offset: 99)) }
        #expect(behind?.code == .validation)
    }

    @Test func textIsNeverCutWithinACharacterAndBytesAreBase64() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try "aé€😀".write(toFile: directory + "/accents", atomically: true, encoding: .utf8)
        var (text, offset): (String, Int64?) = ("", 0)
        while let from = offset {
            let part = try await stage.ask(
                ReadFile(workspaceId: "one", path: "accents", offset: from, maxBytes: 4)
            )
            text += try #require(part.text)
            offset = part.nextOffset
        }
        #expect(text == "aé€😀")
        // Not even one character fits: bytes, so that the caller gets on.
        let short = try await stage.ask(ReadFile(workspaceId: "one", path: "accents", offset: 1, maxBytes: 1))
        #expect(short.text == nil && short.base64 == Data([0xC3]) && short.nextOffset == 2)
        try Data([0, 255, 1]).write(to: URL(filePath: directory + "/binary"))
        let binary = try await stage.ask(ReadFile(workspaceId: "one", path: "binary"))
        #expect(binary.text == nil && binary.base64 == Data([0, 255, 1]))
        let forced = try await stage.ask(ReadFile(workspaceId: "one", path: "conflict.txt", asBase64: true))
        #expect(forced.text == nil && forced.base64?.count == 15)
    }

    @Test func aHugeFileIsReadInPartsAndNeverWhole() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let file = FileManager.default.createFile(atPath: directory + "/huge", contents: nil)
        #expect(file && truncate(directory + "/huge", 1 << 40) == 0)
        let part = try await stage.ask(
            ReadFile(workspaceId: "one", path: "huge", offset: (1 << 40) - 10, maxBytes: 10, asBase64: true)
        )
        #expect(part.sizeBytes == 1 << 40 && part.base64 == Data(count: 10) && part.nextOffset == nil)
        let tooMuch = await fault { try await stage.ask(ReadFile(workspaceId: "one", path: "huge", maxBytes: 1 << 30)) }
        #expect(tooMuch?.code == .validation)
        // Control characters take six bytes each as JSON: more than a frame holds is an answer with a code.
        let asText = await fault {
            try await stage.ask(ReadFile(workspaceId: "one", path: "huge", maxBytes: 512 << 10))
        }
        #expect(asText?.code == .tooLarge)
    }

    @Test func aFileIsWrittenWholeOrNotAtAll() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let made = try await stage.ask(
            WriteFile(workspaceId: "one", path: "new/deep/notes.md", text: "hello", createFolders: true)
        )
        #expect(made.created && made.path == "new/deep/notes.md" && made.sizeBytes == 5)
        #expect(try String(contentsOfFile: directory + "/new/deep/notes.md", encoding: .utf8) == "hello")
        let missing = await fault { try await stage.ask(WriteFile(workspaceId: "one", path: "no/where", text: "")) }
        #expect(missing?.code == .notFound)
        let again = await fault {
            try await stage.ask(WriteFile(workspaceId: "one", path: "new/deep/notes.md", text: "x", mustBeNew: true))
        }
        #expect(again?.code == .conflict)
        // What could be executed before still can, and a link is written through, not replaced.
        _ = try await stage.ask(WriteFile(workspaceId: "one", path: "run.sh", text: "#!/bin/sh\n"))
        #expect(try await stage.ask(StatFile(workspaceId: "one", path: "run.sh")).executable)
        _ = try await stage.ask(WriteFile(workspaceId: "one", path: "run.sh", text: "", executable: false))
        #expect(try await !stage.ask(StatFile(workspaceId: "one", path: "run.sh")).executable)
        let through = try await stage.ask(WriteFile(workspaceId: "one", path: "link", base64: Data([7])))
        #expect(through.path == "src/file0" && !through.created)
        #expect(try await stage.ask(StatFile(workspaceId: "one", path: "link")).target == "src/file0")
        #expect(try Data(contentsOf: URL(filePath: directory + "/src/file0")) == Data([7]))
        let drafts = try await stage.git.shell("find . -name '.nave-*'", in: directory)
        #expect(drafts.isEmpty)
        let both = await fault {
            try await stage.ask(WriteFile(workspaceId: "one", path: "a", text: "a", base64: Data()))
        }
        #expect(both?.code == .validation)
    }

    @Test func foldersAreListedPageByPage() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        let top = try await stage.ask(ListFolder(workspaceId: "one"))
        let kinds = Dictionary(top.entries.map { ($0.path, $0.kind) }, uniquingKeysWith: { $1 })
        #expect(kinds["src"] == .folder && kinds["link"] == .link && kinds["run.sh"] == .file && !top.hasMore)
        var (names, after): ([String], String?) = ([], nil)
        while true {
            let page = try await stage.ask(ListFolder(workspaceId: "one", path: "src", after: after, limit: 5))
            names += page.entries.map(\.path)
            after = page.entries.last.map { String($0.path.dropFirst("src/".count)) }
            if !page.hasMore { break }
        }
        #expect(names == names.sorted() && names.contains("src/file11") && Set(names).count == names.count)
    }

    @Test func whatHasANameThatNoCallCanSayIsCounted() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("mkdir odd; cd odd; touch plain \"$(printf 'caf\\351')\"", in: directory)
        let listed = try await stage.ask(ListFolder(workspaceId: "one", path: "odd"))
        #expect(listed.entries.map(\.path) == ["odd/plain"] && listed.unnamed == 1)
        #expect(try await stage.ask(ListFolder(workspaceId: "one", path: "src")).unnamed == nil)
    }

    @Test func aMistakeOfTheCallersNamesTheFieldAndThePathAsItWasWritten() async throws {
        let stage = try await CallStage(policy: "paths: {allow: ['*']}\n")
        let directory = try await stage.worktree()
        try await stage.git.shell("ln -s loop loop", in: directory)
        for (operation, path) in [
            ("fs.list", "run.sh"), ("fs.read", "src"), ("fs.read", "run.sh/x"), ("fs.write", "src"),
        ] {
            var input: JSONValue = ["workspaceId": "one", "path": .string(path)]
            if operation == "fs.write" { input = ["workspaceId": "one", "path": .string(path), "text": ""] }
            let refused = await fault { try await stage.call(operation, input) }
            #expect(refused?.code == .validation, "\(operation) \(path)")
            #expect(refused?.details?.arrayValue?.first?["path"] == "path", "\(operation) \(path)")
        }
        let run = RunProcess(workspaceId: "one", command: ["true"], directory: "run.sh")
        let refused = await fault { try await stage.follow(run) }
        #expect(refused?.details?.arrayValue?.first?["path"] == "directory")
        let loop = await fault { try await stage.ask(ReadFile(workspaceId: "one", path: "loop")) }
        #expect(loop?.message.contains("in circles") == true)
        let absolute = await fault { try await stage.ask(ReadFile(path: stage.git.folder + "/no/such")) }
        #expect(absolute?.code == .notFound && absolute?.message.contains(" \(stage.git.folder)/no") == true)
    }

    @Test func filesAreFoundByPatternAndByText() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell(
            """
            mkdir -p a/b/c && printf 'x\\nNeedle here\\nneedle\\n' > a/b/c/one.txt && echo needle > a/two.md
            ln -s ../../.. a/b/up; printf 'needle\\0' > a/binary.txt; head -c 700 /dev/zero | tr '\\0' y > a/long.txt
            echo needle >> a/long.txt
            """,
            in: directory
        )
        let all = try await stage.ask(GlobFiles(workspaceId: "one", pattern: "a/**/*.txt"))
        #expect(all.paths == ["a/b/c/one.txt", "a/binary.txt", "a/long.txt"] && !all.hasMore)
        let below = try await stage.ask(GlobFiles(workspaceId: "one", pattern: "**", path: "a/b", limit: 1))
        #expect(below.paths == ["a/b/c/one.txt"])
        #expect(try await stage.ask(GlobFiles(workspaceId: "one", pattern: "**/.git")).paths.isEmpty)
        let found = try await stage.ask(GrepFiles(workspaceId: "one", text: "needle", path: "a"))
        #expect(
            found.matches.map { "\($0.path):\($0.line):\($0.column)" } == [
                "a/b/c/one.txt:3:1", "a/long.txt:1:701", "a/two.md:1:1",
            ]
        )
        #expect(found.matches[1].text.utf8.count <= 500 && found.matches[1].text.contains("needle"))
        let both = try await stage.ask(
            GrepFiles(workspaceId: "one", text: "NEEDLE", ignoreCase: true, glob: "**/*.txt", path: "a", limit: 2)
        )
        #expect(both.matches.map(\.line) == [2, 3] && both.hasMore)
    }

    @Test func aFilesFactsAreThoseOfTheFile() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let facts = try await stage.ask(StatFile(path: directory + "/run.sh"))
        #expect(facts.path == "run.sh" && facts.kind == .file && facts.executable && facts.sizeBytes == 18)
        #expect(abs(facts.modifiedAt.timeIntervalSinceNow) < 3_600)
        #expect(try await stage.ask(StatFile(workspaceId: "one", path: ".")).kind == .folder)
        let none = await fault { try await stage.ask(StatFile(workspaceId: "one", path: "none")) }
        #expect(none?.code == .notFound)
    }
}
