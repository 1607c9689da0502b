import Foundation
import Protocol
import SpokeAgent
import Testing

/// How long worktrees take, against git itself on the same machine at the same time. The printed figures are the
/// point; the bounds are wide, since other work may run beside the tests.
///
/// `GIT_TIMING=1` measures with 2,000 files and 40 worktrees; without it, the same runs small.
@Suite(.serialized) struct GitTimingTests {
    private static let isFull = ProcessInfo.processInfo.environment["GIT_TIMING"] != nil
    private static let files = isFull ? 2_000 : 200
    private static let rounds = isFull ? 8 : 3

    @Test func aWarmWorktreeIsMuchFasterThanGitAndAColdOneHardlySlower() async throws {
        let fixture = try await GitFixture(files: Self.files, bytesPerFile: 6_000)
        let worktrees = try fixture.worktrees(warm: Self.rounds)
        try await fixture.shell("git clone -q --bare origin plain.git")
        _ = try await fixture.worktrees(warm: 0).prepare(fixture.order("first"))
        var byHand: [Double] = []
        var cold: [Double] = []
        var warm: [Double] = []
        for round in 0..<Self.rounds {
            byHand.append(
                try await milliseconds {
                    try await fixture.shell("git -C plain.git worktree add -q -b b\(round) ../by-hand\(round) main")
                }
            )
            let empty = try fixture.worktrees(warm: 0)
            cold.append(try await milliseconds { _ = try await empty.prepare(fixture.order("cold\(round)")) })
        }
        try await worktrees.warm(fixture.origin, defaultBranch: "main")
        #expect(try await worktrees.warmCount(of: fixture.origin) == Self.rounds)
        for round in 0..<Self.rounds {
            warm.append(try await milliseconds { _ = try await worktrees.prepare(fixture.order("warm\(round)")) })
        }
        let (hand, chill, heat) = (median(byHand), median(cold), median(warm))
        print("worktree: git \(hand) ms, cold \(chill) ms (\(chill / hand)), warm \(heat) ms (\(heat / hand))")
        // Small trees take git less than our own four processes take to start.
        if Self.isFull { #expect(heat < hand) }
        #expect(chill < hand * 5)
    }

    @Test func fortyAtOnceAreAsFastAsTheCoresAllow() async throws {
        let fixture = try await GitFixture(files: Self.files, bytesPerFile: 6_000)
        let worktrees = try fixture.worktrees()
        _ = try await worktrees.prepare(fixture.order("first"))
        let all = try await milliseconds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<(Self.isFull ? 40 : 10) {
                    group.addTask { _ = try await worktrees.prepare(fixture.order("many\(number)")) }
                }
                try await group.waitForAll()
            }
        }
        print("worktree: many at once \(all) ms")
    }

    @Test func aRemovalTakesMilliseconds() async throws {
        let fixture = try await GitFixture(files: Self.files, bytesPerFile: 6_000)
        let worktrees = try fixture.worktrees()
        var clean: [Double] = []
        var dirty: [Double] = []
        for round in 0..<Self.rounds {
            _ = try await worktrees.prepare(fixture.order("clean\(round)"))
            clean.append(
                try await milliseconds { _ = try await worktrees.remove(WorkspaceID("clean\(round)"), reason: "") }
            )
            let made = try await worktrees.prepare(fixture.order("dirty\(round)"))
            try await fixture.shell(
                "for i in 1 2 3 4 5; do echo x >> src/file$i; echo y > new$i; done",
                in: made.directory
            )
            dirty.append(
                try await milliseconds { _ = try await worktrees.remove(WorkspaceID("dirty\(round)"), reason: "") }
            )
        }
        let made = try await worktrees.prepare(fixture.order("many"))
        let count = Self.isFull ? 10_000 : 500
        try await fixture.shell("mkdir -p many; cd many; seq \(count) | split -l 1 -a 4", in: made.directory)
        var salvaged: WorkspaceSalvaged?
        let many = try await milliseconds { salvaged = try await worktrees.remove("many", reason: "").salvaged }
        let order = restoring(try #require(salvaged), as: fixture.order("back"))
        let back = try await milliseconds { _ = try await worktrees.restore(order) }
        print("worktree: remove clean \(median(clean)) ms, dirty \(median(dirty)) ms")
        print("worktree: remove with \(count) files \(many) ms, restore \(back) ms")
        #expect(median(clean) < 5_000)
    }
}

/// How long `body` took.
func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
    let clock = ContinuousClock()
    let begin = clock.now
    try await body()
    return Double((clock.now - begin).nanoseconds / 10_000) / 100
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
