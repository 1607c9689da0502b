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

    private var lines = LineBuffer(longest: ToolTalk.messageBytes)
    private var outbox: AsyncStream<[UInt8]>.Continuation?
    private var waiting: [Int64: Waiter] = [:]
    private var nextId: Int64 = 1
    private var news: ToolNews?

    /// A request that has no answer yet.
    private struct Waiter {
        let continuation: CheckedContinuation<JSONValue?, Never>
        let patience: Duration
        /// When it is given up, if nothing is heard of it until then.
        var due: ContinuousClock.Instant
    }

    /// Messages that may wait for a server that does not read.
    static let outboxMost = 1_024

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
        let news = ToolNews(logger: logger) { [weak self] () async throws(Fault) in try await self?.list() }
        self.news = news
        await serveAgainAndAgain()
        await news.end()
    }

    private func serveAgainAndAgain() async {
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
        lines = LineBuffer(longest: ToolTalk.messageBytes)
        let (posted, post) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingOldest(Self.outboxMost))
        outbox = post
        defer { end() }
        let program = Program(
            command: server.command ?? [],
            environment: await surroundings.variables(server.environment ?? [:], in: nil, for: nil),
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
        for waiter in waiting.values { waiter.continuation.resume(returning: nil) }
        waiting = [:]
    }

    // MARK: What is said

    private func begin() async throws(Fault) {
        let answer = try await ask("initialize", ToolTalk.hello, patience: ToolTalk.patience)
        guard answer["capabilities"]?["tools"] != nil else { throw Fault(.execution, "it offers no tools") }
        say(ToolTalk.initialized)
        try await list()
    }

    private func list() async throws(Fault) {
        let listing = ToolListing(name: name, server: server, logger: logger)
        let entries = try await listing.entries(
            asking: { (method, parameters) async throws(Fault) in
                try await self.ask(method, parameters, patience: ToolTalk.patience)
            },
            calling: { [weak self] (tool, input, call) async throws(Fault) in
                guard let self else { throw Fault(.unavailable, "The tool server is gone.") }
                return try await self.call(tool, input, call)
            }
        )
        await found(entries)
    }

    private func call(_ tool: String, _ input: JSONValue, _ call: SpokeCall) async throws(Fault) -> SpokeAnswer {
        let patience = Duration.seconds(server.timeoutSeconds ?? ToolTalk.callSeconds)
        let id = draw()
        let parameters = ToolTalk.call(tool, input, call, token: id)
        return try Tool.answer(try await ask("tools/call", parameters, patience: patience, id))
    }

    private func draw() -> Int64 {
        defer { nextId += 1 }
        return nextId
    }

    private func ask(
        _ method: String,
        _ parameters: JSONValue,
        patience: Duration,
        _ drawn: Int64? = nil
    ) async throws(Fault) -> JSONValue {
        guard outbox != nil else {
            throw Fault(.unavailable, "The tool server \(name) is not running just now.")
        }
        let id = drawn ?? draw()
        let timer = Task { await self.watch(id) }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting[id] = Waiter(continuation: continuation, patience: patience, due: .now + patience)
                say(ToolTalk.request(id, method, parameters))
            }
        } onCancel: {
            Task { await self.giveUp(id, .aborted) }
        }
        timer.cancel()
        guard let answer else { throw Fault(.unavailable, "The tool server \(name) ended before it answered.") }
        if let gaveUp = answer["gaveUp"]?.stringValue {
            throw Fault(
                Fault.Code(rawValue: gaveUp),
                "The tool server \(name) had not answered when the call was over."
            )
        }
        return try ToolTalk.result(of: answer, from: name)
    }

    /// Gives a request up when nothing was heard of it for as long as its asker waits.
    private func watch(_ id: Int64) async {
        // Begun before the request is: it waits at once.
        while let waiter = waiting[id] {
            let left = waiter.due - .now
            guard left > .zero else { return giveUp(id, .timeout) }
            // Cancelled as soon as the answer is there.
            guard (try? await Task.sleep(for: left)) != nil else { return }
        }
    }

    private func giveUp(_ id: Int64, _ code: Fault.Code) {
        guard let waiter = waiting.removeValue(forKey: id) else { return }
        say(ToolTalk.cancelled(id, code))
        waiter.continuation.resume(returning: ["gaveUp": .string(code.rawValue)])
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
                await hear(try JSONValue(parsing: line))
            } catch {
                logger.warning("tool server said something else than JSON", metadata: ["error": "\(error.message)"])
            }
        }
    }

    private func hear(_ message: JSONValue) async {
        if let answer = ToolTalk.answer(to: message) { return say(answer) }
        if ToolTalk.saysToolsChanged(message) { await news?.came() }
        if let id = ToolTalk.progress(message), let waiter = waiting[id] { waiting[id]?.due = .now + waiter.patience }
        guard message["method"] == nil, let id = message["id"]?.integerValue,
            let waiter = waiting.removeValue(forKey: id)
        else { return }
        waiter.continuation.resume(returning: message)
    }
}
