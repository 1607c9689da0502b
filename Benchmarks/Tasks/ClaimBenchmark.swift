import Foundation
import Logging
import Postgres
import Protocol
import Synchronization

/// How many tasks per second eight claimers take and complete through a hub, beside workers of procrastinate and DBOS
/// with eight jobs at a time, on the same server. Each of our calls is a request over HTTP, checked and written to the
/// audit trail.
struct ClaimBenchmark {
    private let settings: BenchSettings
    private static let tasks = 4_000

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        var logger = Logger(label: "bench")
        logger.logLevel = .warning
        let folder = settings.scratch + "/claims"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidiness.
        let cluster = PrivateCluster(directory: folder + "/postgres", logger: logger)
        let database = Database(try await cluster.start(), logger: logger)
        do {
            let figures = try await series(on: database, in: folder)
            await database.close()
            await cluster.stop()
            return figures
        } catch {
            await database.close()
            await cluster.stop()
            throw error
        }
    }

    private func series(on database: Database, in folder: String) async throws -> [Figure] {
        try await database.execute(Statement<Void>("CREATE DATABASE hub"))
        let server = "host='\(folder)/postgres/socket' port=5432 user=nave dbname="
        let program = try Program(
            "hub",
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder + "/hub", "--database", server + "hub"],
            log: folder + "/hub.log",
            environment: ["HOME": folder]
        )
        defer { program.stop() }
        let hub = try HubUnderLoad(ready: try program.firstLine())
        var ours: [Double] = []
        var theirs = [[Double]](repeating: [], count: Self.peers.count)
        for round in 0..<max(settings.rounds / 2, 1) {
            ours.append(try await claimed(from: hub, project: "bench-\(round)"))
            for (place, peer) in Self.peers.enumerated() {
                try await database.execute(Statement<Void>("CREATE DATABASE peer"))
                try await database.execute(Statement<Void>("CHECKPOINT"))
                let answer = try Peer.answer(peer.script, [server + "peer", "\(Self.tasks)"] + peer.arguments)
                guard case .number(let seconds)? = answer["seconds"] else {
                    throw Fault(.execution, "No figure: \(answer)")
                }
                theirs[place].append(Double(Self.tasks) / seconds)
                try await database.execute(Statement<Void>("DROP DATABASE peer WITH (FORCE)"))
            }
            try await database.execute(Statement<Void>("CHECKPOINT"))
        }
        return zip(Self.peers, theirs).map { peer, rates in
            Figure(
                "tasks claimed and completed over HTTP, 8 claimers",
                String(format: "%.0f /s", ours.median),
                against: String(format: "\(peer.name): %.0f /s", rates.median),
                ratio: ours.median / rates.median,
                peer.target
            )
        }
    }

    private struct ClaimPeer {
        let name: String
        let script: String
        var arguments: [String] = []
        var target = Figure.Target.atLeast(1)
    }

    private static let peers = [
        ClaimPeer(name: "procrastinate, 8 at a time", script: "claims.py"),
        ClaimPeer(name: "DBOS, 8 at a time", script: "dbos_claims.py", arguments: ["8"]),
        // Not the same question: one claim takes all there is. It shows what a claim of many at once would save.
        ClaimPeer(name: "DBOS, all at once", script: "dbos_claims.py", arguments: ["0"], target: .none),
    ]

    /// Tasks per second until none is left.
    private func claimed(from hub: HubUnderLoad, project: String) async throws -> Double {
        _ = try await hub.call("project.create", #"{"name":"\#(project)","repoUrl":"/srv/\#(project).git"}"#)
        let entries = (0..<Self.tasks).map { #"{"id":"t\#($0)","name":"Task \#($0)"}"# }.joined(separator: ",")
        _ = try await hub.call("task.import", #"{"projectId":"\#(project)","tasks":[\#(entries)]}"#)
        let begun = ContinuousClock.now
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var done = 0
                    while let task = try await hub.call("task.claim", #"{"projectId":"\#(project)"}"#)["task"],
                        let id = task["id"]?.stringValue
                    {
                        _ = try await hub.call("task.complete", #"{"taskId":"\#(id)"}"#)
                        done += 1
                    }
                    return done
                }
            }
            return try await group.reduce(0, +)
        }
        guard done == Self.tasks else { throw Fault(.execution, "\(done) of \(Self.tasks) tasks were claimed.") }
        return Double(done) / ((ContinuousClock.now - begun) / .seconds(1))
    }
}
