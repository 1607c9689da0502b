import Foundation
import Protocol
import Transport

/// What the product holds of a machine's memory while nothing happens.
struct IdleBenchmark {
    private let settings: BenchSettings
    /// Links between the two measurements: the slope, so that what a process has anyway does not count.
    private static let (few, many) = (200, 1_200)

    init(_ settings: BenchSettings) { self.settings = settings }

    func figures() async throws -> [Figure] {
        let folder = settings.scratch + "/idle"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidiness.
        let wheel = try await Wheel(folder, spokes: ["idle": 0])
        defer { wheel.stop() }
        let spoke = try await settled(wheel.spokes["idle"]?.pid ?? 0)
        let session = try await session(wheel, in: folder)
        let link = try await links(wheel)
        return [
            Figure(
                "idle spoke, resident",
                String(
                    format: "%.1f MB (%.1f of its own, Pss %.1f)",
                    spoke.resident / 1_024,
                    spoke.anonymous / 1_024,
                    spoke.proportional / 1_024
                ),
                against: "25 MB",
                ratio: spoke.resident / 1_024 / 25,
                .below(1)
            ),
            Figure(
                "supervisor of a session, resident",
                String(format: "%.2f MB (Pss %.2f)", session.resident / 1_024, session.proportional / 1_024),
                against: "4 MB",
                ratio: session.resident / 1_024 / 4,
                .below(1)
            ),
            Figure(
                "idle link on the hub, of \(Self.many)",
                String(format: "%.1f KB", link),
                against: "12 KB",
                ratio: link / 12,
                .below(1)
            ),
        ]
    }

    /// The smallest of several looks: right after the start a process holds what it will give back.
    private func settled(_ pid: Int32) async throws -> Memory {
        var least = Memory(of: pid)
        for _ in 0..<5 {
            try await Task.sleep(for: .seconds(1))
            let now = Memory(of: pid)
            if now.resident < least.resident { least = now }
        }
        return least
    }

    /// The supervisor's memory while its session sleeps.
    private func session(_ wheel: Wheel, in folder: String) async throws -> Memory {
        let repository = folder + "/tiny"
        try SampleRepository.git(["init", "-q", "-b", "main", repository])
        let identity = ["-c", "user.name=b", "-c", "user.email=b@localhost"]
        try SampleRepository.git(["-C", repository] + identity + ["commit", "-q", "--allow-empty", "-m", "one"])
        _ = try await wheel.hub.call("project.create", #"{"name":"tiny","repoUrl":"\#(repository)"}"#)
        _ = try await wheel.hub.call("coord.spawn", #"{"project":"tiny","run":{"command":["sleep","20"]}}"#)
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if let pid = Self.supervisor(below: wheel.spokes["idle"]?.pid ?? 0) { return try await settled(pid) }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Fault(.timeout, "No supervisor was started.")
    }

    private static func supervisor(below spoke: Int32) -> Int32? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { $0 > spoke }.first { pid in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
            return target == Program.folder.appending(path: "spoke-supervisor").path
        }
    }

    /// KB of the hub's memory per link, from the slope between few and many.
    private func links(_ wheel: Wheel) async throws -> Double {
        let token = try await wheel.hub.call("token.create", #"{"uses":\#(Self.many)}"#)["token"]?.stringValue ?? ""
        var connections: [LinkConnection] = []
        var before = 0.0
        for index in 0..<Self.many {
            if index == Self.few { before = Memory(of: wheel.hubProgram.pid).resident }
            let link = try await LoadSpoke.connect(wheel.hub, token: token, name: "idle-\(index)")
            for await one in link.news { if case .message(.welcome) = one { break } }
            connections.append(link.connection)
        }
        let after = Memory(of: wheel.hubProgram.pid).resident
        for connection in connections { connection.close(.normal) }
        return (after - before) / Double(Self.many - Self.few)
    }
}
