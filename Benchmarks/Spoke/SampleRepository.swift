import Foundation
import Protocol

/// A repository as projects have them: 2,000 files, 16 MB that hardly compress.
struct SampleRepository {
    let path: String

    init(at path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.git(["init", "-q", "-b", "main", path])
        var generator = SystemRandomNumberGenerator()
        for folder in 0..<40 {
            try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
            for file in 0..<50 {
                let words = (0..<500).map { _ in String(UInt64.random(in: 0 ... .max, using: &generator), radix: 16) }
                try words.joined(separator: "\n").write(
                    toFile: "\(path)/\(folder)/\(file)",
                    atomically: false,
                    encoding: .utf8
                )
            }
        }
        try Self.git(["-C", path, "add", "-A"])
        try Self.git(["-C", path, "-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-q", "-m", "all"])
        try Self.git(["-C", path, "gc", "-q"])
    }

    static func git(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git"] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Fault(.execution, "git \(arguments.first ?? "") ended with \(process.terminationStatus).")
        }
    }

    /// What a person would do: a worktree on a new branch, then a program in it. Milliseconds to its first byte.
    func byHand(_ name: String, in folder: String) throws -> Double {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        let script = "git -C \"$1\" worktree add -q -b \"$2\" \"$3\" main && cd \"$3\" && exec echo hello"
        process.arguments = ["-c", script, "sh", path, name, "\(folder)/\(name)"]
        process.standardOutput = pipe
        let start = ContinuousClock.now
        try process.run()
        _ = try pipe.fileHandleForReading.read(upToCount: 1)
        let took = ContinuousClock.now - start
        process.waitUntilExit()
        return took / .milliseconds(1)
    }
}
