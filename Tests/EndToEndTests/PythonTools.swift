import Foundation
import Protocol
import TestSupport

/// Python programs that others wrote for the doors of a hub, in a virtual environment of their own, made once.
enum PythonTools {
    private static let folder = WrittenPage.root.appending(path: "Tests/python")
    private static let environment = Once<URL>()

    /// Runs a program of `Tests/python`, or one that a package brought, and answers what it printed.
    static func run(_ program: String, _ arguments: [String], in fleet: Fleet, within limit: Duration) async throws
        -> Finished
    {
        let bin = try await home().appending(path: "bin")
        let isOurs = program.hasSuffix(".py")
        let command =
            isOurs
            ? [bin.appending(path: "python").path, folder.appending(path: program).path]
            : [bin.appending(path: program).path]
        return try await fleet.runProgram(command + arguments, within: limit)
    }

    /// The command line that runs a program of `Tests/python` anywhere on this machine.
    static func command(_ program: String, _ arguments: [String]) async throws -> [String] {
        [try await home().appending(path: "bin/python").path, folder.appending(path: program).path] + arguments
    }

    /// The virtual environment, made by whoever asks first.
    private static func home() async throws -> URL {
        try await environment.value { () async throws(Fault) in
            do {
                return try await make()
            } catch {
                throw Fault(.execution, "The Python packages of the tests cannot be installed: \(error)")
            }
        }
    }

    private static func make() async throws -> URL {
        let requirements = folder.appending(path: "requirements.txt")
        let text = try Data(contentsOf: requirements)
        let digest = text.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let home = WrittenPage.root.appending(path: ".build/python-\(String(digest, radix: 16))")
        let mark = home.appending(path: "complete")
        if FileManager.default.fileExists(atPath: mark.path) { return home }
        try? FileManager.default.removeItem(at: home)
        let python = home.appending(path: "bin/python").path
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements.path]
        for command in [["/usr/bin/python3", "-m", "venv", home.path], [python] + install] {
            let finished = try await Finished.of(command, in: FileManager.default.temporaryDirectory)
            guard finished.exitCode == 0 else {
                throw Fault(.execution, "\(command.joined(separator: " ")): \(finished.errors)\(finished.text)")
            }
        }
        try Data().write(to: mark)
        return home
    }
}

extension Finished {
    /// Runs any program to its end.
    static func of(
        _ command: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        in folder: URL,
        within limit: Duration = .seconds(300)
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

extension Fleet {
    /// Runs any program to its end, with this fleet's environment.
    func runProgram(_ command: [String], within limit: Duration) async throws -> Finished {
        try await Finished.of(command, environment: environment, in: folder, within: limit)
    }
}
