import Foundation
import Protocol

/// A hub on its own Postgres and real spokes, as processes below one folder.
final class Wheel {
    let hub: HubUnderLoad
    let hubProgram: Program
    private(set) var spokes: [String: Program] = [:]
    private(set) var spokeIds: [String: String] = [:]
    private let folder: String

    /// - Parameter spokes: names, and how many worktrees each keeps warm.
    init(_ folder: String, spokes: [String: Int], configuration: String = "") async throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = folder + "/hub.yaml"
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        hubProgram = try Program(
            "hub",
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder + "/hub"]
                + (configuration.isEmpty ? [] : ["--config", file]),
            log: folder + "/hub.log",
            environment: ["HOME": folder]
        )
        hub = try HubUnderLoad(ready: try hubProgram.firstLine())
        for (name, warm) in spokes.sorted(by: { $0.key < $1.key }) { try await add(name, warm: warm) }
    }

    private func add(_ name: String, warm: Int) async throws {
        let data = "\(folder)/spoke-\(name)"
        let token = try await hub.call("token.create", #"{"uses":1}"#)["token"]?.stringValue ?? ""
        let join = ["join", hub.url, "--token", token, "--name", name, "--data-dir", data]
        _ = try Program.output("spoke", join, environment: ["HOME": folder])
        try "warmWorktrees: \(warm)\n".write(toFile: data + "/spoke.yaml", atomically: true, encoding: .utf8)
        let spoke = try Program(
            "spoke",
            ["run", "--data-dir", data],
            log: "\(folder)/spoke-\(name).log",
            environment: ["HOME": folder]
        )
        spokes[name] = spoke
        spokeIds[name] = try spoke.firstLine()["spokeId"]?.stringValue
    }

    /// Complete worktrees that stand ready on a spoke.
    func warmTrees(of spoke: String) -> Int {
        let mirrors = "\(folder)/spoke-\(spoke)/repos"
        func names(_ path: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
        return names(mirrors).reduce(0) { count, mirror in
            let trees = "\(mirrors)/\(mirror)/worktrees"
            return count + names(trees).filter { access("\(trees)/\($0)/nave-warm", F_OK) == 0 }.count
        }
    }

    func stop() {
        for spoke in spokes.values { spoke.stop() }
        hubProgram.stop()
    }
}
