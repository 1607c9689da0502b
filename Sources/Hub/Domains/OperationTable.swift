public import Logging
public import Protocol

/// The operations that this hub answers, by wire name: the one way from a caller to a handler.
///
/// A call goes: name known → access → strict decoding → reach → (mutations: idempotency) → handler → encoded output.
/// Every mutation leaves an audit entry, whatever became of it.
public struct OperationTable: Sendable {
    private(set) var entries: [String: Entry] = [:]
    let mutations: MutationStore
    let reach: Reach
    let secondLock: SecondLock
    let logger: Logger

    /// A table that answers nothing yet.
    public init(recording mutations: MutationStore, logger: Logger) {
        self.mutations = mutations
        reach = Reach(database: mutations.database)
        secondLock = SecondLock(database: mutations.database, logger: logger)
        self.logger = logger
    }

    /// Answers a query or mutation with a handler.
    public mutating func answer<Request: RemoteOperation>(
        _ request: Request.Type,
        with handler: @escaping @Sendable (Request, Caller) async throws(Fault) -> Request.Output
    ) {
        precondition(Request.kind != .subscription, "\(Request.name) is a subscription: register it with stream.")
        enter(Request.self) { (input, caller) async throws(Fault) -> [UInt8] in
            let request: Request = try input.decoded()
            do throws(Fault) {
                return WireCoder.bytes(of: try await handler(request, caller))
            } catch {
                throw ConstraintWords.spoken(error, to: input)
            }
        }
    }

    /// Answers a subscription with a handler that sends values until it returns (the natural end) or throws.
    /// The handler runs in the task of whoever subscribed; it is cancelled when the consumer leaves.
    public mutating func stream<Request: RemoteOperation>(
        _ request: Request.Type,
        with handler: @escaping @Sendable (Request, Caller, StreamWriter<Request.Output>) async throws(Fault) -> Void
    ) {
        precondition(Request.kind == .subscription, "\(Request.name) is a \(Request.kind): register it with answer.")
        enter(Request.self) { (input, caller, lastEventId, deliver) async throws(Fault) -> Void in
            let request: Request = try input.decoded()
            let writer = StreamWriter<Request.Output>(
                lastEventId: lastEventId,
                operationId: Request.name,
                requestId: caller.requestId,
                deliver: deliver
            )
            do throws(Fault) {
                try await handler(request, caller, writer)
            } catch {
                throw ConstraintWords.spoken(error, to: input)
            }
        }
    }
}

extension OperationTable {
    typealias Answering = @Sendable (JSONValue, Caller) async throws(Fault) -> [UInt8]
    typealias Streaming =
        @Sendable (
            JSONValue, Caller, String?, @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
        ) async throws(Fault) -> Void

    /// What the table knows of one operation.
    struct Entry: Sendable {
        let spec: OperationSpec
        let input: SchemaShape
        let answersSecret: Bool
        /// What its type says wrongly or not at all about itself; asked for by a test.
        let flaws: @Sendable () -> [String]
        var answering: Answering?
        var streaming: Streaming?
    }

    private mutating func enter<Request: RemoteOperation>(_ request: Request.Type, _ answering: @escaping Answering) {
        enter(request, answering: answering, streaming: nil)
    }

    private mutating func enter<Request: RemoteOperation>(_ request: Request.Type, _ streaming: @escaping Streaming) {
        enter(request, answering: nil, streaming: streaming)
    }

    private mutating func enter<Request: RemoteOperation>(
        _ request: Request.Type,
        answering: Answering?,
        streaming: Streaming?
    ) {
        precondition(entries[Request.name] == nil, "\(Request.name) is answered twice.")
        entries[Request.name] = Entry(
            spec: Request.spec,
            input: SchemaProbe.shape(of: Request.self),
            answersSecret: Request.answersSecret,
            flaws: { Self.flaws(of: Request.self) },
            answering: answering,
            streaming: streaming
        )
    }
}
