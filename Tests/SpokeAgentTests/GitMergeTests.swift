import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Merges that wait for somebody, and what callers get wrong about git.
@Suite struct GitMergeTests {
    /// A worktree in which the merge of `origin/feature` waits for `conflict.txt` to be resolved.
    private static func waiting(_ stage: CallStage) async throws -> String {
        let directory = try await stage.worktree()
        let kept = try await stage.ask(
            GitMerge(workspaceId: "one", revision: "origin/feature", keepConflicts: true)
        )
        #expect(kept.outcome == .conflicts && kept.conflicts == ["conflict.txt"])
        return directory
    }

    private static func resolve(_ stage: CallStage, _ text: String = "one\nboth\nthree\n") async throws {
        _ = try await stage.ask(WriteFile(workspaceId: "one", path: "conflict.txt", text: text))
    }

    @Test func nothingTouchesAMergeThatIsBeingResolved() async throws {
        let stage = try await CallStage()
        let directory = try await Self.waiting(stage)
        try await Self.resolve(stage)
        let seen = "git rev-parse HEAD MERGE_HEAD; git status --porcelain; cat conflict.txt"
        for staging in ["true", "git add conflict.txt"] {
            let before = try await stage.git.shell("\(staging); \(seen)", in: directory)
            for keeps in [nil, true] {
                let again = await fault {
                    try await stage.ask(
                        GitMerge(workspaceId: "one", revision: "origin/feature", keepConflicts: keeps)
                    )
                }
                #expect(again?.code == .conflict && again?.message.contains("git.mergeAbort") == true)
            }
            let landing = await fault { try await stage.ask(GitLand(workspaceId: "one", into: "main")) }
            #expect(landing?.code == .conflict && landing?.details?["underWay"] == "merge")
            #expect(try await stage.git.shell(seen, in: directory) == before)
        }
        // Resolved as the branch had it, nothing differs; the merge is still somebody's.
        try await stage.git.shell(
            "git checkout -q HEAD -- conflict.txt; git rm -q --cached feature.txt; rm feature.txt; git add -A",
            in: directory
        )
        #expect(try await stage.git.shell("git status --porcelain", in: directory).isEmpty)
        let landing = await fault { try await stage.ask(GitLand(workspaceId: "one", into: "main")) }
        #expect(landing?.code == .conflict)
    }

    @Test func noMergeBeginsInTheMiddleOfSomethingElse() async throws {
        let stage = try await CallStage()
        for (id, deed) in [
            ("two", "git rebase -q origin/feature"), ("three", "git cherry-pick origin/feature"),
            ("four", "git revert --no-edit origin/feature"),
        ] {
            let directory = try await stage.worktree(id)
            let before = try await stage.git.shell("\(deed) >&2 || git status --porcelain", in: directory)
            #expect(!before.isEmpty, "\(deed)")
            let refused = await fault {
                try await stage.ask(GitMerge(workspaceId: WorkspaceID(id), revision: "v1~1"))
            }
            #expect(refused?.code == .conflict && refused?.message.contains("is under way") == true, "\(deed)")
            #expect(try await stage.git.shell("git status --porcelain", in: directory) == before)
        }
    }

    @Test func aMergeIsCommittedOnceItsConflictsAreResolved() async throws {
        let stage = try await CallStage()
        let directory = try await Self.waiting(stage)
        let before = try await stage.git.shell("git status --porcelain", in: directory)
        for request in [
            GitCommit(workspaceId: "one", message: "m"), GitCommit(workspaceId: "one", message: "m", onlyStaged: true),
            GitCommit(workspaceId: "one", message: "m", paths: ["feature.txt"]),
        ] {
            let refused = await fault { try await stage.ask(request) }
            #expect(refused?.code == .conflict && refused?.details?["conflicts"] == ["conflict.txt"])
        }
        #expect(try await stage.git.shell("git status --porcelain", in: directory) == before)
        try await Self.resolve(stage)
        let staged = GitCommit(workspaceId: "one", message: "m", onlyStaged: true)
        #expect(await fault { try await stage.ask(staged) }?.code == .conflict)
        let done = try await stage.ask(GitCommit(workspaceId: "one", message: "Bring it in"))
        #expect(done.files == 2)
        let after = "git log -1 --format='%s %P' | wc -w; git status --porcelain; git show HEAD:conflict.txt"
        #expect(try await stage.git.shell(after, in: directory) == "5\none\nboth\nthree")
    }

