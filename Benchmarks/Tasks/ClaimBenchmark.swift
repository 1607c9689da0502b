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
        try await BenchServer.with(settings.scratch + "/claims", series)
    }

    private func series(on server: BenchServer) async throws -> [Figure] {
        let database = server.database
        let program = try server.startHub()
        defer { program.stop() }
        let hub = try HubUnderLoad(ready: try program.firstLine())
        var ours: [Double] = []
        var theirs = [[Double]](repeating: [], count: Self.peers.count)
        for round in 0..<max(settings.rounds / 2, 1) {
            ours.append(try await claimed(from: hub, project: "bench-\(round)"))
            for (place, peer) in Self.peers.enumerated() {
                try await database.execute(Statement<Void>("CREATE DATABASE peer"))
                try await database.execute(Statement<Void>("CHECKPOINT"))
                let arguments = [server.address(of: "peer"), "\(Self.tasks)"] + peer.arguments
                let answer = try Peer.answer(peer.script, arguments)
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
