import Foundation
import Protocol
import Testing

/// One spoke, two data directories: the copy of a virtual machine, or a back-up that was restored too eagerly.
@Suite(.serialized) struct CopiedSpokeTests {
    private static let work = CountingWork(lines: 100, exitCode: 0)

    @Test func ofASpokeAndItsCopyOneWorksAndTheOtherSaysWhyNot() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo", files: CountingWork.files)
            var sessions = [try await Self.run(on: fleet)]
            // A record that only one of the two writes would decide which of them the hub believes.
            try await fleet.untilIdle("one")
            fleet.spoke("one")?.signal(SIGTERM)
            #expect(await fleet.spoke("one")?.exit() == 0)
            try await fleet.copy("one", to: "copy")
            try fleet.startSpoke("one")
            try await Self.untilLink("one", is: "connected", on: fleet)
            // A start that was never seen takes over; the other one never tries again.
            try fleet.startSpoke("copy")
            try await Self.untilLink("one", is: "given up", on: fleet)
            try await Self.untilLink("copy", is: "connected", on: fleet)
            #expect(fleet.spoke("one")?.logText.contains("link given up") == true)
            sessions.append(try await Self.run(on: fleet))
            // The hub knows more than the original now: only a person can say which of the two is right.
            fleet.spoke("one")?.signal(SIGTERM)
            #expect(await fleet.spoke("one")?.exit() == 0)
            try fleet.startSpoke("one")
            try await Self.untilLink("one", is: "offline", on: fleet)
            #expect(fleet.spoke("one")?.logText.contains("copy or was restored") == true)
            #expect(try await fleet.localStatus(of: "copy")?["link"]?.stringValue == "connected")
            sessions.append(try await Self.run(on: fleet))
            for session in sessions {
                try await fleet.check(Self.work, of: session, ended: fleet.mappings()[session])
            }
            try await fleet.checkProofs(spokes: ["one", "copy"])
        }
    }

    private static func run(on fleet: Fleet) async throws -> String {
        let session = try await fleet.spawn("demo", work.command(marks: fleet.marks.file))
        _ = try await fleet.ends(of: [session])
        return session
    }

    private static func untilLink(_ spoke: String, is state: String, on fleet: Fleet) async throws {
        _ = try await eventually("the link of \(spoke) is \(state)") {
            let link = try await fleet.localStatus(of: spoke)?["link"]?.stringValue
            return link?.hasPrefix(state) == true ? true : nil
        }
    }

    @Test func aSpokeWhoseClockJumpsByHoursLosesAndRepeatsNothing() async throws {
        guard let library = Self.faketime else {
            // Debian's package faketime is not there. That numbers alone decide is shown without it as well:
            // StreamTests and the simulation, whose spokes have no wall clock at all.
            return
        }
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo", files: CountingWork.files)
            for jump in ["-2h", "+2h", "+0"] {
                let gate = fleet.folder.appending(path: "gate\(jump)")
                let command = Self.work.command(marks: fleet.marks.file, gate: gate)
                let session = try await fleet.spawn("demo", command)
                _ = try await eventually("it runs") {
                    try await fleet.sessions(on: "one")[session].flatMap { $0 } == nil ? nil : true
                }
                await fleet.spoke("one")?.crash()
                _ = FileManager.default.createFile(atPath: gate.path, contents: nil)
                let clock = ["LD_PRELOAD": library, "FAKETIME": jump, "FAKETIME_DONT_FAKE_MONOTONIC": "1"]
                try fleet.startSpoke("one", environment: clock)
                let end = try await fleet.ends(of: [session])[session]
                try await fleet.check(Self.work, of: session, ended: end)
                let next = try await Self.run(on: fleet)
                try await fleet.check(Self.work, of: next, ended: fleet.mappings()[next])
            }
            try await fleet.checkProofs(spokes: ["one"])
        }
    }

    /// Shifts the wall clock of a program that is started with it.
    private static let faketime: String? = {
        let names = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
        return names.first { FileManager.default.fileExists(atPath: $0) }
    }()
}
