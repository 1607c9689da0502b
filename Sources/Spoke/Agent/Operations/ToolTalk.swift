import Logging
import Protocol
import SpokeCore

/// What a client says to a server of tools and understands of it, whatever carries it (MCP, “Lifecycle”, “Tools”).
enum ToolTalk {
    /// One message.
    static let messageBytes = 4 << 20
    /// How long a server may take to begin, and for each page of its tools.
    static let patience = Duration.seconds(30)
    /// How long one call of a tool may be silent if the owner names no time.
    static let callSeconds = 300
    /// Tools of one server, and pages on which it lists them.
    static let toolsMost = 200
    static let pagesMost = 50

    static func request(_ id: Int64, _ method: String, _ parameters: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": .integer(id), "method": .string(method), "params": parameters]
    }

    /// The parameters of `initialize`.
    static var hello: JSONValue {
        [
            "protocolVersion": .string(MCPVersion.newest.rawValue), "capabilities": [:],
            "clientInfo": ["name": "nave-spoke", "version": .string(Release.version)],
        ]
    }

    static let initialized = RPCMessage.notify("notifications/initialized", [:])

    /// The parameters of `tools/call`. Its id is the token by which its progress is told.
    static func call(_ tool: String, _ input: JSONValue, _ call: SpokeCall, token: Int64) -> JSONValue {
        var meta: [String: JSONValue] = ["progressToken": .integer(token)]
        if let trace = call.traceparent { meta["traceparent"] = .string(trace) }
        return ["name": .string(tool), "arguments": input, "_meta": .object(meta)]
    }

    static func cancelled(_ id: Int64, _ code: Fault.Code) -> JSONValue {
        RPCMessage.notify("notifications/cancelled", ["requestId": .integer(id), "reason": .string(code.rawValue)])
    }

    /// The call whose progress a message tells.
    static func progress(_ message: JSONValue) -> Int64? {
        guard message["method"] == "notifications/progress" else { return nil }
        return message["params"]?["progressToken"]?.integerValue
    }

    /// The answer to what a server asks of its client: only whether it is there. `nil` for what asks nothing.
    static func answer(to message: JSONValue) -> JSONValue? {
        guard let method = message["method"]?.stringValue, let id = message["id"].flatMap(RPCID.init) else {
            return nil
        }
        if method == "ping" { return RPCMessage.answer(to: id, [:]) }
        let words = "This client does not offer \(method.prefix(100))."
        return RPCFailure(RPCFailure.methodNotFound, words, id: id).answer
    }

    static func saysToolsChanged(_ message: JSONValue) -> Bool {
        message["method"] == "notifications/tools/list_changed"
    }

    /// The result that an answer holds.
    ///
    /// - Throws: `VALIDATION_ERROR` where the server says that the parameters were wrong, else `EXECUTION_ERROR`.
    static func result(of answer: JSONValue, from name: String) throws(Fault) -> JSONValue {
        guard let error = answer["error"], error != .null else { return answer["result"] ?? [:] }
        let message = error["message"]?.stringValue ?? "it said no more"
        let code: Fault.Code = error["code"]?.integerValue == RPCFailure.invalidParams ? .validation : .execution
        throw Fault(code, "The tool server \(name) refused: \(message.prefix(1_000))", details: error["data"])
    }
}

/// The tools of one server as operations.
struct ToolListing: Sendable {
    typealias Ask = @Sendable (String, JSONValue) async throws(Fault) -> JSONValue
    typealias Call = @Sendable (String, JSONValue, SpokeCall) async throws(Fault) -> SpokeAnswer

    let name: String
    let server: ToolServer
    let logger: Logger

    /// Asks for all pages. A tool that cannot be an operation is left out and named in the log.
    func entries(asking ask: Ask, calling call: @escaping Call) async throws(Fault) -> [SpokeOperations.Entry] {
        var tools: [JSONValue] = []
        var cursor: JSONValue?
        var pages = 0
        repeat {
            let page = try await ask("tools/list", cursor.map { ["cursor": $0] } ?? [:])
            tools += page["tools"]?.arrayValue ?? []
            cursor = page["nextCursor"].flatMap { $0 == .null ? nil : $0 }
            pages += 1
        } while cursor != nil && tools.count < ToolTalk.toolsMost && pages < ToolTalk.pagesMost
        if cursor != nil || tools.count > ToolTalk.toolsMost {
            logger.warning("not all tools are offered", metadata: ["most": "\(ToolTalk.toolsMost)"])
        }
        var entries: [String: SpokeOperations.Entry] = [:]
        for tool in tools.prefix(ToolTalk.toolsMost) {
            do throws(Fault) {
                let entry = try Tool(tool, of: name, server).entry(call)
                entries[entry.spec.id] = entry
            } catch {
                logger.warning("tool left out", metadata: ["why": "\(error.message)"])
            }
        }
        logger.info("tool server is up", metadata: ["tools": "\(entries.count)"])
        return entries.values.sorted { $0.spec.id < $1.spec.id }
    }
}

/// Lists a server's tools again when there is news of them: one listing at a time, and one a second at most, however
/// often a server says that they changed.
actor ToolNews {
    private let logger: Logger
    private let list: @Sendable () async throws(Fault) -> Void
    private var isWanted = false
    private var listing: Task<Void, Never>?

    static let interval = Duration.seconds(1)

    init(logger: Logger, list: @escaping @Sendable () async throws(Fault) -> Void) {
        self.logger = logger
        self.list = list
    }

    /// They are listed again soon.
    func came() {
        isWanted = true
        guard listing == nil else { return }
        listing = Task { await self.work() }
    }

    /// No more.
    func end() async {
        isWanted = false
        let last = listing
        last?.cancel()
        await last?.value
    }

    private func work() async {
        while isWanted, !Task.isCancelled {
            isWanted = false
            do throws(Fault) { try await list() } catch {
                if !Task.isCancelled { logger.warning("tools not listed again", metadata: ["error": "\(error)"]) }
            }
            // Cancelled means the end, which the loop sees.
            try? await Task.sleep(for: Self.interval)
        }
        listing = nil
    }
}
