import Foundation
import Protocol

/// A Python script of `Benchmarks/python`, in an environment with what it needs from PyPI.
enum Peer {
    /// Runs it to its end and answers the JSON that it prints.
    ///
    /// - Parameter requirements: What it needs, as a file beside it.
    static func answer(
        _ script: String,
        _ arguments: [String],
        requirements: String = "requirements.txt"
    ) throws -> JSONValue {
        let python = try output("Tests/python/environment", ["Benchmarks/python/" + requirements])
        let text = try output(
            python.trimmingCharacters(in: .whitespacesAndNewlines),
            ["Benchmarks/python/" + script] + arguments
        )
        return try JSONValue(parsing: Array(text.utf8))
    }

    private static func output(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Fault(.execution, "\(program) \(arguments.first ?? "") ended with \(process.terminationStatus).")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