    @Test func aFileIsResolvedAsItLiesIfItIsNamed() async throws {
        let stage = try await CallStage()
        let directory = try await Self.waiting(stage)
        // As the branch had it: nothing but its name says that this is wanted.
        try await Self.resolve(stage, "one\ndeux\nthree\n")
        try await stage.git.shell("echo more > more.txt", in: directory)
        #expect(await fault { try await stage.ask(GitCommit(workspaceId: "one", message: "m")) }?.code == .conflict)
        let named = try await stage.ask(GitCommit(workspaceId: "one", message: "Ours", paths: ["conflict.txt"]))
        #expect(named.files == 1)
        let after = "git log -1 --format=%P | wc -w; git status --porcelain"
        #expect(try await stage.git.shell(after, in: directory) == "2\n?? more.txt")
    }

    @Test func aMergeThatIsGivenUpIsSavedFirst() async throws {
        let stage = try await CallStage()
        #expect(await fault { try await stage.ask(GitMergeAbort(workspaceId: "one")) }?.code == .notFound)
        let directory = try await Self.waiting(stage)
        try await Self.resolve(stage)
        // Changed further after git staged it: git alone would not go back.
        try await stage.git.shell("echo mine >> feature.txt; echo loose > loose.txt", in: directory)
        let given = try await stage.ask(GitMergeAbort(workspaceId: "one"))
        #expect(
            try await stage.git.shell("git rev-parse HEAD; git status --porcelain", in: directory)
                == "\(given.head)\n?? loose.txt"
        )
        let saved = try #require(try await stage.git.store.salvages().first)
        #expect(given.salvageId == saved.id && given.files == 3)
        for (path, text) in [("conflict.txt", "one\nboth\nthree\n"), ("feature.txt", "feature\nmine\n")] {
            let shown = try await stage.ask(GitShow(workspaceId: "one", revision: saved.commit, path: path))
            #expect(shown.text == text)
        }
        let nothing = await fault { try await stage.ask(GitMergeAbort(workspaceId: "one")) }
        #expect(nothing?.code == .conflict)
        #expect(try await stage.ask(GitMerge(workspaceId: "one", revision: "origin/feature")).outcome == .conflicts)
    }

    @Test func aCallersMistakeIsNotGits() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("echo a > a.txt; echo x > x.tmp; echo b > b.txt; git add b.txt", in: directory)
        let unknown = await fault { try await stage.ask(GitCommit(workspaceId: "one", message: "m", paths: ["nope"])) }
        #expect(unknown?.code == .notFound && unknown?.details?["path"] == "nope")
        let ignored = await fault { try await stage.ask(GitCommit(workspaceId: "one", message: "m", paths: ["x.tmp"])) }
        #expect(ignored?.code == .validation && ignored?.message.contains("x.tmp") == true)
        let same = await fault { try await stage.ask(GitCommit(workspaceId: "one", message: "m", paths: ["run.sh"])) }
        #expect(same?.code == .conflict)
        let replacing = await fault { try await stage.ask(GitPush(workspaceId: "one", replacing: "zzz")) }
        #expect(replacing?.code == .notFound && replacing?.details?["field"] == "replacing")
        let never = String(repeating: "1", count: 40)
        #expect(await fault { try await stage.ask(GitPush(workspaceId: "one", replacing: never)) }?.code == .conflict)
        let short = await fault { try await stage.ask(GitMerge(workspaceId: "one", revision: "feature")) }
        #expect(short?.code == .notFound && short?.message.contains("“origin/feature”") == true)
    }

    @Test func aBranchMayBeNamedInFull() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        #expect(try await stage.ask(GitPush(workspaceId: "one", branch: "refs/heads/foo")).branch == "foo")
        let refs = try await stage.git.shell("git for-each-ref --format='%(refname)' refs/heads", in: stage.git.origin)
        #expect(refs.contains("refs/heads/foo") && !refs.contains("refs/heads/refs"))
        let landed = try await stage.ask(GitLand(workspaceId: "one", into: "refs/heads/main"))
        #expect(landed.into == "main")
    }

    @Test func whatWouldMergeIsAskedAsALandingIs() async throws {
        let stage = try await CallStage()
        try await stage.worktree()
        for into in ["feature", "origin/feature", "refs/heads/feature"] {
            let clash = try await stage.ask(GitMergeability(workspaceId: "one", into: into))
            #expect(!clash.mergeable && clash.conflicts == ["conflict.txt"], "\(into)")
        }
        #expect(try await stage.ask(GitMergeability(workspaceId: "one", into: "main")).upToDate)
        #expect(try await stage.ask(GitMergeability(workspaceId: "one", into: "v1")).upToDate)
        let none = await fault { try await stage.ask(GitMergeability(workspaceId: "one", into: "nowhere")) }
        #expect(none?.code == .notFound)
    }
}
