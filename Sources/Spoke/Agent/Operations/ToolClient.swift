import Foundation
import Logging
import Protocol
import SpokeCore
import Synchronization

/// A client of one server that speaks the Model Context Protocol over its standard input and output: its tools become
/// operations. The server is started again when it ends; meanwhile its operations answer `UNAVAILABLE`.
actor ToolClient {
    private let name: String
    private let server: ToolServer
    private let programs: ProgramRunner
    private let surroundings: ProgramSurroundings
    private let logger: Logger
    private let found: @Sendable ([SpokeOperations.Entry]) async -> Void

    private var lines = LineBuffer(longest: ToolClient.lineBytes)
    private var outbox: AsyncStream<[UInt8]>.Continuation?
    private var waiting: [Int64: CheckedContinuation<JSONValue?, Never>] = [:]
    private var nextId: Int64 = 1
    private var wantsTools = false

    /// The revision of the protocol that is spoken; a server answers with the one that it speaks.
    static let revision = "2025-06-18"
    /// One message.
    static let lineBytes = 4 << 20
    /// Messages that may wait for a server that does not read.
    static let outboxMost = 1_024
    /// How long a server may take to begin, and to list its tools.
    static let patience = Duration.seconds(30)
    /// Tools of one server.
    static let toolsMost = 200

    init(
        name: String,
        server: ToolServer,
        programs: ProgramRunner,
        surroundings: ProgramSurroundings,
        logger: Logger,
        found: @escaping @Sendable ([SpokeOperations.Entry]) async -> Void
    ) {
        self.name = name
        self.server = server
        self.programs = programs
        self.surroundings = surroundings
        self.found = found
        var logger = logger
        logger[metadataKey: "server"] = "\(name)"
        self.logger = logger
    }

    /// Keeps the server running until cancelled.
    func run() async {
        var backoff = Backoff(first: .milliseconds(500), longest: .seconds(60))
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            let begun = ContinuousClock.now
            let why = await serve()
            if Task.isCancelled { return }
            logger.warning("tool server ended", metadata: ["why": "\(why)"])
            if ContinuousClock.now - begun > .seconds(60) { backoff.reset() }
            do { try await Task.sleep(for: backoff.next(using: &generator)) } catch { return }
        }
    }

    /// One run of the server, from its start to its end; answers why it ended.
    private func serve() async -> String {
        lines = LineBuffer(longest: Self.lineBytes)
        let (posted, post) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingOldest(Self.outboxMost))
        outbox = post
        defer { end() }
        let program = Program(
            command: server.command,
            environment: surroundings.variables(server.environment ?? [:], in: nil, trace: nil),
            directory: "/",
            input: nil,
            timeoutSeconds: nil
        )
        return await withTaskGroup(of: String?.self) { group in
            group.addTask { [programs] in
                do throws(Fault) {
                    let end = try await programs.run(program, talk: posted) { (news) async throws(Fault) in
                        try await self.take(news)
                    }
                    return end.failure?.message ?? "it ended with exit code \(end.exitCode.map(String.init) ?? "none")"
                } catch {
                    return error.message
                }
            }
            group.addTask {
                do throws(Fault) {
                    try await self.begin()
                    return nil
                } catch {
                    return error.message
                }
            }
            defer { group.cancelAll() }
            // Once it has begun, only its end counts.
            while let word = await group.next() { if let word { return word } }
            return "it was stopped"
        }
    }

    private func end() {
        outbox?.finish()
        outbox = nil
        for waiter in waiting.values { waiter.resume(returning: nil) }
        waiting = [:]
    }

    // MARK: What is said

    private func begin() async throws(Fault) {
        let answer = try await ask(
            "initialize",
            [
                "protocolVersion": .string(Self.revision), "capabilities": [:],
                "clientInfo": ["name": "nave-spoke", "version": .string(Release.version)],
            ],
            patience: Self.patience
        )
        guard answer["capabilities"]?["tools"] != nil else { throw Fault(.execution, "it offers no tools") }
        say(["jsonrpc": "2.0", "method": "notifications/initialized"])
        try await list()
    }

    private func list() async throws(Fault) {
        var tools: [JSONValue] = []
        var cursor: JSONValue?
        repeat {
            let page = try await ask(
                "tools/list",
                cursor.map { ["cursor": $0] } ?? [:],
                patience: Self.patience
            )
            tools += page["tools"]?.arrayValue ?? []
            cursor = page["nextCursor"].flatMap { $0 == .null ? nil : $0 }
        } while cursor != nil && tools.count < Self.toolsMost
        var entries: [String: SpokeOperations.Entry] = [:]
        for tool in tools.prefix(Self.toolsMost) {
            do throws(Fault) {
                let entry = try Tool(tool, of: name, server).entry {
                    [weak self] (tool, input, call) async throws(Fault) in
                    guard let self else { throw Fault(.unavailable, "The tool server is gone.") }
                    return try await self.call(tool, input, call)
                }
                entries[entry.spec.id] = entry
            } catch {
                logger.warning("tool left out", metadata: ["why": "\(error.message)"])
            }
        }
        logger.info("tool server is up", metadata: ["tools": "\(entries.count)"])
        await found(entries.values.sorted { $0.spec.id < $1.spec.id })
    }

    private func call(_ tool: String, _ input: JSONValue, _ call: SpokeCall) async throws(Fault) -> SpokeAnswer {
        var parameters: [String: JSONValue] = ["name": .string(tool), "arguments": input]
        if let trace = call.traceparent { parameters["_meta"] = ["traceparent": .string(trace)] }
        let patience = Duration.seconds(server.timeoutSeconds ?? 300)
        return try Tool.answer(try await ask("tools/call", .object(parameters), patience: patience))
    }

    private func ask(_ method: String, _ parameters: JSONValue, patience: Duration) async throws(Fault) -> JSONValue {
        guard outbox != nil else {
            throw Fault(.unavailable, "The tool server \(name) is not running just now.")
        }
        let id = nextId
        nextId += 1
        let timer = Task {
            // Cancelled as soon as the answer is there.
            guard (try? await Task.sleep(for: patience)) != nil else { return }
            self.giveUp(id, "TIMEOUT")
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting[id] = continuation
                say(["jsonrpc": "2.0", "id": .integer(id), "method": .string(method), "params": parameters])
            }
        } onCancel: {
            Task { await self.giveUp(id, "ABORTED") }
        }
        timer.cancel()
        guard let answer else { throw Fault(.unavailable, "The tool server \(name) ended before it answered.") }
        if let gaveUp = answer["gaveUp"]?.stringValue {
            throw Fault(
                Fault.Code(rawValue: gaveUp),
                "The tool server \(name) had not answered when the call was over."
            )
        }
        guard let error = answer["error"], error != .null else { return answer["result"] ?? [:] }
        let message = error["message"]?.stringValue ?? "it said no more"
        let code: Fault.Code = error["code"]?.integerValue == -32_602 ? .validation : .execution
        throw Fault(code, "The tool server \(name) refused: \(message.prefix(1_000))", details: error["data"])
    }

    private func giveUp(_ id: Int64, _ code: String) {
        guard let waiter = waiting.removeValue(forKey: id) else { return }
        say([
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": ["requestId": .integer(id), "reason": .string(code)],
        ])
        waiter.resume(returning: ["gaveUp": .string(code)])
    }

    private func say(_ message: JSONValue) {
        // A server that reads nothing for a thousand messages misses some, and those who wait have a time limit.
        outbox?.yield(message.serialized() + [UInt8(ascii: "\n")])
    }

    // MARK: What is heard

    private func take(_ news: ProgramNews) async throws(Fault) {
        guard case .output(let stream, let bytes) = news else { return }
        guard stream == .stdout else {
            logger.debug(
                "tool server says",
                metadata: ["text": "\(String(decoding: bytes.prefix(2_000), as: UTF8.self))"]
            )
            return
        }
        for line in try lines.append(bytes) {
            guard !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) else { continue }
            do throws(Fault) {
                hear(try JSONValue(parsing: line))
            } catch {
                logger.warning("tool server said something else than JSON", metadata: ["error": "\(error.message)"])
            }
        }
    }

    private func hear(_ message: JSONValue) {
        if let method = message["method"]?.stringValue {
            if let id = message["id"] { return answer(method, id) }
            if method == "notifications/tools/list_changed" {
                Task {
                    do throws(Fault) { try await self.list() } catch {
                        self.logger.warning("tools not listed again", metadata: ["error": "\(error.message)"])
                    }
                }
            }
            return
        }
        guard let id = message["id"]?.integerValue, let waiter = waiting.removeValue(forKey: id) else { return }
        waiter.resume(returning: message)
    }

    /// What a server asks of its client: only whether it is there.
    private func answer(_ method: String, _ id: JSONValue) {
        if method == "ping" { return say(["jsonrpc": "2.0", "id": id, "result": [:]]) }
        say([
            "jsonrpc": "2.0", "id": id,
            "error": ["code": -32_601, "message": .string("This client does not offer \(method).")],
        ])
    }
}
