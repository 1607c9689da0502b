import Foundation
import Logging
import Postgres
import Protocol
import Synchronization

/// How many tasks per second are taken and completed through a hub, beside workers of procrastinate and DBOS on the
/// same server: by eight claimers that take one task each, as procrastinate's jobs are fetched, and by eight that share
/// what was claimed eight at a time, as DBOS' worker does. Each of our calls is a request over HTTP, checked and written
/// to the audit trail.
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
        var ours = [Int: [Double]]()
        var theirs = [[Double]](repeating: [], count: Self.peers.count)
        for round in 0..<max(settings.rounds / 2, 1) {
            for count in [1, 8] {
                ours[count, default: []].append(
                    try await rate(at: count, from: hub, project: "bench-\(round)-\(count)")
                )
                try await database.execute(Statement<Void>("CHECKPOINT"))
            }
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
            let mine = ours[peer.claimed, default: []].median
            return Figure(
                "tasks claimed \(peer.claimed) at a time and completed over HTTP, 8 claimers",
                String(format: "%.0f /s", mine),
                against: String(format: "\(peer.name): %.0f /s", rates.median),
                ratio: mine / rates.median,
                peer.target
            )
        }
    }

    private struct ClaimPeer {
        let name: String
        let script: String
        var arguments: [String] = []
        /// How many of our tasks a claim takes where it is compared with.
        let claimed: Int
        var target = Figure.Target.atLeast(1)
    }

    private static let peers = [
        ClaimPeer(name: "procrastinate, 8 at a time", script: "claims.py", claimed: 1),
        ClaimPeer(name: "DBOS, 8 at a time", script: "dbos_claims.py", arguments: ["8"], claimed: 8),
        // Not the same question: one claim takes all there is.
        ClaimPeer(name: "DBOS, all at once", script: "dbos_claims.py", arguments: ["0"], claimed: 8, target: .none),
    ]

    /// Tasks per second until none is left.
    private func rate(at count: Int, from hub: HubUnderLoad, project: String) async throws -> Double {
        _ = try await hub.call("project.create", #"{"name":"\#(project)","repoUrl":"/srv/\#(project).git"}"#)
        let entries = (0..<Self.tasks).map { #"{"id":"t\#($0)","name":"Task \#($0)"}"# }.joined(separator: ",")
        _ = try await hub.call("task.import", #"{"projectId":"\#(project)","tasks":[\#(entries)]}"#)
        let claim = #"{"projectId":"\#(project)","count":\#(count)}"#
        let begun = ContinuousClock.now
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<(8 / count) { group.addTask { try await Self.worked(off: hub, claim) } }
            return try await group.reduce(0, +)
        }
        guard done == Self.tasks else { throw Fault(.execution, "\(done) of \(Self.tasks) tasks were claimed.") }
        return Double(done) / ((ContinuousClock.now - begun) / .seconds(1))
    }

    /// Claims until there is nothing, and completes what was claimed together at the same time.
    private static func worked(off hub: HubUnderLoad, _ claim: String) async throws -> Int {
        var done = 0
        while case .array(let tasks)? = try await hub.call("task.claim", claim)["tasks"], !tasks.isEmpty {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in tasks.compactMap({ $0["id"]?.stringValue }) {
                    group.addTask { _ = try await hub.call("task.complete", #"{"taskId":"\#(id)"}"#) }
                }
                try await group.waitForAll()
            }
            done += tasks.count
        }
        return done
    }
}
