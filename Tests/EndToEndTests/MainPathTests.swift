import Foundation
import Protocol
import Testing

/// The main path, and what processes do to it, through the real programs.
@Suite struct MainPathTests {
    @Test func aSpawnRunsInAWorktreeAndItsOutputComesBack() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let followed = try await fleet.hub(
                "spawn",
                "--project",
                "demo",
                "--follow",
                "--",
                "sh",
                "-c",
                "cat README; echo $NAVE_BRANCH >&2; git rev-parse --show-toplevel; exit 7"
            )
            #expect(followed.exitCode == 7, "\(followed.errors)")
            let lines = followed.text.split(separator: "\n").map(String.init)
            #expect(lines.first == "hello")
            #expect(lines.last?.hasPrefix(fleet.directory(of: "one").path) == true)
            let session = try await fleet.ask("status")["mappings"]?.arrayValue?.first?["session"]
            let id = session?["id"]?.stringValue ?? ""
            #expect(try await fleet.end(of: id)["mapping"]?["status"]?.stringValue == "failed")
            #expect(try await fleet.logs(id, stream: "stderr").isEmpty == false)
            let verified = try await fleet.hub("verify")
            #expect(verified.exitCode == 0, "\(verified.text)")
        }
    }

    @Test func outputIsExactlyWhatTheProcessWrote() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let binary = try await fleet.spawn("demo", ["head", "-c", "3000000", "/dev/zero"])
            let bytes = try await fleet.spawn(
                "demo",
                ["sh", "-c", "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done"]
            )
            let nothing = try await fleet.spawn("demo", ["true"])
            let closed = try await fleet.spawn("demo", ["sh", "-c", "echo early; exec 1>&-; echo late >&2; sleep 0.2"])
            for session in [binary, bytes, nothing, closed] {
                let end = try await fleet.end(of: session)
                #expect(end["mapping"]?["status"]?.stringValue == "completed", "\(end)")
            }
            #expect(try await fleet.logs(binary) == Data(count: 3_000_000))
            #expect(try await fleet.logs(bytes) == Data(0...255))
            #expect(try await fleet.logs(nothing).isEmpty)
            #expect(try await fleet.logs(closed) == Data("early\n".utf8))
            #expect(try await fleet.logs(closed, stream: "stderr") == Data("late\n".utf8))
            #expect(try await fleet.hub("verify").exitCode == 0)
        }
    }

    @Test func aSpawnWithoutASpokeWaitsAndSaysWhy() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addProject("demo")
            let session = try await fleet.spawn("demo", ["echo", "at last"])
            let why = try await fleet.hub("why", session)
            #expect(why.exitCode == 0)
            #expect(why.text.contains("spoke"), "\(why.text)")
            try await fleet.addSpoke("late")
            #expect(try await fleet.end(of: session)["mapping"]?["status"]?.stringValue == "completed")
            #expect(try await fleet.logs(session) == Data("at last\n".utf8))
        }
    }

    @Test func aMessageReachesTheProcessAndAnAbortProvesItsEnd() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            let reader = try await fleet.spawn("demo", ["sh", "-c", "read line; echo \"heard $line\""])
            try await stalls(reader, on: fleet)
            try await fleet.ask("message", reader, "good morning")
            #expect(try await fleet.end(of: reader)["mapping"]?["status"]?.stringValue == "completed")
            #expect(try await fleet.logs(reader) == Data("heard good morning\n".utf8))

            let stubborn = try await fleet.spawn(
                "demo",
                ["sh", "-c", "trap '' TERM INT; (setsid sleep 1000 &) ; echo up; while :; do sleep 1; done"]
            )
            _ = try await eventually("it is up") { try await fleet.logs(stubborn).isEmpty ? nil : true }
            let outcome = try await fleet.ask("abort", stubborn, "--grace", "200ms")
            #expect(outcome["outcome"]?.stringValue == "stopped", "\(outcome)")
            #expect((outcome["processes"]?.arrayValue?.count ?? 0) >= 2, "\(outcome)")
            #expect(try await fleet.end(of: stubborn)["mapping"]?["status"]?.stringValue == "aborted")
            let followed = try await fleet.hub("logs", stubborn, "-f")
            #expect(followed.exitCode == 130)
        }
    }

    /// A session that prints nothing stalls, as soon as a setting says so, and is seen to; a person puts that aside.
    private func stalls(_ session: String, on fleet: Fleet) async throws {
        try await fleet.ask(
            "call",
            "setting.set",
            #"{"key": "detection.thresholds", "value": {"processStallSeconds": 1}}"#
        )
        let found = try await eventually("the stall is found") { () -> JSONValue? in
            let looked = try await fleet.ask("detections", "look", "--session", session)
            return looked["found"]?.arrayValue?.first { $0["anomalyType"] == "SESSION_STALL" }
        }
        let id = found["detectionId"]?.stringValue ?? ""
        let listed = try await fleet.hub("detections", "--session", session)
        #expect(listed.text.contains("SESSION_STALL"), "\(listed.errors)")
        #expect(try await fleet.hub("detections", "show", id).text.contains("output: none so far"))
        let seen = try await fleet.status(of: session)
        #expect(seen["detections"]?.arrayValue?.first?["type"] == "SESSION_STALL", "\(seen)")
        #expect(try await fleet.hub("status", session).text.contains("SESSION_STALL"))
        let resolve = ["detections", "resolve", id, "--as", "dismissed", "--note", "It waits for a word."]
        #expect(try await fleet.run("hub", resolve).text.hasSuffix("dismissed\n"))
        #expect(try await fleet.run("hub", resolve).errors.contains("CONFLICT"))
        _ = try await fleet.ask("detections", "look", "--session", session)
        #expect(try await fleet.hub("detections").text == "Nothing looks wrong.\n")
        #expect(try await fleet.hub("detections", "--all").text.contains("dismissed"))
        try await fleet.ask("call", "setting.set", #"{"key": "detection.thresholds", "value": null}"#)
    }
}
