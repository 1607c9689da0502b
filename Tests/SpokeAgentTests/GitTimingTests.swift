import Foundation
import Protocol
import SpokeAgent
import Testing

/// How long worktrees take, against git itself on the same machine at the same time. The printed figures are the
/// point; the bounds are wide, since other work may run beside the tests.
@Suite(.serialized) struct GitTimingTests {
    @Test func aWarmWorktreeIsMuchFasterThanGitAndAColdOneHardlySlower() async throws {
        let fixture = try await GitFixture(files: 2_000, bytesPerFile: 6_000)
        let worktrees = try fixture.worktrees(warm: 8)
        try await fixture.shell("git clone -q --bare origin plain.git")
        _ = try await fixture.worktrees(warm: 0).prepare(fixture.order("first"))
        var byHand: [Double] = []
        var cold: [Double] = []
        var warm: [Double] = []
        for round in 0..<8 {
            byHand.append(
                try await milliseconds {
                    try await fixture.shell("git -C plain.git worktree add -q -b b\(round) ../by-hand\(round) main")
                }
            )
            let empty = try fixture.worktrees(warm: 0)
            cold.append(try await milliseconds { _ = try await empty.prepare(fixture.order("cold\(round)")) })
        }
        try await worktrees.warm(fixture.origin, defaultBranch: "main")
        #expect(try await worktrees.warmCount(of: fixture.origin) == 8)
        for round in 0..<8 {
            warm.append(try await milliseconds { _ = try await worktrees.prepare(fixture.order("warm\(round)")) })
        }
        let (hand, chill, heat) = (median(byHand), median(cold), median(warm))
        print("worktree: git \(hand) ms, cold \(chill) ms (\(chill / hand)), warm \(heat) ms (\(heat / hand))")
        #expect(heat < hand)
        #expect(chill < hand * 3)
    }

    @Test func fortyAtOnceAreAsFastAsTheCoresAllow() async throws {
        let fixture = try await GitFixture(files: 2_000, bytesPerFile: 6_000)
        let worktrees = try fixture.worktrees()
        _ = try await worktrees.prepare(fixture.order("first"))
        let all = try await milliseconds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask { _ = try await worktrees.prepare(fixture.order("many\(number)")) }
                }
                try await group.waitForAll()
            }
        }
        print("worktree: 40 at once \(all) ms, \(all / 40) ms each")
    }

    @Test func aRemovalTakesMilliseconds() async throws {
        let fixture = try await GitFixture(files: 2_000, bytesPerFile: 6_000)
        let worktrees = try fixture.worktrees()
        var clean: [Double] = []
        var dirty: [Double] = []
        for round in 0..<5 {
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
        try await fixture.shell("mkdir -p many; cd many; seq 10000 | split -l 1 -a 4", in: made.directory)
        var salvaged: WorkspaceSalvaged?
        let many = try await milliseconds { salvaged = try await worktrees.remove("many", reason: "").salvaged }
        let order = restoring(try #require(salvaged), as: fixture.order("back"))
        let back = try await milliseconds { _ = try await worktrees.restore(order) }
        print(
            "worktree: remove clean \(median(clean)) ms, dirty \(median(dirty)) ms, 10,000 files \(many) ms, back \(back) ms"
        )
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
