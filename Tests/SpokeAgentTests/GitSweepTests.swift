import Foundation
import Protocol
import SpokeAgent
import SpokeCore
import Testing

/// What crashes and time leave behind, the warm pool, and limits of time.
@Suite struct GitSweepTests {
    @Test func theWarmPoolIsFilledTakenFromAndRefilled() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees(warm: 3)
        try await worktrees.warm(fixture.origin, defaultBranch: "main")
        #expect(try await worktrees.warmCount(of: fixture.origin) == 3)
        let made = try await worktrees.prepare(fixture.order("one", base: "feature"))
        #expect(try await worktrees.warmCount(of: fixture.origin) == 2)
        #expect(
            try await fixture.shell("git status --porcelain; git rev-parse --abbrev-ref HEAD", in: made.directory)
                == "wt/one"
        )
        #expect(FileManager.default.fileExists(atPath: made.directory + "/feature.txt"))
        // git itself agrees about where the worktree is, and can go on with it.
        let listed = try await fixture.shell("git worktree list", in: made.directory)
        #expect(listed.contains(made.directory + " "))
        try await fixture.shell("git worktree prune; git commit -q --allow-empty -m on; git fsck", in: made.directory)
        let background = Task { await worktrees.run() }
        let deadline = ContinuousClock.now + .seconds(60)
        while try await worktrees.warmCount(of: fixture.origin) < 3, ContinuousClock.now < deadline {
            await Task.yield()
        }
        background.cancel()
        #expect(try await worktrees.warmCount(of: fixture.origin) == 3)
        #expect(try await worktrees.remove("one", reason: "").salvaged != nil)
    }

    /// The index of a tree from the pool is dated later than its files, which must not blind git to what comes next.
    @Test func aChangeOfTheSameLengthRightAfterTheHandOverIsSeen() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees(warm: 1)
        try await worktrees.warm(fixture.origin, defaultBranch: "main")
        let made = try await worktrees.prepare(fixture.order("one"))
        let seen = try await fixture.shell(
            "f=$(git ls-files | while read f; do test -s \"$f\" && echo \"$f\"; done | head -1); "
                + "size=$(stat -c %s \"$f\"); head -c \"$size\" /dev/zero | tr '\\0' '~' > \"$f\"; "
                + "git status --porcelain",
            in: made.directory
        )
        #expect(seen.hasPrefix("M ") || seen.hasPrefix(" M "))
    }

    @Test func warmTreesThatWereTouchedOrHalfMadeAreNotHandedOut() async throws {
        let fixture = try await GitFixture()
        let before = try fixture.worktrees(warm: 2)
        try await before.warm(fixture.origin, defaultBranch: "main")
        try await fixture.shell(
            "cd worktrees/.warm; set -- *; "
                + "echo stray > $1/stray; echo x >> $1/src/file1; mkdir $1/ignored; echo y > $1/ignored/y;"
                + " rm ../../repos/*.git/worktrees/$2/nave-warm",
            in: fixture.data
        )
        let worktrees = try fixture.worktrees(warm: 2)
        #expect(try await worktrees.warmCount(of: fixture.origin) == 1)
        let made = try await worktrees.prepare(fixture.order("one"))
        #expect(try await fixture.contents(of: made.directory) == fixture.contents(of: fixture.origin))
        _ = try await worktrees.sweep()
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.data + "/worktrees/.warm").isEmpty)
    }

    @Test func aSweepClearsLeftoversAndTouchesNothingElse() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let made = try await worktrees.prepare(fixture.order("one"))
        let (data, mirror) = (fixture.data, try fixture.mirror())
        try await fixture.shell(
            """
            mkdir \(data)/drafts/mirror-x \(data)/trash/y \(data)/worktrees/stray; touch \(data)/trash/y/z
            chmod 500 \(data)/trash/y
            touch -d '1 hour ago' \(mirror)/worktrees/one/index.lock \(mirror)/packed-refs.lock
            touch \(mirror)/config.lock
            touch -d '1 hour ago' \(mirror)/refs/heads/wt/one.lock
            """
        )
        let report = try await worktrees.sweep()
        #expect(report.strays == [data + "/worktrees/stray"])
        let locks = ["worktrees/one/index.lock", "packed-refs.lock", "refs/heads/wt/one.lock"].map { "\(mirror)/\($0)" }
        #expect(Set(report.brokenLocks) == Set(locks))
        #expect(FileManager.default.fileExists(atPath: mirror + "/config.lock"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: data + "/drafts").isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: data + "/trash").isEmpty)
        #expect(FileManager.default.fileExists(atPath: mirror + "/nave-maintained"))
        #expect(try await fixture.shell("git status --porcelain; git fsck", in: made.directory).isEmpty)
        #expect(try await worktrees.prepare(fixture.order("two")).branch == "wt/two")
    }

    @Test func aRemovalThatACrashInterruptedIsReported() async throws {
        let fixture = try await GitFixture()
        _ = try await fixture.worktrees().prepare(fixture.order("one"))
        var record = try #require(try await fixture.store.workspace("one"))
        record.state = .removing
        try await fixture.store.save(record)
        let worktrees = try fixture.worktrees()
        #expect(try await worktrees.sweep().unfinishedRemovals == ["one"])
        #expect(await fault { try await worktrees.prepare(fixture.order("one")) }?.code == .conflict)
        _ = try await worktrees.remove("one", reason: "again")
        #expect(try await worktrees.sweep().unfinishedRemovals.isEmpty)
    }

    @Test func aLeasedWorktreeIsNoTenantThatMayLeave() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        _ = try await worktrees.prepare(fixture.order("one"))
        try await worktrees.lease("one", to: "session")
        #expect(try await worktrees.tenants().map(\.isRemovable) == [false])
        try await worktrees.lease("one", to: nil)
        #expect(try await worktrees.tenants().map(\.isRemovable) == [true])
        let reading = try worktrees.diskReading()
        #expect(reading.totalBytes > reading.freeBytes && reading.freeBytes > 0)
    }

    @Test func aCancelledOrderLeavesNothingBehindAndMayComeAgain() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        for turn in 0..<6 {
            let order = fixture.order("one")
            let asked = Task { try await worktrees.prepare(order) }
            for _ in 0..<(turn * 400) { await Task.yield() }
            asked.cancel()
            _ = try? await asked.value  // Being cancelled is the point.
            let made = try await worktrees.prepare(order)
            #expect(try await fixture.shell("git status --porcelain", in: made.directory).isEmpty)
            _ = try await worktrees.remove("one", reason: "")
        }
    }

    @Test func aLockThatAStoppedGitLeftOnABranchToBeIsNoObstacle() async throws {
        let fixture = try await GitFixture()
        let worktrees = try fixture.worktrees()
        let first = try await worktrees.prepare(fixture.order("zero"))
        let common = try await fixture.shell("git rev-parse --git-common-dir", in: first.directory)
        let lock = common + "/refs/heads/" + fixture.order("one").branch + ".lock"
        let folder = URL(filePath: lock).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: lock, contents: nil))
        let made = try await worktrees.prepare(fixture.order("one"))
        #expect(try await fixture.shell("git status --porcelain", in: made.directory).isEmpty)
    }
}
