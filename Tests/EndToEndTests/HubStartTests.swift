import Foundation
import Protocol
import Testing

/// Goal: a hub ends when it is told to, whatever it is doing, and leaves no Postgres behind. Method: signals while it
/// starts and while it drains; databases that cannot be.
@Suite(.serialized, .timeLimit(.minutes(5))) struct HubStartTests {
    private func untilPostgresRuns(_ fleet: Fleet) async throws -> Int32 {
        try await eventually("the hub's Postgres runs") { fleet.postmaster.flatMap { Fleet.lives($0) ? $0 : nil } }
    }

    @Test func aHubThatIsToldToStopWhileItStartsStopsItsPostgresToo() async throws {
        try await withFleet { fleet in
            let hub = try fleet.launchHub()
            let postmaster = try await untilPostgresRuns(fleet)
            hub.signal(SIGTERM)
            #expect(await hub.exit() == 0)
            #expect(!Fleet.lives(postmaster))
            // Nothing is spoilt: the next start goes through.
            try await fleet.startHub()
        }
    }

    @Test func theSecondSignalEndsAtOnceAndPostgresFollows() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            let postmaster = try await untilPostgresRuns(fleet)
            let hub = try #require(fleet.hubProgram)
            // Both while it cannot look: it finds two.
            hub.signal(SIGSTOP)
            hub.signal(SIGTERM)
            hub.signal(SIGINT)
            hub.signal(SIGCONT)
            #expect([128 + SIGTERM, 128 + SIGINT].contains(await hub.exit()))
            _ = try await eventually("Postgres has gone too") { Fleet.lives(postmaster) ? nil : true }
        }
    }

    @Test func aHubThatIsKilledAfterItsPostgresWasReplacedComesBackOnItsPort() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            let first = try await untilPostgresRuns(fleet)
            kill(first, SIGKILL)
            // The hub listens already when it starts this one.
            let second = try await eventually("another Postgres runs") {
                fleet.postmaster.flatMap { $0 != first && Fleet.lives($0) ? $0 : nil }
            }
            await fleet.hubProgram?.crash()
            try await fleet.startHub()
            #expect(fleet.postmaster == second)
        }
    }

    @Test func aDatabaseThatCannotBeIsAConfigurationThatIsWrong() async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            let socket = fleet.folder.appending(path: "hub/postgres/socket").path
            let arguments = [
                "serve", "--listen", "127.0.0.1:0", "--data-dir", fleet.folder.appending(path: "other").path,
                "--database", "host='\(socket)' user=nave dbname=missing",
            ]
            let finished = try await fleet.run("hub", arguments)
            #expect(finished.exitCode == 78, "\(finished.errors)")
            #expect(finished.errors.contains("check its address, name and password"))
        }
    }

    @Test(arguments: [
        ("", "another program listens there already"),
        ("192.0.2.1:0", "this machine has no such address"),
        ("hub.invalid:0", "no address is known for that name"),
    ])
    func anAddressThatCannotBeListenedOnIsToldWithItsRemedy(_ address: String, _ words: String) async throws {
        try await withFleet { fleet in
            try await fleet.startHub()
            let listen = address.isEmpty ? "127.0.0.1:\(fleet.port)" : address
            let other = fleet.folder.appending(path: "other").path
            let finished = try await fleet.run("hub", ["serve", "--listen", listen, "--data-dir", other])
            #expect(finished.exitCode == 69, "\(finished.errors)")
            #expect(finished.errors.contains("“\(listen)”: \(words)"), "\(finished.errors)")
            #expect(finished.errors.contains("choose another `--listen`"))
        }
    }
}
