import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Protocol

/// From `coord.spawn` to the first byte of the process at a subscriber of `session.output`: through HTTP, Postgres,
/// the link, git, the supervisor, the journal, the link back, Postgres again and the bell. Beside it, in the same
/// shuffled series, `git worktree add` and the process started by hand.
struct SpawnBenchmark {
    private let settings: BenchSettings

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        let folder = settings.scratch + "/spawn"
        try FileManager.default.createDirectory(atPath: folder + "/hand", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidiness.
        let repository = try SampleRepository(at: folder + "/sample")
        let wheel = try await Wheel(folder, spokes: ["cold": 0, "warm": 2])
        defer { wheel.stop() }
        let input = #"{"name":"sample","repoUrl":"\#(repository.path)"}"#
        _ = try await wheel.hub.call("project.create", input)
        // The first session of a spoke clones; that is not what is measured.
        for spoke in ["cold", "warm"] { _ = try await spawn(wheel, on: spoke) }
        var times: [String: [Double]] = [:]
        for round in 0..<(settings.rounds * 3) {
            for way in ["hand", "cold", "warm"].shuffled() {
                try await settle(wheel)
                let took =
                    way == "hand"
                    ? try repository.byHand("hand-\(round)", in: folder + "/hand")
                    : try await spawn(wheel, on: way)
                times[way, default: []].append(took)
            }
        }
        return Self.rows(times)
    }

    /// Milliseconds from the ask to the first byte at the subscriber. Returns when the session has ended.
    private func spawn(_ wheel: Wheel, on spoke: String) async throws -> Double {
        let id = wheel.spokeIds[spoke] ?? ""
        let order = #"""
            {"project":"sample","run":{"command":["/bin/echo","hello"]},"target":{"spokeId":"\#(id)"},
             "worktree":{"keep":"always"}}
            """#
        let start = ContinuousClock.now
        let session = try await wheel.hub.call("coord.spawn", order)["sessionId"]?.stringValue ?? ""
        var request = HTTPClientRequest(url: wheel.hub.url + "/v1/subscribe/session.output")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(wheel.hub.key)")
        request.body = .bytes(ByteBuffer(string: #"{"sessionId":"\#(session)","follow":true}"#))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        var first: Duration?
        var heard = ""
        for try await chunk in response.body {
            heard += String(buffer: chunk)
            if first == nil, heard.contains("\"bytes\"") { first = ContinuousClock.now - start }
        }
        guard let first else { throw Fault(.execution, "Session \(session) printed nothing: \(heard)") }
        return first / .milliseconds(1)
    }

    /// The pool is full again and the disk is quiet.
    private func settle(_ wheel: Wheel) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while wheel.warmTrees(of: "warm") < 2, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        sync()
        try await Task.sleep(for: .milliseconds(300))
    }

    private static func rows(_ times: [String: [Double]]) -> [Figure] {
        let hand = times["hand"]?.median ?? 1
        func figure(_ label: String, _ key: String, _ most: Double) -> Figure {
            let own = times[key]?.median ?? 0
            return Figure(
                "spawn to first byte at a subscriber, \(label)",
                String(format: "%.1f ms", own),
                against: String(format: "git worktree add + process by hand: %.1f ms", hand),
                ratio: own / hand,
                .below(most)
            )
        }
        return [figure("cold", "cold", 1.3), figure("warm pool", "warm", 0.5)]
    }
}
