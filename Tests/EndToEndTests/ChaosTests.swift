import Foundation
import Protocol
import TestSupport
import Testing

/// `kill -9` of everything, at any moment, in a random order, while sessions run: afterwards every byte is there, once.
///
/// `CHAOS_ROUNDS=20` runs longer, `CHAOS_SEED=n` replays the order of one run.
@Suite(.serialized) struct ChaosTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func whateverIsKilledEverySessionRunsOnceAndEveryByteArrives() async throws {
        let seed = Self.number("CHAOS_SEED") ?? UInt64.random(in: 1...999_999)
        let rounds = Int(Self.number("CHAOS_ROUNDS") ?? 3)
        let story = Story()
        do {
            try await withFleet { fleet in
                try await fleet.startHub()
                try await fleet.addSpoke("one")
                try await fleet.addSpoke("two")
                try await fleet.addProject("demo", files: CountingWork.files)
                var chance = SplitMix64(seed: seed)
                for round in 1...rounds {
                    try await Self.play(round, with: &chance, on: fleet, story)
                }
                try await fleet.checkProofs(spokes: ["one", "two"])
            }
        } catch {
            throw Broken(seed: seed, story: story.lines, cause: error)
        }
        print("chaos: seed \(seed), \(rounds) rounds: \(story.lines.joined(separator: ", "))")
    }

    /// Sessions are spawned while blows fall; when all is quiet, all is checked.
    private static func play(
        _ round: Int,
        with chance: inout SplitMix64,
        on fleet: Fleet,
        _ story: Story
    ) async throws {
        let works = (0..<6).map { _ in
            CountingWork(
                lines: Int.random(in: 100...1_600, using: &chance),
                exitCode: chance.chance(70) ? 0 : Int.random(in: 1...99, using: &chance)
            )
        }
        let blows = (0..<5).map { _ in Blow(using: &chance) }
        story.tell("round \(round)")
        let commands = works.map { $0.command(marks: fleet.marks.file) }
        async let spawned = fleet.spawnMany("demo", commands, key: "round\(round)")
        for blow in blows {
            story.tell("\(blow.target)")
            try await blow.fall(on: fleet)
        }
        let sessions = try await spawned
        let ends = try await fleet.ends(of: sessions)
        for (session, work) in zip(sessions, works) {
            try await fleet.check(work, of: session, ended: ends[session])
        }
    }

    struct Broken: Error, CustomStringConvertible {
        let seed: UInt64
        let story: [String]
        let cause: any Error
        var description: String { "CHAOS_SEED=\(seed) (\(story.joined(separator: ", "))): \(cause)" }
    }
}

/// What happened so far, for the reader of a failure.
private final class Story {
    private(set) var lines: [String] = []
    func tell(_ line: String) { lines.append(line) }
}

/// One thing that is done to a fleet.
struct Blow {
    enum Target: CaseIterable {
        case hub, hubWhileItStarts, spokeOne, spokeTwo, postgres, backend, hubAndSpokes, everything
        case hubInOrder, spokeInOrder
    }

    let target: Target
    /// Before the blow, and between it and the restart.
    let before: Duration
    let after: Duration
    private let draw: UInt64

    init(using chance: inout SplitMix64) {
        target = Target.allCases.randomElement(using: &chance) ?? .hub
        before = .milliseconds(Int.random(in: 0...700, using: &chance))
        after = .milliseconds(chance.chance(50) ? 0 : Int.random(in: 0...600, using: &chance))
        draw = chance.next()
    }

    func fall(on fleet: Fleet) async throws {
        // When it falls is the story's, not a wait for anything.
        try await Task.sleep(for: before)
        switch target {
        case .hub: try await hub(of: fleet)
        case .hubWhileItStarts:
            await fleet.hubProgram?.crash()
            try await fleet.crashStartingHub(after: after)
            try await fleet.startHub()
        case .spokeOne: try await spokes(["one"], of: fleet)
        case .spokeTwo: try await spokes(["two"], of: fleet)
        case .postgres: try await killPostgres(of: fleet)
        case .backend:
            let backends = fleet.backends
            if !backends.isEmpty { kill(backends[Int(draw % UInt64(backends.count))], SIGKILL) }
        case .hubAndSpokes:
            await fleet.hubProgram?.crash()
            try await spokes(["one", "two"], of: fleet)
            try await fleet.startHub()
        case .everything:
            try await killPostgres(of: fleet)
            await fleet.hubProgram?.crash()
            try await spokes(["one", "two"], of: fleet)
            try await fleet.startHub()
        case .hubInOrder:
            fleet.hubProgram?.signal(SIGTERM)
            #expect(await fleet.hubProgram?.exit() == 0)
            try await fleet.startHub()
        case .spokeInOrder:
            let spoke = fleet.spoke("one")
            spoke?.signal(SIGTERM)
            // One that was started a moment ago may not listen to signals yet, and ends as any program does.
            let code = await spoke?.exit()
            #expect(code == 0 || code == -SIGTERM)
            try fleet.startSpoke("one")
        }
    }

    /// An earlier blow may have taken it a moment ago, and the next may be about to write its file.
    private func killPostgres(of fleet: Fleet) async throws {
        kill(try await eventually("Postgres has a process id") { fleet.postmaster }, SIGKILL)
    }

    private func hub(of fleet: Fleet) async throws {
        await fleet.hubProgram?.crash()
        try await Task.sleep(for: after)
        try await fleet.startHub()
    }

    private func spokes(_ names: [String], of fleet: Fleet) async throws {
        for name in names { await fleet.spoke(name)?.crash() }
        try await Task.sleep(for: after)
        for name in names { try fleet.startSpoke(name) }
    }
}
