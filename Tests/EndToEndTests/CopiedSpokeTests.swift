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
}
