import Foundation
import Protocol
import TestSupport

/// Python programs that others wrote for the doors of a hub, from the tests' one environment.
enum PythonTools {
    private static let folder = WrittenPage.root.appending(path: "Tests/python")

    /// Runs a program of `Tests/python`, or one that a package brought, and answers what it printed.
    static func run(_ program: String, _ arguments: [String], in fleet: Fleet, within limit: Duration) async throws
        -> Finished
    {
        let command = program.hasSuffix(".py") ? try await command(program, []) : [try await tool(program)]
        return try await Finished.of(
            command + arguments,
            environment: fleet.environment,
            in: fleet.folder,
            within: limit
        )
    }

    /// The command line that runs a program of `Tests/python` anywhere on this machine.
    static func command(_ program: String, _ arguments: [String]) async throws -> [String] {
        [try await PythonEnvironment.interpreter(), folder.appending(path: program).path] + arguments
    }

    /// A file of `Tests/python`.
    static func file(_ name: String) -> String { folder.appending(path: name).path }

    private static func tool(_ name: String) async throws -> String {
        let interpreter = URL(filePath: try await PythonEnvironment.interpreter())
        return interpreter.deletingLastPathComponent().appending(path: name).path
    }
}

extension Finished {
    /// Runs any program to its end.
    static func of(
        _ command: [String],
        environment: [String: String],
        in folder: URL,
        within limit: Duration
    ) async throws -> Finished {
        let program = try FleetProgram(
            command[0],
            Array(command.dropFirst()),
            environment: environment,
            folder: folder,
            name: "program-\(UUID().uuidString.prefix(8))"
        )
        let watchdog = Task {
            try await Task.sleep(for: limit)
            program.signal(SIGKILL)
        }
        defer { watchdog.cancel() }
        let code = await program.exit()
        let finished = Finished(exitCode: code, output: try Data(contentsOf: program.output), errors: program.logText)
        for file in [program.output, program.log] { try? FileManager.default.removeItem(at: file) }
        return finished
    }
}
