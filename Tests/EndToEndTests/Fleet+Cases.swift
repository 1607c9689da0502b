import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Protocol
import TestSupport
import Testing

/// What the tests of hard cases say of a fleet in one line.
extension Fleet {
    /// Runs a command that must be refused: with this exit code, this error code and these words on stderr.
    @discardableResult
    func refused(
        _ arguments: [String],
        exits exitCode: Int32 = 1,
        _ code: String,
        saying words: String,
        by program: String = "hub",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Finished {
        let finished = try await run(program, arguments, within: patience)
        let what = Comment(rawValue: "\(program) \(arguments.joined(separator: " ").prefix(200)): \(finished.errors)")
        #expect(finished.exitCode == exitCode, what, sourceLocation: sourceLocation)
        #expect(finished.errors.contains(code), what, sourceLocation: sourceLocation)
        #expect(finished.errors.contains(words), what, sourceLocation: sourceLocation)
        return finished
    }

    /// A command of the spoke of this name.
    func local(_ spoke: String, _ arguments: String...) async throws -> Finished {
        try await run("spoke", arguments + ["--data-dir", directory(of: spoke).path])
    }

    /// Asks over HTTP, as a program of the administrator's would; the answer's text, to the end of a stream.
    func post(_ path: String, _ input: JSONValue, _ headers: [(String, String)] = []) async throws -> String {
        let client = folder.appending(path: "home/.config/nave/client.json")
        let named: JSONValue = try WireCoder.value(from: Array(try Data(contentsOf: client)))
        let key = try String(contentsOfFile: named["keyFile"]?.stringValue ?? "", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers = HTTPHeaders([("authorization", "Bearer \(key)")] + headers)
        request.body = .bytes(ByteBuffer(bytes: input.serialized()))
        let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(patience))
        return String(buffer: try await response.body.collect(upTo: 8 << 20))
    }

    /// Spawns a shell script whose session may call the hub within these grants.
    func spawnGranted(
        _ project: String,
        _ script: String,
        grants: [String],
        on spoke: String,
        trace: String? = nil
    ) async throws -> String {
        let order: JSONValue = [
            "project": .string(project), "grants": .array(grants.map(JSONValue.string)),
            "target": ["spokeName": .string(spoke)], "run": ["command": ["sh", "-c", .string(script)]],
        ]
        let answer = try await post("/v1/call/coord.spawn", order, trace.map { [("traceparent", $0)] } ?? [])
        let spawned = try JSONValue(parsing: Array(answer.utf8))
        guard let session = spawned["data"]?["sessionId"]?.stringValue else {
            throw Fault(.execution, "The spawn was answered with \(answer).")
        }
        return session
    }

    /// Starts a command of `hub` or `spoke` that goes on while the test does.
    func begin(_ name: String, _ arguments: [String], environment more: [String: String] = [:]) throws -> FleetProgram {
        try FleetProgram(
            Self.binaries.appending(path: name).path,
            arguments,
            environment: environment.merging(more) { $1 },
            folder: folder,
            name: "\(name)-\(UUID().uuidString.prefix(8))"
        )
    }

    /// A file of the fleet's folder that did not exist before.
    func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let path = folder.appending(path: name).path
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
        _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: attributes)
        return path
    }

    /// Whether a process is there and not merely waiting to be reaped.
    static func lives(_ pid: Int32) -> Bool {
        // No such file is what a process that is gone looks like.
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        let state = text.split(separator: ")").last?.split(separator: " ").first
        return state != "Z" && state != "X"
    }
}
