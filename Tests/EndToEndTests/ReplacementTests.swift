import Foundation
import Protocol
import Testing

/// Goal: a session may outlive its machine if its spawn said so. Method: one spoke vanishes, its session runs again on
/// another; the first comes back, is told to stop and does, and both outputs can be read.
@Suite(.timeLimit(.minutes(5))) struct ReplacementTests {
    @Test func aSessionThatAllowsItRunsElsewhereWhenItsSpokeStaysAway() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addProject("app")
            try await fleet.addSpoke("first")
            let marker = fleet.folder.appending(path: "leader").path
            // The first run waits for ever; a later one finds the marker and ends.
            let script = "echo in $NAVE_BRANCH; [ -e \(marker) ] && exit 0; echo $$ > \(marker); sleep 1000"
            let order: JSONValue = [
                "project": "app", "branch": "work", "run": ["command": ["sh", "-c", .string(script)]],
                "disconnectPolicy": ["replaceAfterSeconds": 1],
            ]
            let input = String(decoding: WireCoder.bytes(of: order), as: UTF8.self)
            let spawned = try await fleet.ask("call", "coord.spawn", input)
            let session = spawned["sessionId"]?.stringValue ?? ""
            let leader = try await eventually("the first run is under way") {
                try? String(contentsOfFile: marker, encoding: .utf8).trimmingCharacters(in: .newlines)
            }
            let pid = try #require(Int32(leader))

            await fleet.spoke("first")?.crash()
            _ = try await eventually("the session waits again") {
                try await fleet.status(of: session)["session"]?["status"] == "retry" ? true : nil
            }
            #expect(Fleet.lives(pid), "Nobody can reach the first run yet.")
            try await fleet.addSpoke("second")
            let end = try await fleet.end(of: session)
            #expect(end["mapping"]?["status"] == "completed")
            #expect(String(decoding: try await fleet.logs(session), as: UTF8.self) == "in work-2\n")

            try fleet.startSpoke("first")
            try await fleet.untilConnected("first")
            _ = try await eventually("the first run is stopped") { Fleet.lives(pid) ? nil : true }
            let former = "{\"sessionId\": \"\(session)\", \"fence\": 1}"
            _ = try await eventually("what the first run said is readable") {
                let read = try await fleet.hub("subscribe", "session.output", former)
                // "in work\n" in base64, as bytes are in JSON.
                return read.text.contains("aW4gd29yawo") ? true : nil
            }
            #expect(try await fleet.status(of: session)["mapping"]?["status"] == "completed")
            let verified = try await fleet.hub("verify")
            #expect(verified.exitCode == 0, "\(verified.text)")
        }
    }
}
