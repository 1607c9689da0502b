import Foundation
import Protocol
import Testing

/// What one failure at a time does, each looked at closely.
@Suite(.serialized) struct ResilienceTests {
    private static let work = CountingWork(lines: 400, exitCode: 0)

    @Test func aSessionMayLiveItsWholeLifeWhileTheHubIsAway() async throws {
        try await withFleet { fleet in
            let gate = try await Self.prepare(fleet)
            let session = try await fleet.spawn("demo", Self.work.command(marks: fleet.marks.file, gate: gate))
            _ = try await eventually("the order has come") {
                try await fleet.sessions(on: "one").keys.contains(session) ? true : nil
            }
            await fleet.hubProgram?.crash()
            Self.open(gate)
            try await fleet.untilIdle("one")
            try await fleet.startHub()
            let ends = try await fleet.ends(of: [session])
            try await fleet.check(Self.work, of: session, ended: ends[session])
            try await fleet.checkProofs(spokes: ["one"])
        }
    }

    @Test func anUpgradeOrACrashOfTheSpokeKeepsTheProcessAndEveryByte() async throws {
        try await withFleet { fleet in
            let gate = try await Self.prepare(fleet)
            let work = CountingWork(lines: 2_000, exitCode: 3)
            let session = try await fleet.spawn("demo", work.command(marks: fleet.marks.file, gate: gate))
            let before = try await Self.process(of: session, in: fleet)
            Self.open(gate)
            _ = try await eventually("it prints") { try await fleet.logs(session).isEmpty ? nil : true }
            fleet.spoke("one")?.signal(SIGTERM)
            #expect(await fleet.spoke("one")?.exit() == 0)
            #expect(ProcessTree.lives(before))
            try fleet.startSpoke("one")
            #expect(try await Self.process(of: session, in: fleet) == before)
            await fleet.spoke("one")?.crash()
            #expect(ProcessTree.lives(before))
            try fleet.startSpoke("one")
            #expect(try await Self.process(of: session, in: fleet) == before)
            let ends = try await fleet.ends(of: [session])
            try await fleet.check(work, of: session, ended: ends[session])
            #expect(fleet.marks.pids[session] == [before])
            try await fleet.checkProofs(spokes: ["one"])
        }
    }

    @Test func whatDiesWithTheMachineIsToldAsLost() async throws {
        try await withFleet { fleet in
            let gate = try await Self.prepare(fleet)
            let session = try await fleet.spawn(
                "demo",
                ["sh", "-c", "echo before; sleep 1000 & sleep 1000 & wait"]
            )
            _ = try await eventually("it prints") { try await fleet.logs(session).isEmpty ? nil : true }
            let leader = try await Self.process(of: session, in: fleet)
            let processes = [leader] + ProcessTree.children(of: leader)
            #expect(processes.count == 3)
            await fleet.spoke("one")?.crash()
            if let supervisor = ProcessTree.parent(of: leader), supervisor > 1 { kill(supervisor, SIGKILL) }
            for pid in processes { kill(pid, SIGKILL) }
            _ = try await eventually("they are gone") { processes.contains(where: ProcessTree.lives) ? nil : true }
            try fleet.startSpoke("one")
            let end = try await fleet.ends(of: [session])[session]
            #expect(end?["mapping"]?["status"]?.stringValue == "failed", "\(end ?? .null)")
            #expect(end?["session"]?["exitReason"]?.stringValue == "lost", "\(end ?? .null)")
            #expect(try await fleet.logs(session) == Data("before\n".utf8))
            Self.open(gate)
            let next = try await fleet.spawn("demo", Self.work.command(marks: fleet.marks.file, gate: gate))
            try await fleet.check(Self.work, of: next, ended: fleet.ends(of: [next])[next])
            try await fleet.checkProofs(spokes: ["one"])
        }
    }

    @Test func aHubThatIsToldToStopLeavesInOrderAndASecondTimeAtOnce() async throws {
        try await withFleet { fleet in
            let gate = try await Self.prepare(fleet)
            let session = try await fleet.spawn("demo", Self.work.command(marks: fleet.marks.file, gate: gate))
            _ = try await Self.process(of: session, in: fleet)
            fleet.hubProgram?.signal(SIGTERM)
            #expect(await fleet.hubProgram?.exit() == 0)
            #expect(fleet.postmaster == nil)
            try await fleet.startHub()
            try await fleet.untilConnected("one")
            // A request that does not end keeps a drain waiting.
            let unfinished = try await RawSocket.unfinished(port: fleet.port)
            fleet.hubProgram?.signal(SIGTERM)
            // Its log also has the first hub's words.
            _ = try await eventually("it drains") {
                (fleet.hubProgram?.logText.components(separatedBy: "Draining").count ?? 0) > 2 ? true : nil
            }
            fleet.hubProgram?.signal(SIGTERM)
            #expect(await fleet.hubProgram?.exit() == 128 + SIGTERM)
            withExtendedLifetime(unfinished) {}
            try await fleet.startHub()
            try await fleet.untilConnected("one")
            Self.open(gate)
            let ends = try await fleet.ends(of: [session])
            try await fleet.check(Self.work, of: session, ended: ends[session])
            try await fleet.checkProofs(spokes: ["one"])
        }
    }

    @Test func fortySpawnsAtOnceFromOneRepositoryAllSucceed() async throws {
        try await withFleet { fleet in
            let gate = try await Self.prepare(fleet)
            Self.open(gate)
            let work = CountingWork(lines: 20, exitCode: 0)
            let commands = Array(repeating: work.command(marks: fleet.marks.file), count: 40)
            let begun = ContinuousClock.now
            let sessions = try await fleet.spawnMany("demo", commands, key: "forty")
            let ends = try await fleet.ends(of: sessions)
            print("forty spawns: all ended after \(ContinuousClock.now - begun)")
            #expect(Set(sessions).count == 40)
            for session in sessions {
                #expect(ends[session]?["mapping"]?["status"]?.stringValue == "completed", "\(ends[session] ?? .null)")
                #expect(fleet.marks.pids[session]?.count == 1)
            }
            let last = try #require(sessions.last)
            try await fleet.check(work, of: last, ended: ends[last])
            try await fleet.checkProofs(spokes: ["one"])
        }
    }

    // MARK: What they share

    /// A hub, a spoke, a project; answers the gate at which its sessions wait.
    private static func prepare(_ fleet: Fleet) async throws -> URL {
        try await fleet.startHub()
        try await fleet.addSpoke("one")
        try await fleet.addProject("demo", files: CountingWork.files)
        return fleet.folder.appending(path: "gate")
    }

    private static func open(_ gate: URL) {
        _ = FileManager.default.createFile(atPath: gate.path, contents: nil)
    }

    /// The process of a session, once the spoke says that it runs.
    private static func process(of session: String, in fleet: Fleet) async throws -> Int32 {
        try await eventually("session \(session) runs") { try await fleet.sessions(on: "one")[session] ?? nil }
    }
}
