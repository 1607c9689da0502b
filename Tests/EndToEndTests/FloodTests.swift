import Foundation
import Protocol
import Testing

/// More output than anybody reads: it comes back as it was. `FLOOD_BYTES` says how much, 64 MB if absent.
@Suite struct FloodTests {
    @Test func aFloodComesBackAsTheSameBytes() async throws {
        let bytes = ProcessInfo.processInfo.environment["FLOOD_BYTES"].flatMap { Int64($0) } ?? 64 << 20
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let source = "seq 1 1000000000 | head -c \(bytes)"
            let begun = ContinuousClock.now
            let session = try await fleet.spawn("demo", ["sh", "-c", source])
            let end = try await fleet.ends(of: [session], within: .seconds(900))[session]
            let taken = ContinuousClock.now - begun
            #expect(end?["mapping"]?["status"]?.stringValue == "completed", "\(end ?? .null)")
            #expect(end?["output"]?["bytes"]?.integerValue == bytes, "\(end ?? .null)")
            let sum = try await fleet.shell("\(source) | sha256sum")
            let hub = Fleet.binaries.appending(path: "hub").path
            let reading = ContinuousClock.now
            #expect(try await fleet.shell("'\(hub)' logs \(session) | sha256sum") == sum)
            print("flood: \(bytes >> 20) MB stored after \(taken), read back in \(ContinuousClock.now - reading)")
            try await fleet.checkProofs(spokes: ["one"])
        }
    }
}
