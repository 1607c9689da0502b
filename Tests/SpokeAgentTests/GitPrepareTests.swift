import Foundation
import Protocol
import SpokeAgent
import SpokeCore
import Testing

/// Worktrees from orders, with real git.
@Suite struct GitPrepareTests {
    @Test func anOrderBecomesAWorktreeOnItsBranch() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        #expect(made.branch == "wt/one")
        #expect(made.headCommit == made.baseCommit)
        #expect(made.directory.hasSuffix("/worktrees/one"))
        #expect(
            try await fixture.shell("git rev-parse --abbrev-ref HEAD; git status --porcelain", in: made.directory)
                == "wt/one"
        )
        #expect(try await fixture.contents(of: made.directory) == fixture.contents(of: fixture.origin))
        let state = try await worktrees.state(of: "one")
        #expect(!state.dirty && state.ahead == 0 && state.behind == 0 && state.sizeBytes > 0)
        #expect(state.branch == "wt/one" && state.head == made.headCommit)
    }

    @Test func basesMayBeBranchesTagsAndCommits() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let feature = try await fixture.shell("git rev-parse feature", in: fixture.origin)
        let first = try await fixture.shell("git rev-parse main~1", in: fixture.origin)
        for (id, base, commit) in [
            ("a", "feature", feature), ("b", "origin/feature", feature), ("c", feature, feature),
            ("d", String(first.prefix(10)), first),
        ] {
            #expect(try await worktrees.prepare(fixture.order(id, base: base)).headCommit == commit)
        }
        let main = try await fixture.shell("git rev-parse main", in: fixture.origin)
        #expect(try await worktrees.prepare(fixture.order("e", base: "v1")).headCommit == main)
        // The branch of another session is a base like any other, and a branch of the origin is continued.
        #expect(try await worktrees.prepare(fixture.order("f", base: "wt/a")).headCommit == feature)
        #expect(try await worktrees.prepare(fixture.order("g", branch: "feature")).headCommit == feature)
    }

    @Test func aBaseThatAppearedMeanwhileIsFetched() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        _ = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell("git checkout -qb later && git commit -q --allow-empty -m later", in: fixture.origin)
        let later = try await fixture.shell("git rev-parse later", in: fixture.origin)
        #expect(try await worktrees.prepare(fixture.order("two", base: "later")).headCommit == later)
        try await fixture.shell("git checkout -q main && git commit -q --allow-empty -m third", in: fixture.origin)
        try await worktrees.refresh(fixture.origin)
        #expect(try await worktrees.state(of: "one").behind == 1)
    }

    @Test func anUnknownBaseIsNamedWithWhatWasMeant() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let missing = await fault { try await worktrees.prepare(fixture.order("one", base: "featrue")) }
        #expect(missing?.code == .notFound)
        #expect(missing?.message.contains("featrue") == true && missing?.message.contains("“feature”") == true)
        #expect(try await worktrees.list().isEmpty)
        #expect(try await worktrees.prepare(fixture.order("one", base: "feature")).branch == "wt/one")
    }

    @Test func aBranchInUseIsRefusedWithTheWorkspaceThatHasIt() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one", branch: "shared"))
        let refused = await fault { try await worktrees.prepare(fixture.order("two", branch: "shared")) }
        #expect(refused?.code == .conflict && refused?.message.contains("one") == true)
        // What counts is what is checked out, not what was ordered.
        try await fixture.shell("git checkout -qb other", in: made.directory)
        #expect(try await worktrees.prepare(fixture.order("two", branch: "shared")).branch == "shared")
        #expect(await fault { try await worktrees.prepare(fixture.order("three", branch: "other")) }?.code == .conflict)
    }

    @Test func nothingThatLooksLikeAnOptionReachesGit() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let mark = fixture.folder + "/owned"
        var orders = ["-f", "--upload-pack=touch \(mark)", "a..b", "a b", "x.lock", "@{1}", "", "HEAD", "-"].map {
            fixture.order("w", branch: $0)
        }
        orders += ["--exec=touch \(mark)", "main~1", "-main", ":/first", "main^{tree}", ""].map {
            fixture.order("w", base: $0)
        }
        orders += [
            "--upload-pack=touch \(mark)", "ext::sh -c 'touch \(mark)'", "-u", "ssh://-oProxyCommand=touch/x",
            "relative/path", "fd::17", "-oProxyCommand=touch:x", "",
        ].map { fixture.order("w", repository: $0) }
        orders += ["../evil", "-x", ".warm", "a/b", "", "a..b", "x.lock"].map { fixture.order($0, branch: "fine") }
        for order in orders {
            #expect(await fault { try await worktrees.prepare(order) }?.code == .validation, "\(order)")
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func aRepositoryThatCannotBeFetchedLeavesNoHalfMirror() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        try await fixture.shell("mkdir plain && git init -q --bare empty.git")
        for repository in [
            "/nowhere/at/all", "\(fixture.folder)/plain", "file://\(fixture.folder)/none",
            "http://user:secret@127.0.0.1:9/x.git",
        ] {
            let failed = await fault { try await worktrees.prepare(fixture.order("one", repository: repository)) }
            #expect(failed?.code == .execution && failed?.message.contains("fatal:") == true, "\(failed as Any)")
            #expect(failed?.description.contains("secret") == false)
        }
        let empty = await fault {
            try await worktrees.prepare(fixture.order("one", repository: fixture.folder + "/empty.git"))
        }
        #expect(empty?.code == .notFound && empty?.message.contains("empty") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.data + "/repos").isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.data + "/worktrees") == [".warm"])
        #expect(try await fixture.store.mirrors().isEmpty)
    }

    @Test func aRepositoryOfAnotherOwnerIsRead() async throws {
        let fixture = try await GitFixture()
        guard getuid() == 0 else { return }
        try await fixture.shell("chown -R 1:1 origin")
        let made = try await fixture.worktrees().prepare(fixture.order("one"))
        #expect(FileManager.default.fileExists(atPath: made.directory + "/run.sh"))
    }

    @Test func theSameOrderTwiceIsTheSameWorktree() async throws {
        let fixture = try await GitFixture()
        let first = try await fixture.worktrees().prepare(fixture.order("one"))
        try await fixture.shell("echo mine > mine", in: first.directory)
        let again = try await fixture.worktrees().prepare(fixture.order("one"))
        #expect(again == first)
        #expect(FileManager.default.fileExists(atPath: first.directory + "/mine"))
        var reuse = fixture.order("one")
        reuse.mode = .reuse
        #expect(try await fixture.worktrees().prepare(reuse) == first)
        reuse.workspaceId = "other"
        #expect(await fault { try await fixture.worktrees().prepare(reuse) }?.code == .notFound)
    }

    /// The spoke dies after each of its durable steps; the order comes again to a fresh process.
    @Test(arguments: [0, 2]) func aCrashBetweenStepsEndsTheSame(warm: Int) async throws {
        let fixture = try await GitFixture()
        for step in 0..<3 {
            let before = try fixture.worktrees(warm: warm)
            if warm > 0 { try await before.warm(fixture.origin, defaultBranch: "main") }
            await fixture.store.fail(afterSaves: step)
            let order = fixture.order("crash\(step)")
            let outcome: WorkspaceCreated?
            // Dying is the point.
            outcome = try? await before.prepare(order)
            #expect((outcome != nil) == (step >= 2))
            await fixture.store.fail(afterSaves: .max)
            let made = try await fixture.worktrees(warm: warm).prepare(order)
            #expect(try await fixture.contents(of: made.directory) == fixture.contents(of: fixture.origin))
            #expect(try await fixture.shell("git status --porcelain", in: made.directory).isEmpty)
        }
    }

    @Test func aHalfMadeWorktreeIsMadeAnew() async throws {
        let fixture = try await GitFixture()
        let first = try await fixture.worktrees().prepare(fixture.order("one"))
        var record = try #require(try await fixture.store.workspace("one"))
        for damage in ["rm -f .git", "rm -rf src", "find . -delete", "echo x > index.lock; rm -rf ../one"] {
            record.state = .preparing
            try await fixture.store.save(record)
            try await fixture.shell(damage, in: first.directory)
            let again = try await fixture.worktrees().prepare(fixture.order("one"))
            #expect(again == first)
            #expect(try await fixture.shell("git status --porcelain", in: again.directory).isEmpty)
        }
    }

    @Test func aWorktreeWhoseLinkIsBrokenIsNotUsed() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell("rm .git && git init -q \(fixture.folder)", in: made.directory)
        #expect(await fault { try await worktrees.prepare(fixture.order("one")) }?.code == .execution)
    }

    @Test func fortyOrdersAtOnceAllSucceed() async throws {
        let fixture = try await GitFixture(files: 200)
        let worktrees = try fixture.worktrees()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask { _ = try await worktrees.prepare(fixture.order("many\(number)")) }
            }
            try await group.waitForAll()
        }
        #expect(try await worktrees.list().filter { $0.state == .ready }.count == 40)
    }

    @Test func roundsOfEightThatAddAndRemoveAllSucceed() async throws {
        let fixture = try await GitFixture(files: 100)
        let worktrees = try fixture.worktrees(warm: 2)
        let background = Task { await worktrees.run() }
        defer { background.cancel() }
        for round in 0..<5 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let id = "r\(round)n\(number)"
                        _ = try await worktrees.prepare(fixture.order(id))
                        if number % 2 == 0 { _ = try await worktrees.remove(WorkspaceID(id), reason: "test") }
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await worktrees.list().count == 20)
    }

    @Test func aBrokenMirrorIsRebuiltAndKeepsTheWorkInIt() async throws {
        let fixture = try await GitFixture(files: 150)
        let made = try await fixture.worktrees().prepare(fixture.order("one"))
        try await fixture.shell(
            "echo mine > mine && git add mine && git commit -qm mine && echo more >> mine",
            in: made.directory
        )
        // The whole history of the origin lies in one pack; a worktree's work lies loose.
        for (number, damage) in [
            "rm HEAD", "rm -f objects/pack/*.idx", "truncate -s 100 objects/pack/*.pack", "rm -rf objects/pack/*",
            "echo '[broken' > config", "printf 'x\\n' > refs/remotes/origin/main",
        ].enumerated() {
            #expect(try await fixture.shell("ls objects/pack/*.pack | wc -l", in: fixture.mirror()) != "0")
            try await fixture.shell("chmod -R u+w objects; \(damage)", in: fixture.mirror())
            let worktrees = try fixture.worktrees()
            let next = try await worktrees.prepare(fixture.order("after\(number)", base: "main"))
            #expect(try await fixture.shell("git status --porcelain", in: next.directory).isEmpty, "\(damage)")
            let mine = try await fixture.shell("git log -1 --format=%s; git status --porcelain", in: made.directory)
            #expect(mine == "mine\n M mine", "\(damage)")
            #expect(try await worktrees.remove(WorkspaceID("after\(number)"), reason: "").salvaged == nil)
        }
        let repositories = try FileManager.default.contentsOfDirectory(atPath: fixture.data + "/repos")
        #expect(repositories.contains { $0.contains(".broken-") })
    }

    @Test func damageThatShowsOnlyLaterIsRepairedAndTheOrderSucceeds() async throws {
        let fixture = try await GitFixture(files: 150)
        let worktrees = try fixture.worktrees()
        _ = try await worktrees.prepare(fixture.order("one"))
        try await fixture.shell("rm -rf objects/pack/*", in: fixture.mirror())
        // The same process trusts the mirror; git itself fails first.
        _ = try await worktrees.prepare(fixture.order("two", base: "v1"))
        try await fixture.shell("chmod -R u+w objects; truncate -s 5000 objects/pack/*.pack", in: fixture.mirror())
        let made = try await worktrees.prepare(fixture.order("three"))
        #expect(try await fixture.shell("git status --porcelain", in: made.directory).isEmpty)
    }
}
