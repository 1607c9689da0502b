import Foundation
import Protocol
import SpokeAgent
import SpokeCore
import Testing

/// Random dirty states, removed on every path there is, and restored here and elsewhere.
///
/// The method: a seeded generator picks what happens in a worktree; the files and git's status are noted; the
/// worktree is removed; what a restore brings back must be the same, byte for byte. `GIT_SEED` replays one state,
/// `GIT_SEEDS` says how many to try.
@Suite struct GitPropertyTests {
    /// What may happen in a worktree. `N` stands for a number of the step's own.
    private static let deeds = [
        "echo N >> src/file1", "echo N > newN", "echo N > stagedN; git add stagedN", "git rm -qf src/file2 || true",
        "rm -f src/file3", "mv src/file4 src/movedN || true", "git mv src/file5 src/renamedN || true",
        "git commit -qam cN || true", "git add -A; git commit -qm allN || true", "git checkout -q --detach",
        "git checkout -q -b sideN || true", "git merge -q origin/feature || true",
        "git rebase -q origin/feature || true",
        "git reset -q --soft HEAD~1 || true", "git reset -q --hard HEAD~1 || true", "chmod +x src/file6 || true",
        "chmod -x run.sh || true", "ln -sf src/fileN lN", "ln -sf nowhere src/file7",
        "rm -rf src/deep; mkdir -p src/deep/N; echo N > src/deep/N/x",
        "rm -f conflict.txt; mkdir -p conflict.txt; echo N > conflict.txt/N",
        "printf 'a\\r\\nN\\r\\n' > crlfN; git add crlfN",
        "head -c 3000 /dev/urandom > binN", "printf '\\0' > 'odd name\tN'", "mkdir -p ignored; echo N > ignored/N",
        ": > emptyN",
        "git update-index --assume-unchanged src/file8 || true; echo hidden >> src/file8", "git add -N newN || true",
        "git stash -q || true", "git cherry-pick origin/feature || true", "git checkout -q --orphan orphanN || true",
        "git init -q nestN; echo N > nestN/f", "echo x > .git/../dotN; git add -f ignored || true",
        "git update-index --skip-worktree src/file9 || true; echo s >> src/file9",
        "git update-index --split-index || true", "git rm -q --cached src/file10 || true", "touch src/file11",
    ]

    @Test func whateverHappenedComesBackByteForByte() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seeds =
            environment["GIT_SEED"].flatMap(UInt64.init).map { [$0] }
            ?? Array(1...(environment["GIT_SEEDS"].flatMap(UInt64.init) ?? 12))
        let fixture = try await GitFixture()
        for seed in seeds {
            try await story(seed, fixture)
        }
    }

    private func story(_ seed: UInt64, _ fixture: GitFixture) async throws {
        var generator = Seeded(state: seed)
        let id = "s\(seed)"
        let warm = Int.random(in: 0...1, using: &generator)
        let worktrees = try fixture.worktrees(warm: warm)
        if warm > 0 { try await worktrees.warm(fixture.origin, defaultBranch: "main") }
        let made = try await worktrees.prepare(fixture.order(id))
        var script: [String] = []
        for step in 0..<Int.random(in: 1...9, using: &generator) {
            script.append((Self.deeds.randomElement(using: &generator) ?? "true").replacing("N", with: "\(step)"))
        }
        let told = "seed \(seed): \(script.joined(separator: "; "))"
        try await fixture.shell(
            script.map { "( \($0) ) >/dev/null 2>&1 || true" }.joined(separator: "\n"),
            in: made.directory
        )
        let isConflicted = try await !fixture.shell("git ls-files -u", in: made.directory).isEmpty
        let hides = script.contains {
            $0.contains("assume-unchanged") || $0.contains("skip-worktree") || $0.contains("add -N")
        }
        let hasHead = try await fixture.shell("git rev-parse -q --verify HEAD || true", in: made.directory)
        let before = try await observed(fixture, made.directory)
        let ignored = try await fixture.shell(
            "git ls-files -o -i --exclude-standard",
            in: made.directory
        )
        let salvaged = try await remove(
            WorkspaceID(id),
            by: Int.random(in: 0...2, using: &generator),
            fixture,
            worktrees
        )
        guard let salvaged else {
            #expect(before.status.isEmpty && !hides, "\(told)")
            return
        }
        for place in 0..<2 where place == 0 || salvaged.bundle != nil {
            let spoke =
                place == 0
                ? worktrees
                : try fixture.worktrees(root: fixture.folder + "/other-\(seed)", store: MemoryWorktreeStore())
            let back = try await spoke.restore(restoring(salvaged, as: fixture.order("back-\(id)")))
            // What is ignored is not saved, by choice.
            for path in ignored.split(separator: "\n") {
                try await fixture.shell("mkdir -p \"$(dirname '\(path)')\"; : > '\(path)'", in: back.directory)
            }
            let after = try await observed(fixture, back.directory)
            #expect(blank(after.files, ignored) == blank(before.files, ignored), "\(told)")
            if !isConflicted, !hides, !hasHead.isEmpty {
                #expect(statusWithoutNested(after.status) == statusWithoutNested(before.status), "\(told)")
                #expect(back.headCommit == hasHead, "\(told)")
            }
        }
    }

    /// By order; by an order that a crash interrupted; under disk pressure.
    private func remove(
        _ id: WorkspaceID,
        by path: Int,
        _ fixture: GitFixture,
        _ worktrees: Worktrees
    ) async throws -> WorkspaceSalvaged? {
        switch path {
        case 0:
            return try await worktrees.remove(id, reason: "ordered").salvaged
        case 1:
            await fixture.store.fail(afterSaves: 2)
            _ = try? await worktrees.remove(id, reason: "interrupted")  // Dying is the point.
            await fixture.store.fail(afterSaves: .max)
            return try await fixture.worktrees().remove(id, reason: "ordered again").salvaged
        default:
            let full = DiskReading(totalBytes: 100 << 30, freeBytes: 1 << 20)
            let tenants = try await worktrees.tenants().filter { $0.workspaceId == id }
            let verdict = DiskWatermarks().verdict(on: full, tenants: tenants)
            #expect(verdict.remove == [id] && verdict.level == .hard)
            return try await worktrees.remove(id, reason: "disk").salvaged
        }
    }

    private func blank(_ listing: String, _ ignored: String) -> [Substring] {
        let paths = Set(ignored.split(separator: "\n").map { "./\($0)" })
        return listing.split(separator: "\n").filter { line in !paths.contains { line.hasSuffix($0) } }
    }

    /// A repository inside shows as one entry while it is one, and as files when it came back as files.
    private func statusWithoutNested(_ status: String) -> [Substring] {
        status.split(separator: "\n").filter { !$0.contains(" nest") }
    }
}

/// SplitMix64 (Steele, Lea, Flood, 2014): a story is its seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
