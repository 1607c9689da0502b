import Foundation
import Protocol
import SpokeAgent
import Subprocess
import SystemPackage
import Testing

/// What a removal saves and a restore brings back, with real git.
@Suite struct GitSalvageTests {
    @Test func aCleanPushedWorktreeGoesWithoutSalvage() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell("mkdir ignored && echo x > ignored/x && echo y > y.tmp", in: made.directory)
        let (removed, salvaged) = try await worktrees.remove("one", reason: "done")
        #expect(removed == WorkspaceRemoved(workspaceId: "one", headCommit: made.headCommit, reason: "done"))
        #expect(salvaged == nil)
        #expect(!FileManager.default.fileExists(atPath: made.directory))
        #expect(try await fixture.shell("git for-each-ref refs/salvage refs/heads", in: fixture.mirror()).isEmpty)
        #expect(try await worktrees.list().isEmpty)
        #expect(await fault { try await worktrees.state(of: "one") }?.code == .notFound)
        #expect(await fault { try await worktrees.remove("two", reason: "") }?.code == .notFound)
    }

    @Test func unpushedCommitsAreKeptAndComeBack() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell("echo a > a && git add a && git commit -qm a", in: made.directory)
        let head = try await fixture.shell("git rev-parse HEAD", in: made.directory)
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        #expect(salvaged.commit == head && salvaged.parents == [made.headCommit] && salvaged.files == 0)
        #expect(salvaged.ref == "refs/salvage/one/1" && salvaged.salvageId == "one-1" && salvaged.bundle != nil)
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back", branch: "wt/one")))
        #expect(back.headCommit == head && back.branch == "wt/one")
    }

    @Test func stagedUnstagedAndUntrackedWorkComesBackAsItWas() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell(
            """
            echo staged > staged; git add staged; echo more >> staged
            echo two >> src/file1; git rm -q src/file2; rm src/file3; git mv src/file4 moved
            mkdir -p 'new dir'; printf 'x\\ny' > "new dir/na\\"me"; ln -s /etc/passwd out; chmod +x src/file5
            ln -sf run.sh link
            rm run.sh; mkdir run.sh; echo inside > run.sh/inside
            printf 'a\\r\\nb\\n' > mixed.txt; printf '* text=auto eol=crlf\\n' > .gitattributes
            """,
            in: made.directory
        )
        let (files, status) = try await observed(fixture, made.directory)
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        #expect(salvaged.parents.count == 2 && salvaged.parents[0] == made.headCommit && salvaged.files > 8)
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back")))
        let restored = try await observed(fixture, back.directory)
        #expect(restored.files == files)
        #expect(restored.status == status)
        #expect(back.headCommit == made.headCommit)
    }

    @Test func anotherSpokeRestoresFromTheBundleAlone() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell(
            "echo a > a && git add a && git commit -qm a && echo b > b && echo c >> a",
            in: made.directory
        )
        let (files, status) = try await observed(fixture, made.directory)
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        let other = try fixture.worktrees(root: fixture.folder + "/elsewhere", store: MemoryWorktreeStore())
        var order = restoring(salvaged, as: fixture.order("back"))
        let bundle = order.bundle
        order.bundle = nil
        #expect(await fault { try await other.restore(order) }?.code == .notFound)
        order.bundle = Data("nonsense".utf8)
        #expect(await fault { try await other.restore(order) }?.code == .execution)
        order.bundle = bundle
        let back = try await other.restore(order)
        let restored = try await observed(fixture, back.directory)
        #expect(restored.files == files && restored.status == status)
        #expect(try await other.restore(order) == back)
    }

    @Test func whatIsTooLargeForARecordStaysOnTheSpoke() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell(
            "head -c 600000 /dev/urandom > large; head -c 3000000 /dev/urandom > huge",
            in: made.directory
        )
        let files = try await fixture.contents(of: made.directory)
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        #expect(salvaged.bundle == nil && salvaged.bytes > 3_000_000)
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back")))
        #expect(try await fixture.contents(of: back.directory) == files)
    }

    @Test func detachedCommitsAndThoseLeftBehindAreKept() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell(
            """
            git checkout -q --detach; git commit -q --allow-empty -m left; git rev-parse HEAD > \(fixture.folder)/left
            git checkout -q --detach HEAD~1; git commit -q --allow-empty -m here
            """,
            in: made.directory
        )
        let here = try await fixture.shell("git rev-parse HEAD", in: made.directory)
        let left = try await fixture.shell("cat left")
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        let reachable = try await fixture.shell("git rev-list \(salvaged.ref)", in: fixture.mirror())
        #expect(reachable.contains(here) && reachable.contains(left))
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back")))
        #expect(back.headCommit == here)
    }

    @Test func aMergeOrRebaseUnderWayIsSavedWithItsFiles() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        for (id, command, word) in [
            ("merge", "git merge -q origin/feature || true", "merge"),
            ("rebase", "git commit -q --allow-empty -m x; git rebase -q origin/feature || true", "rebase"),
            ("pick", "git cherry-pick origin/feature || true", "cherry-pick"),
        ] {
            let made = try await worktrees.prepare(fixture.order(id))
            try await fixture.shell(
                "echo mine >> src/file1; git commit -qam mine; \(command); echo more > more",
                in: made.directory
            )
            #expect(
                try await fixture.shell("git status --porcelain", in: made.directory).contains("UU conflict.txt"),
                "\(id)"
            )
            let files = try await fixture.contents(of: made.directory)
            let salvaged = try #require(try await worktrees.remove(WorkspaceID(id), reason: "gone").salvaged)
            let message = try await fixture.shell("git log -1 --format=%B \(salvaged.commit)", in: fixture.mirror())
            #expect(message.contains("Salvage-Under-Way: \(word)"))
            let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("\(id)-back")))
            #expect(try await fixture.contents(of: back.directory) == files, "\(id)")
        }
    }

    @Test func repositoriesInsideAreSavedWithTheirFilesAndCommits() async throws {
        let fixture = try await GitFixture()
        try await fixture.shell(
            """
            git init -q -b main library && cd library && echo lib > lib.txt && git add -A && git commit -qm lib
            cd ../origin
            git -c protocol.file.allow=always submodule --quiet add \(fixture.folder)/library sub && git commit -qm sub
            """
        )
        let worktrees = try fixture.worktrees()
        let clean = try await worktrees.prepare(fixture.order("clean"))
        try await fixture.shell(
            "git -c protocol.file.allow=always submodule --quiet update --init",
            in: clean.directory
        )
        #expect(try await worktrees.remove("clean", reason: "gone").salvaged == nil)
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell(
            """
            git -c protocol.file.allow=always submodule --quiet update --init; echo dirt >> sub/lib.txt
            echo new > sub/new
            git init -q own; cd own; echo own > own.txt; git add -A; git commit -qm own
            git rev-parse HEAD > \(fixture.folder)/own
            echo loose > loose; git init -q inner; echo deep > inner/deep; cd ..; git init -q fresh; echo f > fresh/f
            """,
            in: made.directory
        )
        let files = try await fixture.contents(of: made.directory)
        let own = try await fixture.shell("cat own")
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        #expect(try await fixture.shell("git for-each-ref", in: fixture.mirror()).contains(own))
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back")))
        #expect(try await fixture.contents(of: back.directory) == files)
    }

    @Test func nothingHidesAChangeAndNothingOfTheRepositoryRuns() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        let mark = fixture.folder + "/ran"
        // The change has the size and the second of what was checked out, and git was told to overlook it.
        try await fixture.shell(
            """
            git update-index --assume-unchanged src/file1; tr a-z b-za < src/file1 > t; cat t > src/file1; rm t
            tr a-z b-za < src/file2 > t; cat t > src/file2; rm t
            git config filter.evil.clean 'touch \(mark)'; git config filter.evil.smudge 'touch \(mark)'
            git config core.fsmonitor 'touch \(mark)'; git config core.hooksPath hooks; git config commit.gpgSign true
            mkdir hooks; for h in pre-commit post-checkout reference-transaction post-index-change
            do printf '#!/bin/sh\\ntouch \(mark)\\n' > hooks/$h; chmod +x hooks/$h; done
            echo '*.evil filter=evil' > .gitattributes; echo evil > x.evil
            """,
            in: made.directory
        )
        let files = try await fixture.contents(of: made.directory)
        try await fixture.shell("rm -f \(mark)")
        _ = try await worktrees.state(of: "one")
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back")))
        #expect(!FileManager.default.fileExists(atPath: mark))
        #expect(try await fixture.contents(of: back.directory) == files)
    }

    @Test func tenThousandFilesAreSavedAndComeBack() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell(
            "mkdir -p many; cd many; seq 10000 | split -l 1 -a 4",
            in: made.directory
        )
        let files = try await fixture.contents(of: made.directory)
        let salvaged = try #require(try await worktrees.remove("one", reason: "gone").salvaged)
        #expect(salvaged.files == 10_000)
        let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back")))
        #expect(try await fixture.contents(of: back.directory) == files)
    }

    @Test func aWorktreeWithALiveProcessInsideStays() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell("echo precious > precious", in: made.directory)
        _ = try await Subprocess.run(
            .path("/bin/sleep"),
            arguments: ["60"],
            workingDirectory: FilePath(made.directory),
            input: .none,
            output: .discarded,
            error: .discarded
        ) { inside in
            let pid = inside.processIdentifier.value
            defer { kill(pid, SIGKILL) }
            let refused = await fault { try await worktrees.remove("one", reason: "gone") }
            #expect(refused?.code == .conflict && refused?.message.contains("\(pid) (sleep)") == true)
            #expect(FileManager.default.fileExists(atPath: made.directory + "/precious"))
        }
        #expect(try await worktrees.remove("one", reason: "gone").salvaged != nil)
    }

    /// The spoke dies after each of its durable steps; the order comes again to a fresh process.
    @Test func aCrashDuringARemovalLosesNothingAndSavesOnce() async throws {
        let fixture = try await GitFixture()
        for step in 0..<3 {
            let id = WorkspaceID("crash\(step)")
            let made = try await fixture.worktrees().prepare(fixture.order(id.rawValue))
            try await fixture.shell("echo mine > mine; git add mine; echo more >> mine", in: made.directory)
            let files = try await fixture.contents(of: made.directory)
            await fixture.store.fail(afterSaves: step)
            _ = await fault { try await fixture.worktrees().remove(id, reason: "first") }
            await fixture.store.fail(afterSaves: .max)
            let worktrees = try fixture.worktrees()
            let salvaged = try #require(try await worktrees.remove(id, reason: "again").salvaged)
            #expect(salvaged.ref == "refs/salvage/\(id)/1")
            let again = try await worktrees.remove(id, reason: "and again")
            #expect(again.salvaged == salvaged)
            let back = try await worktrees.restore(restoring(salvaged, as: fixture.order("back\(step)")))
            #expect(try await fixture.contents(of: back.directory) == files)
        }
    }

    @Test func aRemovalInterruptedAfterTheDirectoryWentAnswersWithWhatItSaved() async throws {
        let fixture = try await GitFixture()
        let made = try await fixture.worktrees().prepare(fixture.order("one"))
        try await fixture.shell("echo mine > mine; git add mine; echo more >> mine", in: made.directory)
        try await fixture.shell("cp -a worktrees/one/. \(fixture.folder)/admin", in: fixture.mirror())
        let salvaged = try #require(try await fixture.worktrees().remove("one", reason: "gone").salvaged)
        // As if the spoke had died between moving the directory and moving its administrative folder.
        try await fixture.shell("cp -a \(fixture.folder)/admin worktrees/one", in: fixture.mirror())
        var record = try #require(try await fixture.store.workspace("one"))
        record.state = .removing
        try await fixture.store.save(record)
        #expect(try await fixture.worktrees().remove("one", reason: "again").salvaged == salvaged)
        #expect(try await fixture.store.salvages().count == 1)
    }

    @Test func expiredSalvagesGoAndYoungerOnesStay() async throws {
        let fixture = try await GitFixture()
        let made = try await fixture.worktrees().prepare(fixture.order("one"))
        try await fixture.shell("echo mine > mine", in: made.directory)
        let salvaged = try #require(try await fixture.worktrees().remove("one", reason: "gone").salvaged)
        #expect(try await fixture.worktrees().sweep().expiredSalvages.isEmpty)
        let later = try fixture.worktrees(clock: { Date().addingTimeInterval(15 * 86_400) })
        let report = try await later.sweep()
        #expect(report.expiredSalvages == [salvaged.salvageId] && report.strays.isEmpty)
        #expect(try await fixture.shell("git for-each-ref refs/salvage", in: fixture.mirror()).isEmpty)
        #expect(try await fixture.store.salvages().isEmpty)
        #expect(try await fixture.store.workspaces().isEmpty)
    }
}

func restoring(_ salvaged: WorkspaceSalvaged, as workspace: WorkspaceOrder) -> RestoreWorkspace {
    RestoreWorkspace(
        commandId: "command",
        workspace: workspace,
        ref: salvaged.ref,
        commit: salvaged.commit,
        bundle: salvaged.bundle
    )
}

/// The files as they lie, and how git sees them.
func observed(_ fixture: GitFixture, _ directory: String) async throws -> (files: String, status: String) {
    (
        try await fixture.contents(of: directory),
        try await fixture.shell("git status --porcelain=v1 --untracked-files=all --no-renames", in: directory)
    )
}
