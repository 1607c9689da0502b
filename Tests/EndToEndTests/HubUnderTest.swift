import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Protocol
import Synchronization
import TestSupport

/// The real `hub serve`, as an operator starts it, with a home and a data directory of its own.
final class HubUnderTest: Sendable {
    /// The one line that the hub prints.
    struct Ready: Decodable {
        let url: String
        let adminKeyFile: String
        let joinTokenFile: String
        let database: String
    }

    let ready: Ready
    let directory: String
    private let process: Program

    /// The built program, beside the test bundle.
    static var program: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let candidates = [own, CommandLine.arguments.first ?? ""].map {
            URL(filePath: $0).deletingLastPathComponent().appending(path: "hub").path()
        }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? ".build/debug/hub"
    }

    /// Starts a hub and waits until it is ready.
    static func start(directory: String? = nil, arguments: [String] = []) async throws -> HubUnderTest {
        let directory = try directory ?? ThrowAwayCluster.makeDirectory()
        let process = try Program.launch(
            program,
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", directory + "/data"] + arguments,
            home: directory
        )
        let line = try await process.firstLine(within: patience)
        let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
        return HubUnderTest(ready: ready, directory: directory, process: process)
    }

    private init(ready: Ready, directory: String, process: Program) {
        self.ready = ready
        self.directory = directory
        self.process = process
    }

    var key: String { Self.text(ready.adminKeyFile) }
    var joinToken: String { Self.text(ready.joinTokenFile) }
    var port: Int { URL(string: ready.url)?.port ?? 0 }
    var processID: Int32 { process.processID }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Sends a signal and waits for the end; answers the exit code, or minus the signal that ended it.
    func stop(_ signal: Int32 = SIGTERM) async -> Int32 {
        kill(process.processID, signal)
        return await process.exit()
    }

    /// An answer as a test looks at it.
    struct Reply {
        let status: UInt
        let headers: HTTPHeaders
        let body: JSONValue

        var code: String? { body["error"]?["code"]?.stringValue }
        var data: JSONValue? { body["data"] }
    }

    func call(
        _ operation: String,
        _ input: String = "{}",
        headers: [(String, String)] = []
    ) async throws -> Reply {
        try await request(
            .POST,
            "/v1/call/\(operation)",
            Array(input.utf8),
            [("authorization", "Bearer \(key)")] + headers
        )
    }

    /// Everything that a subscription says until its end, as it was said.
    func followed(_ operation: String, _ input: JSONValue, key: String) async throws -> String {
        var request = HTTPClientRequest(url: ready.url + "/v1/subscribe/\(operation)")
        request.method = .POST
        request.headers = HTTPHeaders([("authorization", "Bearer \(key)")])
        request.body = .bytes(ByteBuffer(bytes: input.serialized()))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return String(buffer: try await response.body.collect(upTo: 8 << 20))
    }

    /// A figure of `/metrics`, over all its labels; 0 where there is none of the name.
    func metric(_ name: String) async throws -> Double {
        var request = HTTPClientRequest(url: ready.url + "/metrics")
        request.headers = HTTPHeaders([("authorization", "Bearer \(key)")])
        let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(patience))
        let text = String(buffer: try await response.body.collect(upTo: 8 << 20))
        let lines = text.split(separator: "\n").filter { $0.hasPrefix(name + " ") || $0.hasPrefix(name + "{") }
        return lines.reduce(0) { $0 + ($1.split(separator: " ").last.flatMap { Double($0) } ?? 0) }
    }

    /// Waits until a figure of `/metrics` is this one.
    func until(_ name: String, is figure: Double) async throws {
        let end = ContinuousClock.now + patience
        while true {
            let found = try await metric(name)
            if found == figure { return }
            guard ContinuousClock.now < end else {
                throw Fault(.timeout, "\(name) is \(found), not \(figure).")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func request(
        _ method: HTTPMethod,
        _ path: String,
        _ body: [UInt8] = [],
        _ headers: [(String, String)] = []
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: ready.url + path)
        request.method = method
        request.headers = HTTPHeaders(headers)
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(patience))
        let bytes = try await response.body.collect(upTo: 8 << 20)
        let value = (try? JSONDecoder().decode(JSONValue.self, from: Data(bytes.readableBytesView))) ?? .null
        return Reply(status: response.status.code, headers: response.headers, body: value)
    }
}

/// A child process whose first line of output and whose end can be waited for.
final class Program: Sendable {
    private struct State {
        var text = ""
        var exit: Int32?
        /// Whoever waits for the first line has waited long enough.
        var isLate = false
        var waiters: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    let processID: Int32

    private init(processID: Int32) { self.processID = processID }

    static func launch(_ program: String, _ arguments: [String], home: String) throws -> Program {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["HOME"] = home
        process.environment = environment
        process.standardOutput = output
        let log = home + "/hub.log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let errors = try FileHandle(forWritingTo: URL(filePath: log))
        try errors.seekToEnd()
        process.standardError = errors
        let ended = Mutex<Program?>(nil)
        let early = Mutex<Int32?>(nil)
        process.terminationHandler = { process in
            let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            early.withLock { $0 = status }
            ended.withLock { $0 }?.change { $0.exit = status }
        }
        try process.run()
        let child = Program(processID: process.processIdentifier)
        ended.withLock { $0 = child }
        if let status = early.withLock({ $0 }) { child.change { $0.exit = status } }
        output.fileHandleForReading.readabilityHandler = { handle in
            let bytes = handle.availableData
            if bytes.isEmpty { handle.readabilityHandler = nil }
            child.change { $0.text += String(decoding: bytes, as: UTF8.self) }
        }
        return child
    }

    /// The first line on stdout, or the error that the program ended without one.
    func firstLine(within wait: Duration) async throws -> String {
        let timer = Task {
            try await Task.sleep(for: wait)
            change { $0.isLate = true }
        }
        defer { timer.cancel() }
        let (line, exit) = await self.wait { state -> (String?, Int32?)? in
            let line = state.text.firstIndex(of: "\n").map { String(state.text[..<$0]) }
            return line != nil || state.exit != nil || state.isLate ? (line, state.exit) : nil
        }
        if let line { return line }
        if let exit { throw Fault(.execution, "The program ended with \(exit) and said nothing.") }
        throw Fault(.timeout, "The program said nothing in time.")
    }

    /// The exit code, or minus the signal.
    func exit() async -> Int32 { await wait(until: \.exit) }

    /// Waits until there is an answer; looking and waiting are one step, so that no change is missed.
    private func wait<Answer: Sendable>(until answer: @escaping @Sendable (State) -> Answer?) async -> Answer {
        while true {
            let found: Answer? = await withCheckedContinuation { waiter in
                let found = state.withLock { state in
                    let found = answer(state)
                    if found == nil { state.waiters.append { waiter.resume(returning: nil) } }
                    return found
                }
                if let found { waiter.resume(returning: found) }
            }
            if let found { return found }
        }
    }

    private func change(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }
}
