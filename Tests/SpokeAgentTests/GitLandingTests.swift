import Foundation
import Protocol
import SpokeCore
import Testing

@testable import SpokeAgent

/// Bringing a branch into another one: in the mirror's objects, and from there to the origin.
@Suite struct GitLandingTests {
    /// A stage whose origin is a bare repository, and a worktree `one` of it with these commits on `wt/one`.
    private func stage(_ commits: [String] = ["echo a > a.txt"], policy: String? = nil) async throws
        -> (stage: CallStage, bare: String, directory: String)
    {
        let stage = try await CallStage(policy: policy)
        let bare = stage.git.folder + "/bare.git"
        try await stage.git.shell("git clone -q --bare origin bare.git")
        let order = stage.git.order("one", repository: bare)
        let directory = try await stage.worktrees.prepare(order).directory
        for (index, change) in commits.enumerated() {
            try await stage.git.shell("\(change); git add -A; git commit -qm 'step \(index + 1)'", in: directory)
        }
        return (stage, bare, directory)
    }

    /// What stands at the origin's main branch.
    private func head(_ stage: CallStage, _ bare: String, _ what: String = "%H") async throws -> String {
        try await stage.git.shell("git log -1 --format='\(what)' main", in: bare)
    }

    @Test func aDryRunChangesNothing() async throws {
        let (stage, bare, _) = try await stage()
        let before = try await head(stage, bare)
        for strategy in LandingStrategy.allCases {
            let output = try await stage.ask(
                GitLand(workspaceId: "one", into: "main", strategy: strategy, dryRun: true)
            )
            #expect(output.outcome == .mergeable && output.commit == nil && output.commits == 1, "\(strategy)")
            #expect(output.before == before && !output.pushed)
        }
        #expect(try await head(stage, bare) == before)
    }

    @Test(arguments: LandingStrategy.allCases)
    func whatWasLandedIsAtTheOriginAndLandsOnce(strategy: LandingStrategy) async throws {
        let (stage, bare, directory) = try await stage(["echo a > a.txt", "echo b > b.txt"])
        let before = try await head(stage, bare)
        let output = try await stage.ask(GitLand(workspaceId: "one", into: "main", strategy: strategy))
        #expect(output.outcome == .landed && output.pushed && output.commits == 2)
        #expect(output.ref == "refs/remotes/origin/main" && output.branch == "wt/one")
        let commit = try #require(output.commit)
        #expect(try await head(stage, bare) == commit)
        #expect(try await stage.git.shell("git show main:b.txt", in: bare) == "b")
        let count = try await stage.git.shell("git rev-list --count \(before)..main", in: bare)
        #expect(count == ["merge": "3", "squash": "1", "rebase": "2", "fastForward": "2"][strategy.rawValue])
        if strategy == .squash {
            #expect(try await head(stage, bare, "%s|%an") == "Land wt/one on main|T")
        }
        if strategy == .merge { #expect(try await head(stage, bare, "%s") == "Merge wt/one into main") }
        let again = try await stage.ask(GitLand(workspaceId: "one", into: "main", strategy: strategy))
        #expect(again.outcome == .upToDate && again.commit == nil)
        #expect(try await head(stage, bare) == commit)
        #expect(
            try await stage.git.shell("git status --porcelain; git symbolic-ref HEAD", in: directory).hasSuffix("one")
        )
    }

    @Test func commitsArePutOnTopOneByOneWithTheirAuthors() async throws {
        let (stage, bare, _) = try await stage(["echo a > a.txt", "echo b > b.txt", "git rm -q a.txt"])
        try await stage.git.shell(
            "git clone -q bare.git other && cd other && echo o > o.txt && git add -A && git commit -qm other "
                + "&& git push -q origin HEAD:main"
        )
        let refused = await fault {
            try await stage.ask(GitLand(workspaceId: "one", into: "main", strategy: .fastForward))
        }
        #expect(refused?.code == .conflict && refused?.message.contains("cannot simply move on") == true)
        let output = try await stage.ask(GitLand(workspaceId: "one", into: "main", strategy: .rebase))
        #expect(output.outcome == .landed)
        let log = try await stage.git.shell("git log -4 --format=%s main", in: bare)
        #expect(log == "step 3\nstep 2\nstep 1\nother")
        #expect(try await stage.git.shell("git ls-tree --name-only main o.txt b.txt a.txt", in: bare) == "b.txt\no.txt")
    }

