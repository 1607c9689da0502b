import Foundation
import Protocol

/// One of the product's programs as a child of the benchmark, from the same build.
final class Program {
    private let process = Process()
    private let standardOutput = Pipe()

    /// Where this build's programs are.
    static let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    /// Starts it; its log goes to a file beside the data.
    init(_ name: String, _ arguments: [String], log: String? = nil, environment: [String: String] = [:]) throws {
        process.executableURL = Self.folder.appending(path: name)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = standardOutput
        process.standardError = FileHandle.standardError
        if let log {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.standardError = FileHandle(forWritingAtPath: log)
        }
        try process.run()
    }

    var pid: Int32 { process.processIdentifier }

    /// The first line that it prints: a server's word that it is ready.
    func firstLine() throws -> JSONValue {
        var line: [UInt8] = []
        while let byte = try standardOutput.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 {
            line.append(byte)
        }
        return try JSONValue(parsing: line)
    }

    /// Ends it in order and waits for that.
    func stop() {
        kill(pid, SIGTERM)
        process.waitUntilExit()
    }

    /// Runs it to its end and answers what it printed.
    static func output(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> String {
        let program = try Program(name, arguments, environment: environment)
        let data = try program.standardOutput.fileHandleForReading.readToEnd() ?? Data()
        program.process.waitUntilExit()
        guard program.process.terminationStatus == 0 else {
            throw Fault(.execution, "\(name) ended with \(program.process.terminationStatus).")
        }
        return String(decoding: data, as: UTF8.self)
    }
}

/// What a process holds of the machine's memory, in KiB.
struct Memory {
    /// Resident, shared pages counted whole.
    let resident: Double
    /// Of those, what is in no file: heap, stacks, changed data.
    let anonymous: Double
    /// Resident, shared pages counted by the share.
    let proportional: Double

    init(of pid: Int32) {
        func field(_ name: String, _ file: String) -> Double {
            let text = (try? String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
            return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Double($0) }
                ?? 0
        }
        resident = field("VmRSS:", "status")
        anonymous = field("RssAnon:", "status")
        proportional = field("Pss:", "smaps_rollup")
    }
}
