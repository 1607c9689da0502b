import Foundation
import Logging
import Protocol
import SpokeCore
import WebTransport

/// A client of one server that speaks the Model Context Protocol over streamable HTTP: its tools become operations.
///
/// A server that cannot be reached is tried again; meanwhile its operations answer `UNAVAILABLE`. One that forgot the
/// session is greeted anew, and asked again what it did not take.
actor RemoteToolClient {
    private let name: String
    private let server: ToolServer
    private let door: ToolDoor
    private let logger: Logger
    private let found: @Sendable ([SpokeOperations.Entry]) async -> Void

    private var session: ToolSession?
    private var greeting: Task<Result<ToolSession, Fault>, Never>?
    private var nextId: Int64 = 1
    private var greetings = 0
    private var news: ToolNews?

    /// A server that says nothing by itself is asked for its tools this often; one that does, in case it is gone.
    static let interval = Duration.seconds(60)

    init(
        name: String,
        server: ToolServer,
        address: WebAddress,
        policy: PolicyFile,
        logger: Logger,
        found: @escaping @Sendable ([SpokeOperations.Entry]) async -> Void
    ) {
        self.name = name
        self.server = server
        self.found = found
        door = ToolDoor(name: name, server: server, address: address, policy: policy)
        var logger = logger
        logger[metadataKey: "server"] = "\(name)"
        self.logger = logger
    }

    /// Keeps the tools offered until cancelled.
    func run() async {
        let news = ToolNews(logger: logger) { [weak self] () async throws(Fault) in try await self?.list() }
        self.news = news
        await begin()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listen() }
            group.addTask {
                // Cancelled means the end.
                while (try? await Task.sleep(for: Self.interval)) != nil { await news.came() }
            }
        }
        await news.end()
        greeting?.cancel()
        if let session {
            // The task is cancelled; the server is told all the same.
            let door = door
            await Task { await door.leave(session) }.value
        }
        session = nil
    }

    /// Greets the server and lists its tools, as often as it takes.
    private func begin() async {
        var backoff = Backoff(first: .milliseconds(500), longest: .seconds(60))
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            do throws(Fault) {
                _ = try await greet(besides: nil)
                return try await list()
            } catch {
                if Task.isCancelled { return }
                logger.warning("tool server not offered yet", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: backoff.next(using: &generator)) } catch { return }
        }
    }

    /// Takes what the server says by itself, for as long as it has a stream for that.
    private func listen() async {
        var backoff = Backoff(first: .milliseconds(500), longest: .seconds(60))
        var generator = SystemRandomNumberGenerator()
        var lastEventId: String?
        var heard: ToolSession?
        while !Task.isCancelled {
            var wait = Self.interval
            do throws(Fault) {
                let session = try await greet(besides: nil)
                // Events of one session mean nothing in another.
                if session != heard { lastEventId = nil }
                heard = session
                switch try await door.listen(in: session, after: &lastEventId, hear: { await self.hear($0, session) }) {
                case .notOffered: break
                case .over(let after):
                    wait = after
                    backoff.reset()
                case .sessionGone:
                    _ = try await greet(besides: session)
                    await news?.came()
                    wait = .zero
                }
            } catch {
                if Task.isCancelled { return }
                logger.debug("tool server says nothing", metadata: ["error": "\(error)"])
                wait = backoff.next(using: &generator)
            }
            do { try await Task.sleep(for: wait) } catch { return }
        }
    }
}

// MARK: - Sessions

extension RemoteToolClient {
    /// The session; begun if there is none, or only the one that is known to be gone. Everybody waits for one greeting.
    private func greet(besides gone: ToolSession?) async throws(Fault) -> ToolSession {
        if let session, session != gone { return session }
        session = nil
        let task = greeting ?? Task { await self.introduce() }
        greeting = task
        let begun = await task.value
        if greeting == task { greeting = nil }
        return try begun.get()
    }

    private func introduce() async -> Result<ToolSession, Fault> {
        do throws(Fault) {
            let id = draw()
            let reply = try await reply(to: ToolTalk.request(id, "initialize", ToolTalk.hello), id, in: nil)
            guard case .answer(let answer, let sessionId) = reply else {
                throw Fault(.execution, "The tool server \(name) knows no session and wants one.")
            }
            let result = try ToolTalk.result(of: answer, from: name)
            guard let spoken = result["protocolVersion"]?.stringValue, let version = MCPVersion(rawValue: spoken) else {
                throw Fault(.execution, "The tool server \(name) speaks no revision of MCP that is spoken here.")
            }
            greetings += 1
            let begun = ToolSession(id: sessionId, version: version, number: greetings)
            guard result["capabilities"]?["tools"] != nil else {
                throw Fault(.execution, "The tool server \(name) offers no tools.")
            }
            try await door.tell(ToolTalk.initialized, in: begun)
            session = begun
            return .success(begun)
        } catch {
            return .failure(error)
        }
    }

