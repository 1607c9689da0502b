import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// git in a worktree, as callers get at it.
@Suite struct GitOperationTests {
    @Test func statusShowsWhatChanged() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell(
            "git mv run.sh 'go now.sh'; echo new > 'neu é.txt'; echo more >> conflict.txt; git rm -q src/file1",
            in: directory
        )
        let status = try await stage.ask(GitStatus(workspaceId: "one"))
        let changes = Dictionary(status.changes.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
        #expect(status.branch == "wt/one" && status.head?.count == 40)
        #expect(changes["neu é.txt"]?.worktree == "?" && changes["conflict.txt"]?.worktree == "M")
        #expect(changes["src/file1"]?.index == "D" && changes["go now.sh"]?.from == "run.sh")
        #expect(try await stage.ask(GitStatus(sessionId: "session", limit: 1)).changes.count == 1)
    }

    @Test func diffsLogsAndCommitsAreShown() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("echo more >> conflict.txt; echo x > b.txt; git add b.txt", in: directory)
        let all = try await stage.ask(GitDiff(workspaceId: "one"))
        #expect(all.patch.contains("+more") && all.patch.contains("b.txt") && !all.isCut)
        #expect(try await !stage.ask(GitDiff(workspaceId: "one", staged: true)).patch.contains("+more"))
        #expect(try await stage.ask(GitDiff(workspaceId: "one", paths: ["b.txt"])).patch.contains("conflict") == false)
        #expect(try await stage.ask(GitDiff(workspaceId: "one", maxBytes: 10)).isCut)
        let parted = try await stage.ask(
            GitDiff(workspaceId: "one", from: "origin/main", to: "origin/feature", sinceMergeBase: true)
        )
        #expect(parted.patch.contains("+zwei") && parted.patch.contains("-two"))
        let stat = try await stage.ask(GitDiff(workspaceId: "one", from: "v1", to: "origin/feature", statistics: true))
        #expect(stat.patch.contains("feature.txt"))
        let log = try await stage.ask(GitLog(workspaceId: "one", limit: 1))
        #expect(log.commits.first?.message == "second\n" && log.commits.first?.author == "T" && log.hasMore)
        let older = try await stage.ask(GitLog(workspaceId: "one", paths: ["run.sh"]))
        #expect(older.commits.map(\.message) == ["first\n"] && !older.hasMore)
        let since = try await stage.ask(GitLog(workspaceId: "one", revision: "origin/feature", since: "HEAD"))
        #expect(since.commits.map(\.message) == ["feature\n"])
        let shown = try await stage.ask(GitShow(workspaceId: "one"))
        #expect(shown.commit.message == "second\n" && shown.patch?.contains("+deux") == true)
        let before = try await stage.ask(GitShow(workspaceId: "one", revision: "HEAD~1", path: "conflict.txt"))
        #expect(before.text == "one\ntwo\nthree\n" && before.patch == nil)
        let none = await fault { try await stage.ask(GitShow(workspaceId: "one", path: "none")) }
        #expect(none?.code == .notFound)
    }

    @Test func changesAreCommitted() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("echo a > a.txt; echo b > b.txt; echo x > ignored.tmp; rm run.sh", in: directory)
        let some = try await stage.ask(
            GitCommit(workspaceId: "one", message: "Only a", paths: ["a.txt"], author: "Ada", email: "ada@x")
        )
        #expect(some.branch == "wt/one" && some.files == 1)
        let log = try await stage.git.shell("git log -1 --format='%an %ae %s'", in: directory)
        #expect(log == "Ada ada@x Only a")
        let rest = try await stage.ask(GitCommit(workspaceId: "one", message: "--amend\n\n# not a comment"))
        #expect(rest.files == 2)
        #expect(
            try await stage.git.shell("git log -1 --format=%B; git status --porcelain", in: directory)
                == "--amend\n\n# not a comment"
        )
        let nothing = await fault { try await stage.ask(GitCommit(workspaceId: "one", message: "Nothing")) }
        #expect(nothing?.code == .conflict)
        let empty = await fault { try await stage.ask(GitCommit(workspaceId: "one", message: " \n")) }
        #expect(empty?.code == .validation)
    }

    @Test func hooksOfTheRepositoryAreNotRun() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let mirror = try stage.git.mirror()
        try await stage.git.shell(
            """
            mkdir -p \(mirror)/hooks
            for hook in pre-commit commit-msg post-commit pre-push pre-merge-commit post-merge; do
              printf '#!/bin/sh\\ntouch \(stage.git.folder)/ran\\nexit 1\\n' > \(mirror)/hooks/$hook
              chmod +x \(mirror)/hooks/$hook
            done; echo a > a.txt
            """,
            in: directory
        )
        _ = try await stage.ask(GitCommit(workspaceId: "one", message: "a"))
        _ = try await stage.ask(GitMerge(workspaceId: "one", revision: "v1"))
        _ = try await stage.ask(GitPush(workspaceId: "one"))
        #expect(!FileManager.default.fileExists(atPath: stage.git.folder + "/ran"))
    }

    @Test func commitsArePushedAndNewOnesFetched() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("echo a > a.txt", in: directory)
        let commit = try await stage.ask(GitCommit(workspaceId: "one", message: "a")).commit
        let pushed = try await stage.ask(GitPush(workspaceId: "one"))
        #expect(pushed.branch == "wt/one" && pushed.commit == commit && pushed.changed)
        #expect(try await stage.git.shell("git rev-parse wt/one", in: stage.git.origin) == commit)
        #expect(try await !stage.ask(GitPush(workspaceId: "one")).changed)
        // Somebody else was there: nothing is overwritten unless the caller says what it knows to be there.
        try await stage.git.shell(
            "git checkout -q wt/one && git commit -q --allow-empty -m theirs && git checkout -q main",
            in: stage.git.origin
        )
        let theirs = try await stage.git.shell("git rev-parse wt/one", in: stage.git.origin)
        try await stage.git.shell("echo b > b.txt", in: directory)
        _ = try await stage.ask(GitCommit(workspaceId: "one", message: "b"))
        let refused = await fault { try await stage.ask(GitPush(workspaceId: "one")) }
        #expect(refused?.code == .conflict)
        let stale = await fault { try await stage.ask(GitPush(workspaceId: "one", replacing: commit)) }
        #expect(stale?.code == .conflict)
        _ = try await stage.ask(GitFetch(workspaceId: "one"))
        #expect(try await stage.ask(GitLog(workspaceId: "one", revision: "origin/wt/one")).commits[0].commit == theirs)
        #expect(try await stage.ask(GitPush(workspaceId: "one", replacing: theirs)).changed)
    }

    @Test func whatWouldMergeIsKnownBeforehand() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        let clash = try await stage.ask(GitMergeability(workspaceId: "one", into: "origin/feature"))
        #expect(!clash.mergeable && clash.conflicts == ["conflict.txt"] && !clash.upToDate && clash.tree == nil)
        let forward = try await stage.ask(GitMergeability(workspaceId: "one", revision: "v1", into: "v1~1"))
        #expect(forward.mergeable && forward.fastForward && !forward.upToDate)
        let done = try await stage.ask(GitMergeability(workspaceId: "one", revision: "v1~1", into: "v1"))
        #expect(done.mergeable && done.upToDate && done.conflicts.isEmpty)
        #expect(try await stage.git.shell("git status --porcelain", in: directory).isEmpty)
    }

    @Test func aMergeHappensOrChangesNothing() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        #expect(try await stage.ask(GitMerge(workspaceId: "one", revision: "v1")).outcome == .upToDate)
        let before = try await stage.git.shell("git rev-parse HEAD", in: directory)
        let clash = try await stage.ask(GitMerge(workspaceId: "one", revision: "origin/feature"))
        #expect(clash.outcome == .conflicts && clash.conflicts == ["conflict.txt"] && clash.head == before)
        #expect(try await stage.git.shell("git status --porcelain; git rev-parse HEAD", in: directory) == before)
        let dirty = try await stage.git.shell("echo mine > feature.txt && git rev-parse HEAD", in: directory)
        let inTheWay = await fault { try await stage.ask(GitMerge(workspaceId: "one", revision: "origin/feature")) }
        #expect(inTheWay?.code == .conflict && dirty == before)
        try await stage.git.shell("rm feature.txt", in: directory)
        let kept = try await stage.ask(
            GitMerge(workspaceId: "one", revision: "origin/feature", keepConflicts: true)
        )
        #expect(kept.outcome == .conflicts)
        #expect(try await stage.ask(ReadFile(workspaceId: "one", path: "conflict.txt")).text?.contains("<<<<") == true)
        try await stage.git.shell("git merge --abort", in: directory)
        let other = try await stage.worktree("two")
        try await stage.git.shell("git reset -q --hard v1~1", in: other)
        let merged = try await stage.ask(
            GitMerge(workspaceId: "two", revision: "origin/feature", message: "Bring it in", fastForward: .never)
        )
        #expect(merged.outcome == .merged)
        #expect(try await stage.git.shell("git log -1 --format='%s %P' | wc -w", in: other) == "5")
    }

    @Test func noWordOfACallerBecomesAnOption() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        for revision in ["--output=/tmp/x", "-O/tmp/x", "HEAD..main", "a b", "^HEAD", "", "HEAD:run.sh", "a\0b", "x*"] {
            for request: JSONValue in [["revision": .string(revision)]] {
                var input: [String: JSONValue] = ["workspaceId": "one"]
                if case .object(let members) = request { input.merge(members) { $1 } }
                for operation in ["git.log", "git.show", "git.merge"] {
                    let refused = await fault { try await stage.call(operation, .object(input)) }
                    #expect(refused?.code == .validation, "\(operation) \(revision)")
                }
            }
        }
        for path in ["/etc/passwd", "../x", "", "a\0b"] {
            let refused = await fault { try await stage.ask(GitDiff(workspaceId: "one", paths: [path])) }
            #expect(refused?.code == .validation, "\(path)")
        }
        // Magic of path specs is a name like any other.
        #expect(try await stage.ask(GitDiff(workspaceId: "one", paths: [":(exclude)x", "--stat"])).patch.isEmpty)
        let nothing = await fault { try await stage.ask(GitLog(workspaceId: "one", revision: "nowhere")) }
        #expect(nothing?.code == .notFound)
        let branch = await fault { try await stage.ask(GitPush(workspaceId: "one", branch: "-f")) }
        #expect(branch?.code == .validation)
    }

    @Test func theOwnerMayTakeBackARepository() async throws {
        let stage = try await CallStage(policy: "repositories:\n  allow: [\"https://elsewhere.example/*\"]\n")
        try await stage.worktree()
        for operation in ["git.push", "git.fetch"] {
            let refused = await fault { try await stage.call(operation, ["workspaceId": "one"]) }
            #expect(refused?.code == .accessDenied, "\(operation)")
        }
    }

    @Test func worktreesAreListed() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        try await stage.worktree("two")
        let listed = try await stage.ask(GitWorktrees())
        #expect(Set(listed.worktrees.map(\.workspaceId)) == ["one", "two"])
        #expect(try await stage.ask(GitWorktrees(projectId: "other")).worktrees.isEmpty)
    }
}
