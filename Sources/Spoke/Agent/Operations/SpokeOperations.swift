import Crypto
import Protocol

/// The operations that this spoke offers, by name: the one way from a call to what is done here.
///
/// Declared as the hub's own are: a type says name, schemas and access, so that nothing is wired by hand. What the
/// spoke's owner adds in `spoke.yaml` comes with schemas of its own.
struct SpokeOperations: Sendable {
    typealias Answering = @Sendable (JSONValue, SpokeCall) async throws(Fault) -> SpokeAnswer
    typealias Streaming =
        @Sendable (
            JSONValue, SpokeCall, @escaping @Sendable (SpokeAnswer) async throws(Fault) -> Void
        ) async throws(Fault) -> Void

    /// What the table knows of one operation.
    struct Entry: Sendable {
        let spec: OperationSpec
        /// Everything that is wrong with an input.
        let violations: @Sendable (JSONValue) -> [Fault.Violation]
        var answering: Answering?
        var streaming: Streaming?
        /// Sends its last word also to a caller that aborted: with proof of what was stopped.
        var provesItsEnd = false
    }

    private(set) var entries: [String: Entry] = [:]

    /// Answers a query or mutation.
    mutating func answer<Request: RemoteOperation>(
        _ request: Request.Type,
        with handler: @escaping @Sendable (Request, SpokeCall) async throws(Fault) -> Request.Output
    ) {
        precondition(Request.kind != .subscription, "\(Request.name) is a subscription: register it with stream.")
        var entry = Self.entry(Request.self)
        entry.answering = { (input, call) async throws(Fault) -> SpokeAnswer in
            let request = try Self.request(Request.self, input, call)
            return SpokeAnswer(data: try JSONValue(answering: try await handler(request, call)))
        }
        enter(entry)
    }

    /// Answers a subscription with values until the handler returns. It is cancelled when the consumer leaves.
    mutating func stream<Request: RemoteOperation>(
        _ request: Request.Type,
        provesItsEnd: Bool = false,
        with handler: @escaping @Sendable (Request, SpokeCall, SpokeWriter<Request.Output>) async throws(Fault) -> Void
    ) {
        precondition(Request.kind == .subscription, "\(Request.name) is a \(Request.kind): register it with answer.")
        var entry = Self.entry(Request.self)
        entry.provesItsEnd = provesItsEnd
        entry.streaming = { (input, call, deliver) async throws(Fault) -> Void in
            let request = try Self.request(Request.self, input, call)
            try await handler(request, call, SpokeWriter<Request.Output>(deliver: deliver))
        }
        enter(entry)
    }

    /// Offers what somebody else describes: a command of the owner's, a tool of a server.
    ///
    /// - Throws: `CONFLICT` if the name is taken.
    mutating func offer(_ entry: Entry) throws(Fault) {
        guard entries[entry.spec.id] == nil else {
            throw Fault(.conflict, "The operation \(entry.spec.id) is offered twice on this spoke; rename one.")
        }
        enter(entry)
    }

    private static func entry<Request: RemoteOperation>(_ request: Request.Type) -> Entry {
        let shape = SchemaProbe.shape(of: Request.self)
        return Entry(spec: Request.spec, violations: { shape.violations(in: $0) })
    }

    /// What is asked for. A session that names no worktree means its own.
    private static func request<Request: RemoteOperation>(
        _: Request.Type,
        _ input: JSONValue,
        _ call: SpokeCall
    ) throws(Fault) -> Request {
        guard Request.self is any WorktreeOperation.Type, let session = call.session,
            case .object(var members) = input, (members["workspaceId"] ?? .null) == .null,
            (members["sessionId"] ?? .null) == .null,
            members["path"]?.stringValue?.hasPrefix("/") != true
        else { return try input.decoded() }
        members["sessionId"] = .string(session.rawValue)
        return try JSONValue.object(members).decoded()
    }

    private mutating func enter(_ entry: Entry) {
        precondition(entries[entry.spec.id] == nil, "\(entry.spec.id) is answered twice.")
        entries[entry.spec.id] = entry
    }
}

extension SpokeOperations {
    /// What is told in the hello: what the owner's policy lets anybody call, by a digest and, where wanted, whole.
    func summary(whole: Bool, permitted: (String) -> Bool) -> OperationsSummary {
        let specs = entries.values.map(\.spec).filter { permitted($0.id) }.sorted { $0.id < $1.id }
        guard !specs.isEmpty else { return OperationsSummary(hash: "", specs: whole ? [] : nil) }
        let values = specs.map { JSONValue(encoding: $0) }
        let digest = SHA256.hash(data: JSONValue.array(values).serialized())
        let hash = digest.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
        return OperationsSummary(hash: hash, specs: whole ? values : nil)
    }

    /// What all specs take as JSON: they travel in one hello.
    var specBytes: Int { entries.values.reduce(0) { $0 + WireCoder.bytes(of: $1.spec).count + 1 } }
}
