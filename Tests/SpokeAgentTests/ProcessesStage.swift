import Foundation
import Protocol
import SpokeAgent
import Testing

/// A place in which tests run real processes under the real supervisor.
final class ProcessesStage: Sendable {
    let root: String
    let supervisor: String

    init() throws {
        var template = Array("/tmp/nave-processes-XXXXXX".utf8CString)
        root = try #require(mkdtemp(&template).map { String(cString: $0) })
        supervisor = try SupervisorExecutable.find()
    }

    deinit {
        // What stays behind in /tmp fails no test.
        try? FileManager.default.removeItem(atPath: root)
    }

    func folder(_ id: SessionID = "s1") -> SessionFolder { SessionFolder(root: "\(root)/sessions", id: id) }

    func spec(_ command: [String], id: SessionID = "s1", stdin: ProcessSpec.Input = .null) -> ProcessSpec {
        var spec = ProcessSpec(
            sessionId: id,
            command: command,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "MARK": "\(root)"],
            directory: root,
            stdin: stdin
        )
        spec.leftoverGrace = .milliseconds(200)
        spec.drain = .milliseconds(200)
        return spec
    }

    func start(_ spec: ProcessSpec) async throws -> SupervisedProcess {
        try await SupervisedProcess.start(spec, in: folder(spec.sessionId), supervisor: supervisor)
    }

    func start(shell script: String, stdin: ProcessSpec.Input = .null) async throws -> SupervisedProcess {
        try await start(spec(["sh", "-c", script], stdin: stdin))
    }

    /// Runs a script to its end.
    func run(shell script: String) async throws -> ProcessEnd {
        let process = try await start(shell: script)
        return try await end(of: process)
    }

    func end(of process: SupervisedProcess) async throws -> ProcessEnd {
        for await event in process.events {
            if case .finished(let end) = event { return end }
        }
        throw Fault(.unknown, "The events ended without the end.")
    }

    /// All that a stream holds.
    func text(_ stream: Protocol.OutputStream, _ id: SessionID = "s1") throws -> String {
        String(decoding: try folder(id).read(stream, from: 0, max: 1 << 20), as: UTF8.self)
    }

    /// Bytes that a stream's spool takes on the disk.
    func place(of stream: Protocol.OutputStream, _ id: SessionID = "s1") throws -> Int64 {
        var status = stat()
        try #require(stat(folder(id).spool(stream), &status) == 0)
        return Int64(status.st_blocks) * 512
    }

    /// Whether no supervisor holds the session's folder any more.
    func isLeft(_ id: SessionID = "s1") -> Bool {
        let lock = open("\(folder(id).path)/lock", O_RDWR | O_CLOEXEC)
        defer { close(lock) }
        return flock(lock, LOCK_EX | LOCK_NB) == 0
    }

    /// Waits until a stream holds `text`: the script's way of saying that it is where the test wants it.
    func wait(for text: String, from process: SupervisedProcess) async throws {
        for await _ in process.events where try self.text(.stdout, process.folder.id).contains(text) { return }
        Issue.record("The process ended without saying “\(text)”.")
    }

    /// Waits until something holds that nobody announces, such as the death of a process.
    func eventually(_ what: String, _ holds: () throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(20)
        while clock.now < deadline {
            if try holds() { return }
            try await clock.sleep(for: .milliseconds(5))
        }
        Issue.record("It never came true that \(what).")
    }

    /// Living processes whose environment carries this stage's mark: nobody escapes from that by forking.
    func survivors() throws -> [Int32] {
        let mark = Data("MARK=\(root)".utf8)
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { pid in
            // Processes come and go while this looks.
            guard let environment = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/environ")) else { return false }
            return environment.range(of: mark) != nil
        }
    }

    /// A line of `/proc/PID/status`, such as `PPid` or `VmRSS`.
    func status(_ field: String, of pid: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(field):") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
}