    @Test func conflictsComeBackAsAListAndNothingIsChanged() async throws {
        let (stage, bare, _) = try await stage([
            "sed -i s/deux/dos/ conflict.txt", "echo mine > new.txt", "git rm -q run.sh",
        ])
        try await stage.git.shell(
            "git clone -q bare.git other && cd other && sed -i s/deux/zwei/ conflict.txt && echo theirs > new.txt "
                + "&& echo more >> run.sh && git add -A && git commit -qm other && git push -q origin HEAD:main"
        )
        let before = try await head(stage, bare)
        for isDry in [true, false] {
            for strategy in [LandingStrategy.merge, .squash] {
                let output = try await stage.ask(
                    GitLand(workspaceId: "one", into: "main", strategy: strategy, dryRun: isDry)
                )
                #expect(output.outcome == .conflicts && output.commit == nil && !output.pushed)
                #expect(
                    output.conflicts == [
                        MergeConflict(path: "conflict.txt", kind: .content),
                        MergeConflict(path: "new.txt", kind: .bothAdded),
                        MergeConflict(path: "run.sh", kind: .modifyDelete),
                    ]
                )
            }
        }
        let one = try await stage.ask(GitLand(workspaceId: "one", into: "main", strategy: .rebase))
        #expect(one.conflicts.map(\.path) == ["conflict.txt"] && one.conflicts.first?.commit?.count == 40)
        #expect(try await head(stage, bare) == before)
    }

    @Test func theRepositorysAttributesDecideHowItsFilesAreMerged() async throws {
        let (stage, bare, _) = try await stage(["printf 'start\\nmine\\n' > log/news"].map { "mkdir -p log; \($0)" })
        try await stage.git.shell(
            """
            git clone -q bare.git other && cd other && mkdir -p log && printf 'start\\ntheirs\\n' > log/news
            echo 'news merge=union' > log/.gitattributes && git add -A && git commit -qm other
            git push -q origin HEAD:main
            """
        )
        let output = try await stage.ask(GitLand(workspaceId: "one", into: "main"))
        #expect(output.outcome == .landed)
        let news = try await stage.git.shell("git show main:log/news", in: bare)
        #expect(Set(news.split(separator: "\n")) == ["start", "mine", "theirs"])
    }

    @Test func whoeverIsOvertakenTriesAgainAndWhoIsRefusedSaysSo() async throws {
        let (stage, bare, _) = try await stage()
        // The origin moves under the push: a hook there lets the first one lose.
        try await stage.git.shell(
            """
            git clone -q bare.git other && cd other && echo o > o.txt && git add -A && git commit -qm o
            git push -q origin HEAD:refs/heads/side && cd ..
            cat > bare.git/hooks/pre-receive <<'HOOK'
            #!/bin/sh
            read old new ref
            [ "$ref" = refs/heads/closed ] && { echo closed; exit 1; }
            [ -e raced ] && exit 0
            touch raced
            env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main refs/heads/side
            HOOK
            chmod +x bare.git/hooks/pre-receive; git -C bare.git branch closed main
            """
        )
        let refused = await fault { try await stage.ask(GitLand(workspaceId: "one", into: "closed")) }
        #expect(
            refused?.code == .conflict && refused?.message.contains("did not take closed") == true,
            "\(refused as Any)"
        )
        #expect(try await stage.ask(GitLand(workspaceId: "one", into: "main")).outcome == .landed)
        #expect(try await stage.git.shell("ls raced", in: bare) == "raced")
        #expect(try await stage.git.shell("git show main:o.txt main:a.txt", in: bare) == "o\na")
    }

    @Test func aCloneWithFilesIsLeftAlone() async throws {
        let stage = try await CallStage()
        let directory = try await stage.worktree()
        try await stage.git.shell("echo a > a.txt; git add -A; git commit -qm one", in: directory)
        let before = try await stage.git.shell("git rev-parse main", in: stage.git.origin)
        let output = try await stage.ask(GitLand(workspaceId: "one", into: "main"))
        #expect(output.outcome == .landed && !output.pushed && output.ref == "refs/heads/main")
        #expect(try await stage.git.shell("git rev-parse main", in: stage.git.origin) == before)
        #expect(try await stage.git.shell("git rev-parse main", in: stage.git.mirror()) == output.commit)
        // The next landing goes on from there, and a worktree that has the branch is not pulled from under anybody.
        let other = try await stage.worktree("two")
        try await stage.git.shell("echo b > b.txt; git add -A; git commit -qm two", in: other)
        #expect(try await stage.ask(GitLand(workspaceId: "two", into: "main")).before == output.commit)
        _ = try await stage.worktrees.prepare(stage.git.order("three", branch: "main"))
        try await stage.git.shell("echo c > c.txt; git add -A; git commit -qm three", in: other)
        let held = await fault { try await stage.ask(GitLand(workspaceId: "two", into: "main")) }
        #expect(held?.code == .conflict && held?.message.contains("workspace three") == true)
        let asked = await fault { try await stage.ask(GitLand(workspaceId: "two", into: "main", push: true)) }
        #expect(asked?.code == .conflict && asked?.message.contains("did not take main") == true)
    }

    @Test func whatIsNotReadyToLandIsRefused() async throws {
        let (stage, bare, directory) = try await stage()
        let before = try await head(stage, bare)
        func refusal(_ request: GitLand) async -> Fault? { await fault { try await stage.ask(request) } }
        for into in ["--force", "-f", "a b", "a..b", "", "HEAD", "x\0"] {
            let refused = await refusal(GitLand(workspaceId: "one", into: into))
            #expect(refused?.code == .validation && refused?.message.hasPrefix("into") == true, "\(into)")
        }
        #expect(await refusal(GitLand(workspaceId: "one", into: "mian"))?.message.contains("“main”") == true)
        #expect(await refusal(GitLand(workspaceId: "none", into: "main"))?.code == .notFound)
        #expect(await refusal(GitLand(into: "main"))?.code == .validation)
        #expect(await refusal(GitLand(workspaceId: "one", into: "wt/one"))?.code == .validation)
        let worded = GitLand(workspaceId: "one", into: "main", strategy: .rebase, message: "x")
        #expect(await refusal(worded)?.code == .validation)
        try await stage.git.shell("echo dirt > dirt.txt", in: directory)
        let dirty = await refusal(GitLand(workspaceId: "one", into: "main"))
        #expect(dirty?.code == .conflict && dirty?.message.contains("1 uncommitted changes (dirt.txt)") == true)
        try await stage.git.shell("rm dirt.txt", in: directory)
        try await stage.worktrees.lease("one", to: "s")
        #expect(await refusal(GitLand(workspaceId: "one", into: "main"))?.message.contains("Session s") == true)
        #expect(try await head(stage, bare) == before)
        #expect(try await stage.ask(GitLand(workspaceId: "one", into: "main", force: true)).outcome == .landed)
    }

    @Test func theOwnerDecidesWhetherItIsSent() async throws {
        let (stage, bare, _) = try await stage(policy: "operations:\n  deny: [git.push]\n")
        let before = try await head(stage, bare)
        let refused = await fault { try await stage.ask(GitLand(workspaceId: "one", into: "main")) }
        #expect(refused?.code == .accessDenied && refused?.message.contains("git.push") == true)
        #expect(try await stage.ask(GitLand(workspaceId: "one", into: "main", push: false)).outcome == .landed)
        #expect(try await head(stage, bare) == before)
    }

    @Test func aBranchLandsAlsoWhenItsWorktreeIsGone() async throws {
        let (stage, bare, _) = try await stage()
        _ = try await stage.worktrees.remove("one", reason: "test")
        let output = try await stage.ask(GitLand(workspaceId: "one", into: "main"))
        #expect(output.outcome == .landed && output.branch == "wt/one")
        #expect(try await stage.git.shell("git show main:a.txt", in: bare) == "a")
        // A worktree in which nothing was done leaves no branch, and nothing to land.
        _ = try await stage.worktrees.prepare(stage.git.order("two", repository: bare))
        _ = try await stage.worktrees.remove("two", reason: "test")
        #expect(try await stage.ask(GitLand(workspaceId: "two", into: "main")).outcome == .upToDate)
    }
}

