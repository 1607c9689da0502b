import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization
import TestSupport
import Testing

@testable import SpokeAgent

/// A server of tools in Python and a client of it, both real, with a socket of 127.0.0.1 between them.
struct RemoteToolStage {
    let calls: CallStage
    let port: UInt16
    let found = Listings()
    let tokenFile: String
    let policy: PolicyFile

    static let token = "sesame-0123456789"

    init(policy: String? = nil) async throws {
        calls = try await CallStage(policy: policy)
        self.policy = calls.desk.policy
        port = FreePort.draw()
        tokenFile = calls.git.data + "/token"
        try FileManager.default.createDirectory(atPath: calls.git.data, withIntermediateDirectories: true)
        try "Bearer \(Self.token)\n".write(toFile: tokenFile, atomically: true, encoding: .utf8)
        chmod(tokenFile, 0o600)
    }

    /// What is in `spoke.yaml` for it.
    var settings: ToolServer {
        var server = ToolServer(url: "http://127.0.0.1:\(port)/mcp")
        server.headers = ["x-plain": "as it is"]
        server.headerFiles = ["authorization": tokenFile]
        return server
    }

    /// Runs a program of `Tests/python` on the stage's port while `work` lasts; returns when the program is gone.
    func serving<Value: Sendable>(
        _ program: String,
        _ arguments: String...,
        while work: @Sendable () async throws -> Value
    ) async throws -> Value {
        let file = WrittenPage.root.appending(path: "Tests/python/\(program)").path
        let command = [try await PythonEnvironment.interpreter(), file, "\(port)"] + arguments
        let (began, begins) = AsyncStream<Bool>.makeStream()
        let heard = Heard()
        let runner = calls.programs
        let running = Task { () -> Fault? in
            defer { begins.finish() }
            do throws(Fault) {
                let program = Program(
                    command: command,
                    environment: ProcessInfo.processInfo.environment,
                    directory: "/",
                    input: nil,
                    timeoutSeconds: nil
                )
                _ = try await runner.run(program) { (news) async throws(Fault) in
                    guard case .output(let stream, let bytes) = news else { return }
                    heard.text.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
                    if stream == .stdout { begins.yield(true) }
                }
                return nil
            } catch {
                return error
            }
        }
        let isUp = await began.first { _ in true } ?? false
        let outcome: Result<Value, any Error>
        do {
            try #require(isUp, "\(program) did not begin: \(heard.text.withLock { $0 })")
            outcome = .success(try await work())
        } catch {
            outcome = .failure(error)
        }
        running.cancel()
        _ = await running.value
        return try outcome.get()
    }

    /// A client at work while `work` lasts.
    func asking<Value>(
        _ settings: ToolServer? = nil,
        while work: (RemoteToolClient) async throws -> Value
    ) async throws -> Value {
        let settings = settings ?? self.settings
        let client = RemoteToolClient(
            name: "far",
            server: settings,
            address: try WebAddress(settings.url ?? "", field: "url"),
            policy: policy,
            logger: Logger(label: "test")
        ) { await found.take($0) }
        let running = Task { await client.run() }
        let outcome: Result<Value, any Error>
        do { outcome = .success(try await work(client)) } catch { outcome = .failure(error) }
        running.cancel()
        await running.value
        return try outcome.get()
    }

    /// Calls a tool of the latest listing.
    func call(_ tool: String, _ input: JSONValue = [:], trace: String? = nil) async throws -> JSONValue {
        guard let entry = await found.latest["far.\(tool)"], let answering = entry.answering else {
            throw Fault(.operationNotFound, "There is no tool \(tool).")
        }
        return try await answering(input, SpokeCall(requestId: "r", traceparent: trace)).data
    }

    private final class Heard: Sendable {
        let text = Mutex("")
    }
}

/// What a client found, time after time.
actor Listings {
    private(set) var all: [[SpokeOperations.Entry]] = []
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func take(_ found: [SpokeOperations.Entry]) {
        all.append(found)
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    var latest: [String: SpokeOperations.Entry] {
        Dictionary((all.last ?? []).map { ($0.spec.id, $0) }, uniquingKeysWith: { $1 })
    }

    /// Returns once a listing is as wanted.
    func until(_ isWanted: @Sendable ([String]) -> Bool) async {
        while !isWanted((all.last ?? []).map(\.spec.id)) || all.isEmpty {
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    /// Returns once there were so many listings.
    func count(_ number: Int) async {
        while all.count < number { await withCheckedContinuation { waiters.append($0) } }
    }
}