    private func draw() -> Int64 {
        defer { nextId += 1 }
        return nextId
    }

    /// An exchange that belongs to no call.
    private func reply(
        to message: JSONValue,
        _ id: Int64,
        in session: ToolSession?
    ) async throws(Fault) -> ToolDoor.Reply {
        let door = door
        let late = Fault(.timeout, "The tool server \(name) did not answer within \(ToolTalk.patience).")
        return try await Listening(for: ToolTalk.patience).bound(otherwise: late) { () async throws(Fault) in
            try await door.exchange(message, id: id, in: session) { message in
                if let session { await self.hear(message, session) }
            }
        }
    }
}

// MARK: - What is asked

extension RemoteToolClient {
    private func list() async throws(Fault) {
        let listing = ToolListing(name: name, server: server, logger: logger)
        let entries = try await listing.entries(
            asking: { (method, parameters) async throws(Fault) in
                try await self.ask(method, for: ToolTalk.patience) { (_) in parameters }
            },
            calling: { [weak self] (tool, input, call) async throws(Fault) in
                guard let self else { throw Fault(.unavailable, "The tool server is gone.") }
                return try await self.call(tool, input, call)
            }
        )
        await found(entries)
    }

    private func call(_ tool: String, _ input: JSONValue, _ call: SpokeCall) async throws(Fault) -> SpokeAnswer {
        let limit = Duration.seconds(server.timeoutSeconds ?? ToolTalk.callSeconds)
        let result = try await ask("tools/call", for: limit, trace: call.traceparent) { id in
            ToolTalk.call(tool, input, call, token: id)
        }
        return try Tool.answer(result)
    }

    /// Asks within a session, and once more within a new one if the server had forgotten it and so did nothing.
    private func ask(
        _ method: String,
        for limit: Duration,
        trace: String? = nil,
        _ parameters: @Sendable (Int64) -> JSONValue
    ) async throws(Fault) -> JSONValue {
        guard let known = session else {
            throw Fault(.unavailable, "The tool server \(name) cannot be reached just now.")
        }
        if let answer = try await ask(method, in: known, for: limit, trace, parameters) { return answer }
        let renewed = try await greet(besides: known)
        if method != "tools/list" { await news?.came() }
        if let answer = try await ask(method, in: renewed, for: limit, trace, parameters) { return answer }
        throw Fault(.unavailable, "The tool server \(name) forgets its sessions at once.")
    }

    /// `nil` if the session is gone.
    private func ask(
        _ method: String,
        in session: ToolSession,
        for limit: Duration,
        _ trace: String?,
        _ parameters: @Sendable (Int64) -> JSONValue
    ) async throws(Fault) -> JSONValue? {
        let id = draw()
        let message = ToolTalk.request(id, method, parameters(id))
        let listening = Listening(for: limit)
        let door = door
        let late = Fault(.timeout, "The tool server \(name) had not answered when the call was over.")
        do throws(Fault) {
            let reply = try await listening.bound(otherwise: late) { () async throws(Fault) in
                try await door.exchange(message, id: id, in: session, trace: trace) { message in
                    if ToolTalk.progress(message) == id { return listening.heard() }
                    await self.hear(message, session)
                }
            }
            guard case .answer(let answer, _) = reply else { return nil }
            return try ToolTalk.result(of: answer, from: name)
        } catch {
            if error.code == .timeout || error.code == .aborted {
                // Whoever asked waits no longer; the server is told meanwhile, and if it cannot be, it finds out.
                let word = ToolTalk.cancelled(id, error.code)
                Task { try? await door.tell(word, in: session) }
            }
            throw error
        }
    }

    /// What the server says besides its answers.
    private func hear(_ message: JSONValue, _ session: ToolSession) async {
        if ToolTalk.saysToolsChanged(message) { await news?.came() }
        guard let answer = ToolTalk.answer(to: message) else { return }
        do throws(Fault) { try await door.tell(answer, in: session) } catch {
            logger.debug("tool server not answered", metadata: ["error": "\(error)"])
        }
    }
}