/// What git says of a merge, as a list.
struct MergeReportTests {
    @Test func everyConflictHasItsKind() {
        let side = { (stage: Int, path: String) in "100644 aa \(stage)\t\(path)\0" }
        let cases: [(String, String, ConflictKind)] = [
            (side(1, "f") + side(2, "f") + side(3, "f"), "CONFLICT (contents)", .content),
            (side(2, "f") + side(3, "f"), "CONFLICT (contents)", .bothAdded),
            (side(1, "f") + side(3, "f"), "CONFLICT (modify/delete)", .modifyDelete),
            (side(1, "f") + side(2, "f") + side(3, "f"), "CONFLICT (binary)", .binary),
            (side(1, "f") + side(2, "f"), "CONFLICT (rename/delete)", .rename),
            (side(2, "f"), "CONFLICT (file/directory)", .type),
            (side(1, "f") + side(2, "f") + side(3, "f"), "CONFLICT (submodule)", .submodule),
            (side(1, "f") + side(2, "f") + side(3, "f"), "CONFLICT (of tomorrow)", .content),
            (side(1, "f"), "CONFLICT (of tomorrow)", .other),
        ]
        for (sides, word, kind) in cases {
            let text = "tree\0\(sides)\01\0f\0Auto-merging\0Auto-merging f\n\01\0f\0\(word)\0told\n\0"
            let report = MergeReport(text)
            #expect(report?.tree == "tree" && report?.conflicts == [MergeConflict(path: "f", kind: kind)], "\(word)")
        }
        #expect(MergeReport("tree\0")?.conflicts.isEmpty == true)
        #expect(MergeReport("") == nil && MergeReport("tree\0nonsense\0") == nil)
        #expect(MergeReport("tree\0100644 aa 1\ta\tb c\0")?.conflicts.map(\.path) == ["a\tb c"])
    }

    @Test func theTargetIsWhereBothSidesLead() {
        func target(_ origin: String?, _ local: String?, _ originOlder: Bool = false, _ localOlder: Bool = false)
            -> LandingTarget
        { LandingTarget(origin: origin, local: local, isOriginOlder: originOlder, isLocalOlder: localOlder) }
        #expect(target(nil, nil) == .missing)
        #expect(target("o", nil) == .at("o") && target(nil, "l") == .at("l"))
        #expect(target("o", "l", true, false) == .at("l") && target("o", "l", false, true) == .at("o"))
        #expect(target("o", "o", true, true) == .at("o") && target("o", "l") == .diverged)
    }
}
