public import Foundation
import Protocol
import Subprocess
import SystemPackage

/// Python with the packages of `Tests/python/requirements.txt`: peers and oracles that the tests compare with.
///
/// The environment is made below `.build/python` by whoever asks first. A machine that cannot make it fails the test
/// that asked, with what to do; nothing is skipped.
public enum PythonEnvironment {
    private static let made = Once<String>()
    private static let folder = WrittenPage.root.appending(path: "Tests/python")

    /// The path of the interpreter.
    public static func interpreter() async throws -> String {
        try await made.value { () throws(Fault) in
            let script = folder.appending(path: "environment").path
            return try await text(of: script, [folder.appending(path: "requirements.txt").path])
        }
    }

    /// Runs a script of `Tests/python` to its end and answers what it wrote to its standard output.
    ///
    /// - Parameters:
    ///   - input: is written to a file whose path is the script's first argument, because it may be large.
    ///   - arguments: follow it.
    /// - Throws: a fault with what the script said on its standard error, if it ends with anything but 0.
    public static func run(_ script: String, input: Data, arguments: [String] = []) async throws -> Data {
        let interpreter = try await interpreter()
        let file = FileManager.default.temporaryDirectory.appending(path: "nave-python-\(UUID().uuidString)")
        try input.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }  // A file left in the temporary directory harms nobody.
        let path = folder.appending(path: script).path
        return Data(try await text(of: interpreter, [path, file.path] + arguments).utf8)
    }

    private static func text(of program: String, _ arguments: [String]) async throws(Fault) -> String {
        do {
            let result = try await Subprocess.run(
                .path(FilePath(program)),
                arguments: Arguments(arguments),
                output: .string(limit: 64 << 20),
                error: .string(limit: 1 << 20)
            )
            guard result.terminationStatus.isSuccess else {
                throw Fault(.execution, "\(program) \(arguments.first ?? "") said: \(result.standardError)")
            }
            return result.standardOutput.trimmingCharacters(in: .newlines)
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.execution, "\(program) did not run: \(error)")
        }
    }
}
