import Foundation

/// Whoever runs operations for an MCP server: the hub's desk, or a spoke's local socket.
public protocol MCPProvider: Sendable {
    /// What the tools must know of an operation before it is called; `nil` if that cannot be told.
    func nature(of operation: String) async -> MCPNature?

    /// Runs a query or mutation and answers with its `data` as JSON.
    func call(_ ask: MCPCallArguments) async throws(Fault) -> [UInt8]

    /// Runs a subscription until its natural end, until `deliver` throws, or until its deadline (`TIMEOUT`).
    func subscribe(
        _ ask: MCPCallArguments,
        deliver: @escaping @Sendable (MCPValue) async throws(Fault) -> Void
    ) async throws(Fault)
}

/// How an operation answers, and what it means to end it early.
public struct MCPNature: Hashable, Sendable {
    /// Whether it answers once or many times.
    public var kind: OperationKind
    /// Whether it may change something. A subscription that does, such as `process.run`, is not ended because a model
    /// has read enough.
    public var changes: Bool

    public init(kind: OperationKind, changes: Bool) {
        self.kind = kind
        self.changes = changes
    }
}

/// One value of a subscription.
public struct MCPValue: Sendable {
    /// Where a later call may go on.
    public var id: String?
    /// The value as JSON.
    public var data: [UInt8]

    public init(id: String?, data: [UInt8]) {
        self.id = id
        self.data = data
    }
}

/// Works requests off: asks the provider, tells progress, puts the answer together.
public struct MCPExchange<Provider: MCPProvider>: Sendable {
    private let provider: Provider

    public init(_ provider: Provider) { self.provider = provider }

    /// The JSON-RPC answer to a request. `tell` sends a notification before it, if the client asked for progress.
    public func run(_ work: MCPWork, tell: @escaping @Sendable (JSONValue) async -> Void) async -> JSONValue {
        do throws(RPCFailure) {
            return RPCMessage.answer(to: work.id, try await result(of: work, tell))
        } catch {
            return error.answering(work.id).answer
        }
    }

    private func result(
        of work: MCPWork,
        _ tell: @escaping @Sendable (JSONValue) async -> Void
    ) async throws(RPCFailure) -> JSONValue {
        switch work.ask {
        case .tool(let call): return await run(call, work.progressToken, tell)
        case .listResources(let cursor): return try await resources(after: cursor)
        case .readOutput(let address, let uri): return try await output(at: address, uri: uri)
        }
    }

    // MARK: Tools

    private func run(
        _ call: MCPToolCall,
        _ token: JSONValue?,
        _ tell: @escaping @Sendable (JSONValue) async -> Void
    ) async -> JSONValue {
        do throws(Fault) {
            if call.tool == .call, let nature = await provider.nature(of: call.arguments.operation),
                nature.kind == .subscription
            {
                return await values(of: call.arguments, runningOn: nature.changes, token, tell)
            }
            return try MCPResult.answer(try await provider.call(call.arguments), wrapped: call.tool == .call)
        } catch {
            return MCPResult.failure(error)
        }
    }

    private func values(
        of ask: MCPCallArguments,
        runningOn: Bool,
        _ token: JSONValue?,
        _ tell: @escaping @Sendable (JSONValue) async -> Void
    ) async -> JSONValue {
        let basket = MCPBasket(MCPGathered(valuesMax: ask.valuesMax ?? Limits.mcpValuesUsual, runsOn: runningOn))
        let isOutput = ask.operation.hasSuffix(ReadSessionOutput.name)
        var failure: Fault?
        do throws(Fault) {
            try await provider.subscribe(ask) { (value) async throws(Fault) in
                let parsed = try JSONValue(parsing: value.data)
                let shown = isOutput ? parsed.withBytesAsText : parsed
                let count = await basket.change { gathered in
                    gathered.take(shown, bytes: value.data.count, id: value.id) ? gathered.count : 0
                }
                if let token, count > 0 { await tell(Self.progress(token, count, shown)) }
                if await basket.contents.isFull { throw Fault(.aborted, "That is enough.") }
            }
        } catch {
            failure = error
        }
        var gathered = await basket.contents
        if !gathered.isFull, let failure {
            guard failure.code == .timeout else { return MCPResult.failure(failure, after: gathered.values) }
            gathered.stopped = .deadline
        }
        return MCPResult.values(gathered)
    }

    private static func progress(_ token: JSONValue, _ count: Int, _ value: JSONValue) -> JSONValue {
        RPCMessage.notify(
            "notifications/progress",
            [
                "progressToken": token, "progress": .integer(Int64(count)),
                "message": .string(MCPResult.prefix(of: value.serialized(), max: Limits.mcpProgressBytes)),
            ]
        )
    }

    // MARK: Resources

    private func resources(after cursor: String?) async throws(RPCFailure) -> JSONValue {
        do throws(Fault) {
            let input = JSONValue(encoding: ListSessions(limit: Limits.mcpResources, cursor: cursor))
            let data = try await provider.call(MCPCallArguments(operation: ListSessions.name, input: input))
            let page: ListSessions.Output = try WireCoder.value(from: data)
            var members: [String: JSONValue] = ["resources": .array(page.sessions.map(\.resource))]
            members["nextCursor"] = page.nextCursor.map(JSONValue.string)
            return .object(members)
        } catch {
            // What is denied is not shown.
            if error.code == .accessDenied { return ["resources": []] }
            throw error.asFailure
        }
    }

    private func output(at address: MCPOutputAddress, uri: String) async throws(RPCFailure) -> JSONValue {
        let basket = MCPBasket(MCPOutput(from: address.from))
        let ask = MCPCallArguments(operation: ReadSessionOutput.name, input: address.input)
        do throws(Fault) {
            try await provider.subscribe(ask) { (value) async throws(Fault) in
                let piece: SessionOutputPiece = try WireCoder.value(from: value.data)
                guard await basket.change({ $0.take(piece) }) else { throw Fault(.aborted, "That is enough.") }
            }
        } catch {
            let isFull = await basket.contents.isCut
            guard isFull else {
                guard error.code != .notFound else {
                    throw RPCFailure(
                        RPCFailure.resourceNotFound,
                        error.message,
                        data: ["uri": .string(uri.cut(toBytes: 200))]
                    )
                }
                throw error.asFailure
            }
        }
        return MCPResult.contents(await basket.contents, uri: uri)
    }
}

extension Fault {
    /// An operation's error where MCP has room for one of the protocol only.
    fileprivate var asFailure: RPCFailure {
        RPCFailure(code == .validation ? RPCFailure.invalidParams : RPCFailure.internalError, message, data: json)
    }
}

extension JSONValue {
    /// A piece of output with its bytes as `text` instead of base64, if they are text: models read text.
    fileprivate var withBytesAsText: JSONValue {
        guard case .object(var members) = self, let bytes = members["bytes"]?.stringValue,
            let data = Data(base64Encoded: bytes), let text = String(data: data, encoding: .utf8)
        else { return self }
        members["bytes"] = nil
        members["text"] = .string(text)
        return .object(members)
    }
}
