import Foundation
import Protocol
import Testing

/// Badly behaved processes, through the whole product.
@Suite struct ProcessZooTests {
    @Test func everyBeastEndsAsItShould() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            try await fleet.addSpoke("one")
            try await fleet.addProject("demo")
            try await endsAreToldAsTheyWere(fleet)
            try await nothingOutlivesItsSession(fleet)
            try await aFloodIsKeptWhole(fleet)
            try await aTimeLimitEndsEverything(fleet)
            try await anAbortProvesThatAllAreGone(fleet)
            #expect(try await fleet.hub("verify").exitCode == 0)
        }
    }

    private func endsAreToldAsTheyWere(_ fleet: Fleet) async throws {
        let code = try await fleet.spawn("demo", ["sh", "-c", "exit 255"])
        let killed = try await fleet.spawn("demo", ["sh", "-c", "kill -9 $$"])
        let terminated = try await fleet.spawn("demo", ["sh", "-c", "kill -15 $$"])
        let coded = try await fleet.end(of: code)
        #expect(coded["session"]?["exitCode"] == 255 && coded["mapping"]?["status"] == "failed")
        #expect(try await fleet.end(of: killed)["session"]?["exitSignal"] == 9)
        #expect(try await fleet.end(of: terminated)["session"]?["exitSignal"] == 15)
        #expect(try await fleet.hub("logs", code, "-f").exitCode == 255)
        #expect(try await fleet.hub("logs", killed, "-f").exitCode == 137)
        #expect(try await fleet.hub("logs", terminated, "-f").exitCode == 143)
    }

    /// A child that holds stdout open, a daemon with closed descriptors, a double fork: none is left behind.
    private func nothingOutlivesItsSession(_ fleet: Fleet) async throws {
        let pids = fleet.folder.appending(path: "left").path
        let script = """
            sleep 600 & echo $! >> \(pids)
            setsid sh -c 'exec 0<&- 1>&- 2>&-; echo $$ >> \(pids); exec sleep 600' &
            (sh -c 'echo $$ >> \(pids); exec sleep 600' &)
            while [ "$(wc -l < \(pids))" -lt 3 ]; do sleep 0.02; done
            echo all up
            """
        let session = try await fleet.spawn("demo", ["sh", "-c", script])
        #expect(try await fleet.end(of: session)["mapping"]?["status"] == "completed")
        #expect(try await fleet.logs(session) == Data("all up\n".utf8))
        #expect(try Self.pids(pids).count == 3)
        for pid in try Self.pids(pids) { #expect(!Fleet.lives(pid), "process \(pid) outlived its session") }
    }

    private func aFloodIsKeptWhole(_ fleet: Fleet) async throws {
        let script = "seq 1 200000 & seq 200001 400000 >&2; wait"
        let session = try await fleet.spawn("demo", ["sh", "-c", script])
        #expect(try await fleet.end(of: session)["mapping"]?["status"] == "completed")
        let out = (1...200_000).map { "\($0)\n" }.joined()
        let errors = (200_001...400_000).map { "\($0)\n" }.joined()
        #expect(try await fleet.logs(session) == Data(out.utf8))
        #expect(try await fleet.logs(session, stream: "stderr") == Data(errors.utf8))
        let tail = try await fleet.hub("logs", session, "--from", "1288888")
        #expect(tail.output == Data(out.utf8).dropFirst(1_288_888))
    }

    private func aTimeLimitEndsEverything(_ fleet: Fleet) async throws {
        let pids = fleet.folder.appending(path: "late").path
        let script = """
            trap '' INT TERM HUP
            setsid sh -c 'trap "" INT TERM; echo $$ >> \(pids); while :; do sleep 1; done' &
            echo $$ >> \(pids)
            while :; do sleep 1; done
            """
        let begun = ["spawn", "--project", "demo", "--timeout", "1s", "--follow", "--", "sh", "-c", script]
        try await fleet.refused(begun, exits: 124, "TIMEOUT", saying: "--timeout")
        let session = try await fleet.ask("status")["mappings"]?.arrayValue?.first?["session"]
        #expect(session?["exitReason"] == "timeout")
        #expect(try Self.pids(pids).count == 2)
        for pid in try Self.pids(pids) { #expect(!Fleet.lives(pid), "process \(pid) outlived its time") }
    }

    private func anAbortProvesThatAllAreGone(_ fleet: Fleet) async throws {
        let pids = fleet.folder.appending(path: "zoo").path
        let script = """
            trap '' INT TERM HUP QUIT
            beast='trap "" INT TERM HUP; echo $$ >> \(pids); while :; do sleep 1; done'
            sh -c "$beast" &
            setsid sh -c "exec 0<&- 1>&- 2>&-; $beast" &
            (setsid sh -c "setsid sh -c '$(echo "$beast" | sed "s/'/\\"/g")' &" &)
            echo $$ >> \(pids)
            while [ "$(wc -l < \(pids))" -lt 4 ]; do sleep 0.02; done
            echo up
            while :; do sleep 1; done
            """
        let session = try await fleet.spawn("demo", ["sh", "-c", script])
        async let followed = fleet.hub("logs", session, "-f")
        _ = try await eventually("the zoo is open") { try await fleet.logs(session).isEmpty ? nil : true }
        let preview = try await fleet.ask("abort", session, "--preview")
        #expect(preview["preview"]?["state"] == "running", "\(preview)")
        let beasts = try Self.pids(pids)
        #expect(beasts.count == 4)
        for pid in beasts { #expect(Fleet.lives(pid), "a preview stops nothing") }

        let outcome = try await fleet.ask("abort", session, "--grace", "200ms")
        #expect(outcome["outcome"] == "stopped", "\(outcome)")
        let gone = Set((outcome["processes"]?.arrayValue ?? []).compactMap { $0["pid"]?.integerValue })
        for pid in beasts {
            #expect(!Fleet.lives(pid), "process \(pid) outlived the abort")
            #expect(gone.contains(Int64(pid)), "process \(pid) is not in the proof \(outcome)")
        }
        #expect(try await fleet.end(of: session)["mapping"]?["status"] == "aborted")
        #expect(try await followed.exitCode == 130)
        #expect(try await fleet.ask("abort", session)["outcome"] == "stopped")
    }

    private static func pids(_ path: String) throws -> [Int32] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { Int32($0) }
    }
}
