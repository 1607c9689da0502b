import Foundation
import Protocol
import TestSupport

/// A real program as a test runs it: started, watched, killed; its output in files.
final class FleetProgram: @unchecked Sendable {
    // Sendable: `process` is started once, in `init`, and only signalled and asked afterwards, which is safe from any
    // thread; everything else never changes.
    private let process = Process()
    private let ended: Task<Int32, Never>
    let output: URL
    let log: URL

    /// Starts it; its standard input is empty unless there is something for it to read.
    init(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String],
        folder: URL,
        name: String,
        input: Data? = nil
    ) throws {
        output = folder.appending(path: "\(name).out")
        log = folder.appending(path: "\(name).log")
        for file in [output, log] where !FileManager.default.fileExists(atPath: file.path) {
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        }
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        if let input {
            let file = folder.appending(path: "\(name).in")
            try input.write(to: file)
            process.standardInput = try FileHandle(forReadingFrom: file)
        }
        let files = [try Self.append(to: output), try Self.append(to: log)]
        (process.standardOutput, process.standardError) = (files[0], files[1])
        let (exits, exited) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { process in
            exited.yield(process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
            exited.finish()
        }
        try process.run()
        // The program has them; past 1,024 open files, Foundation's `Process` crashes.
        for file in files { try file.close() }
        ended = Task { await exits.first { _ in true } ?? Int32.min }
    }

    var pid: Int32 { process.processIdentifier }

    /// The exit code; negative for a signal.
    func exit() async -> Int32 { await ended.value }

    func signal(_ number: Int32) { kill(pid, number) }

    /// `kill -9`, and gone when this returns.
    func crash() async {
        signal(SIGKILL)
        _ = await exit()
    }

    var outputText: String { Self.text(output) }
    var logText: String { Self.text(log) }

    private static func text(_ file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }

    private static func append(to file: URL) throws -> FileHandle {
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        return handle
    }
}

/// What a finished program left behind.
struct Finished {
    let exitCode: Int32
    let output: Data
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }

    func json() throws -> JSONValue { try WireCoder.value(from: output) }
}

/// Waits for something to become true; the deadline is an error, not a hope.
func eventually<Value>(
    _ what: String,
    within limit: Duration = patience,
    _ look: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if let value = try await look() { return value }
        try await Task.sleep(for: .milliseconds(25))
    }
    throw Late(what: what, limit: limit)
}

struct Late: Error, CustomStringConvertible {
    let what: String
    let limit: Duration
    var description: String { "not within \(limit): \(what)" }
}
