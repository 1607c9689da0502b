import Foundation
import Logging
import Postgres
import Protocol

/// How many rows per second become durable, as a ratio to pgbench on the same server in the same series.
///
/// Every way of writing gets a slice per round, in shuffled order; between slices a checkpoint and a sync, because a
/// disk that still writes the last slice's pages measures that slice. Medians. The server waits for the disk.
struct CommitBenchmark {
    private let settings: BenchSettings
    private static let spokes = 32

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        try await BenchServer.with(settings.scratch + "/commits", series)
    }

    private func series(on server: BenchServer) async throws -> [Figure] {
        let database = server.database
        try await database.execute(CommitWays.create)
        let hub = try server.startHub()
        defer { hub.stop() }
        let spokes = try await Self.spokes(of: HubUnderLoad(ready: try hub.firstLine()))
        let ways = CommitWays(database: database, socket: server.socket, spokes: spokes, seconds: settings.seconds)
        var rates: [String: [Double]] = [:]
        for _ in 0..<settings.rounds {
            for way in CommitWays.all.shuffled() {
                try await settle(database)
                rates[way.name, default: []].append(try await way.run(ways))
            }
        }
        return Self.rows(rates)
    }

    private static func spokes(of hub: HubUnderLoad) async throws -> [LoadSpoke] {
        _ = try await hub.call("project.create", #"{"name":"bench","repoUrl":"/srv/bench.git"}"#)
        let token = try await hub.call("token.create", #"{"uses":\#(Self.spokes)}"#)["token"]?.stringValue ?? ""
        var spokes: [LoadSpoke] = []
        for index in 0..<Self.spokes {
            spokes.append(try await LoadSpoke.start(hub, token: token, name: "bench-\(index)", project: "bench"))
        }
        return spokes
    }

    private func settle(_ database: Database) async throws {
        try await database.execute(Statement<Void>("TRUNCATE events"))
        try await database.execute(Statement<Void>("CHECKPOINT"))
        sync()
        try await Task.sleep(for: .milliseconds(500))
    }

    private static func rows(_ rates: [String: [Double]]) -> [Figure] {
        let (pgbench, multi) = (rates[CommitWays.pgbench]?.median ?? 1, rates[CommitWays.multiRow]?.median ?? 1)
        func figure(_ name: String, _ label: String, _ target: Figure.Target) -> Figure {
            let rate = rates[name]?.median ?? 0
            return Figure(
                label,
                String(format: "%.0f rows/s", rate),
                against: String(format: "pgbench -c8, a row per commit: %.0f", pgbench),
                ratio: rate / pgbench,
                target
            )
        }
        let ingest = rates[CommitWays.ingest]?.median ?? 0
        return [
            figure(CommitWays.singles, "Postgres client, a commit per row, 64 tasks", .none),
            figure(CommitWays.grouped, "Postgres client, group commit, 256 tasks", .none),
            figure(CommitWays.ingest, "durable ingest, \(spokes) spokes → hub → commit → acknowledged", .atLeast(4)),
            Figure(
                "durable ingest, the same",
                String(format: "%.0f rows/s", ingest),
                against: String(format: "plain VALUES of 100 rows: %.0f", multi),
                ratio: ingest / multi
            ),
        ]
    }
}
