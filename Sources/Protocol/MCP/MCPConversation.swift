/// One client's MCP session as the server sees it: which messages may come now, and what each asks for.
///
/// Messages in, steps out: it knows neither transport nor clock, so hub and spoke share it.
public struct MCPConversation: Sendable {
    /// The revision that was agreed on; none before `initialize`.
    public private(set) var version: MCPVersion?
    /// Requests that are being worked on.
    public private(set) var underWay: Set<RPCID> = []

    public init() {}

    /// What a message leads to.
    public enum Step: Hashable, Sendable {
        /// The answer is this.
        case answer(JSONValue)
        /// The answer takes work; tell ``MCPConversation/ended(_:)`` when it is there.
        case work(MCPWork)
        /// The client does not want this answer any more.
        case abort(RPCID)
        /// Nothing is to be answered.
        case nothing
    }

    /// A message came.
    public mutating func take(_ message: RPCMessage) -> Step {
        switch message {
        case .response: return .nothing
        case .notification(let method, let params): return hear(method, params)
        case .request(let request):
            do throws(RPCFailure) {
                return try answer(request)
            } catch {
                return .answer(error.answering(request.id).answer)
            }
        }
    }

    /// The work on a request is done, or given up.
    public mutating func ended(_ id: RPCID) { underWay.remove(id) }

    private func hear(_ method: String, _ params: JSONValue) -> Step {
        guard method == "notifications/cancelled", let id = params["requestId"].flatMap(RPCID.init) else {
            return .nothing
        }
        // What is answered already, or never was asked, is nobody's mistake (MCP, basic/utilities/cancellation).
        return underWay.contains(id) ? .abort(id) : .nothing
    }

    private mutating func answer(_ request: RPCRequest) throws(RPCFailure) -> Step {
        switch request.method {
        case "ping": return .answer(RPCMessage.answer(to: request.id, [:]))
        case "initialize": return .answer(RPCMessage.answer(to: request.id, try initialize(request.params)))
        case "server/discover": throw Self.otherVersion(request.params)
        default: break
        }
        guard version != nil else { throw .invalid("Begin with initialize.") }
        switch request.method {
        case "tools/list": return .answer(RPCMessage.answer(to: request.id, ["tools": MCPTool.catalogue]))
        case "tools/call": return try callTool(request)
        case "resources/list":
            return try work(request, .listResources(cursor: request.params["cursor"]?.stringValue))
        case "resources/templates/list":
            let templates: JSONValue = ["resourceTemplates": [MCPOutputAddress.template]]
            return .answer(RPCMessage.answer(to: request.id, templates))
        case "resources/read": return try readResource(request)
        default:
            throw RPCFailure(RPCFailure.methodNotFound, "There is no method \(request.method.cut(toBytes: 100)) here.")
        }
    }

    private mutating func initialize(_ params: JSONValue) throws(RPCFailure) -> JSONValue {
        guard version == nil else { throw .invalid("This session is initialized already.") }
        guard let wanted = params["protocolVersion"]?.stringValue else {
            throw RPCFailure(RPCFailure.invalidParams, "initialize names a protocolVersion.")
        }
        let agreed = MCPVersion(rawValue: wanted) ?? .newest
        version = agreed
        return [
            "protocolVersion": .string(agreed.rawValue),
            "capabilities": ["tools": [:], "resources": [:]],
            "serverInfo": ["name": "nave", "version": .string(Release.version)],
            "instructions": .string(Self.instructions),
        ]
    }

    private static let instructions =
        "Nave runs sessions in git worktrees on many machines. Find an operation with search or list, read its input "
        + "with schema, then run it with call. What a session printed is a resource: nave://session/ID/output."

    /// Revisions without `initialize` begin with a question for the versions that are spoken.
    static func otherVersion(_ params: JSONValue) -> RPCFailure {
        let asked = params["_meta"]?["io.modelcontextprotocol/protocolVersion"]?.stringValue ?? ""
        return RPCFailure(
            RPCFailure.unsupportedVersion,
            "Begin with initialize, in one of the versions listed.",
            data: ["supported": MCPVersion.listing, "requested": .string(asked.cut(toBytes: 40))]
        )
    }

    private mutating func callTool(_ request: RPCRequest) throws(RPCFailure) -> Step {
        guard let name = request.params["name"]?.stringValue, let tool = MCPTool(rawValue: name) else {
            throw RPCFailure(RPCFailure.invalidParams, "The tools are list, search, schema and call.")
        }
        let call: MCPToolCall
        do throws(Fault) {
            call = try tool.call(with: request.params["arguments"] ?? [:])
        } catch {
            // An input that is wrong is for the model to mend: an answer, not an error of the protocol.
            return .answer(RPCMessage.answer(to: request.id, MCPResult.failure(error)))
        }
        return try work(request, .tool(call))
    }

    private mutating func readResource(_ request: RPCRequest) throws(RPCFailure) -> Step {
        guard let uri = request.params["uri"]?.stringValue else {
            throw RPCFailure(RPCFailure.invalidParams, "resources/read names a uri.")
        }
        guard let address = MCPOutputAddress(uri) else {
            let shown = uri.cut(toBytes: 200)
            throw RPCFailure(
                RPCFailure.resourceNotFound,
                "There is no resource \(shown); nave://session/ID/output is what a session printed.",
                data: ["uri": .string(shown)]
            )
        }
        return try work(request, .readOutput(address, uri: uri))
    }

    private mutating func work(_ request: RPCRequest, _ ask: MCPWork.Ask) throws(RPCFailure) -> Step {
        guard !underWay.contains(request.id) else { throw .invalid("A request of this id is under way.") }
        guard underWay.count < Limits.mcpRequestsInFlight else {
            throw RPCFailure(
                RPCFailure.internalError,
                "\(Limits.mcpRequestsInFlight) requests are under way; wait until one has ended.",
                data: ["code": .string(Fault.Code.rateLimited.rawValue)]
            )
        }
        underWay.insert(request.id)
        return .work(MCPWork(id: request.id, ask: ask, progressToken: request.progressToken))
    }
}

/// A request that cannot be answered out of hand.
public struct MCPWork: Hashable, Sendable {
    public enum Ask: Hashable, Sendable {
        case tool(MCPToolCall)
        case listResources(cursor: String?)
        case readOutput(MCPOutputAddress, uri: String)
    }

    public var id: RPCID
    public var ask: Ask
    /// The name under which the client wants to hear how far it is.
    public var progressToken: JSONValue?

    public init(id: RPCID, ask: Ask, progressToken: JSONValue? = nil) {
        self.id = id
        self.ask = ask
        self.progressToken = progressToken
    }

    /// Whether the client may be told something before the answer, so that the answer needs a stream.
    public var tellsProgress: Bool {
        if case .tool(let call) = ask { return call.tool == .call && progressToken != nil }
        return false
    }
}
