import Foundation
import NIOCore
import Protocol
import Synchronization
import TestSupport
import Transport

/// A fake spoke that answers calls as a test tells it to, and remembers all that it heard of calls.
final class FakeProvider: Sendable {
    let spoke: FakeSpoke
    let connection: LinkConnection
    private let heard = Mutex<[CallMessage]>([])
    private let dismissed = Mutex(false)
    private let reading = Mutex<Task<Void, Never>?>(nil)
    let taken: OperationsTaken

    /// What a provider does with a call; everything that is said goes through the connection.
    typealias Answering = @Sendable (CallMessage, FakeProvider) -> Void

    /// Joins, offers the operations in its hello, and waits until the hub has taken them.
    static func join(
        _ hub: HubUnderTest,
        name: String,
        offering specs: [JSONValue],
        labels: [String: String] = [:],
        answering: @escaping Answering
    ) async throws -> FakeProvider {
        let token = try await hub.call("token.create").data?["token"]?.stringValue
        let spoke = try await FakeSpoke.join(hub, name: name, token: token)
        return try await open(hub, as: spoke, offering: specs, labels: labels, answering: answering)
    }

    /// The same for a spoke that has joined.
    static func open(
        _ hub: HubUnderTest,
        as spoke: FakeSpoke,
        offering specs: [JSONValue],
        labels: [String: String] = [:],
        answering: @escaping Answering
    ) async throws -> FakeProvider {
        let line = try await spoke.dial(hub)
        var hello = spoke.hello(journal: JournalSummary(epoch: 1, first: 1, next: 1, headHash: .origin))
        hello.operations = OperationsSummary(hash: "set-1", specs: specs)
        hello.labels = labels
        line.connection.send(.hello(hello))
        let taken = try await line.first { message in
            if case .operationsTaken(let taken) = message { taken } else { OperationsTaken?.none }
        }
        let provider = FakeProvider(spoke: spoke, connection: line.connection, taken: taken)
        provider.read(line.news, answering)
        return provider
    }

    private init(spoke: FakeSpoke, connection: LinkConnection, taken: OperationsTaken) {
        self.spoke = spoke
        self.connection = connection
        self.taken = taken
    }

    private func read(_ news: AsyncStream<LinkNews>, _ answering: @escaping Answering) {
        reading.withLock { reading in
            reading = Task {
                for await one in news {
                    guard case .message(let message) = one else { continue }
                    if case .goodbye = message { dismissed.withLock { $0 = true } }
                    guard let call = message.call else { continue }
                    heard.withLock { $0.append(call) }
                    answering(call, self)
                }
            }
        }
    }

    func say(_ call: CallMessage) { connection.send(call.linkMessage) }

    /// Answers a call with data.
    func answer(_ id: String, _ data: JSONValue, meta: JSONValue = ["source": "local"]) {
        say(.responded(CallResponded(requestId: id, output: ["data": data, "meta": meta], timestamp: 0)))
    }

    func fail(_ id: String, _ fault: Fault) {
        say(.failed(CallFailed(requestId: id, error: CallError(fault), timestamp: 0)))
    }

    /// Breaks the link without a word.
    func hangUp() { connection.channel.close(promise: nil) }

    /// Waits until something of a call was heard.
    func wait<Value: Sendable>(
        line: UInt = #line,
        for pick: @Sendable (CallMessage) -> Value?
    ) async throws -> Value {
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end {
            for message in heard.withLock({ $0 }) {
                if let value = pick(message) { return value }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Fault(.timeout, "The hub did not say what line \(line) expects.")
    }

    /// Waits until the hub has said goodbye.
    func goodbye() async throws {
        let end = ContinuousClock.now + patience
        while !dismissed.withLock({ $0 }) {
            guard ContinuousClock.now < end else { throw Fault(.timeout, "The hub did not say goodbye.") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What it was asked for so far.
    var requests: [CallRequested] {
        heard.withLock { $0.compactMap { if case .requested(let call) = $0 { call } else { nil } } }
    }

    /// Waits for the request of an operation.
    func request(of operation: String) async throws -> CallRequested {
        try await wait {
            if case .requested(let call) = $0, call.operationId == operation { call } else { CallRequested?.none }
        }
    }

    /// Waits for the request of this id.
    func request(_ id: String) async throws -> CallRequested {
        try await wait {
            if case .requested(let call) = $0, call.requestId == id { call } else { CallRequested?.none }
        }
    }

    /// The requests of an operation so far.
    func heardRequests(of operation: String) -> [CallRequested] {
        heard.withLock { heard in
            heard.compactMap {
                if case .requested(let call) = $0, call.operationId == operation { call } else { nil }
            }
        }
    }

    /// How often an operation was asked for so far.
    func requests(of operation: String) -> Int {
        heard.withLock { heard in
            heard.count { if case .requested(let call) = $0 { call.operationId == operation } else { false } }
        }
    }

    /// Waits until the hub has aborted a call.
    func abort(of id: String) async throws {
        _ = try await wait { if case .aborted(let end) = $0, end.requestId == id { true } else { Bool?.none } }
    }

    /// Credit that was granted for a call so far.
    func credit(of id: String) -> Int {
        heard.withLock { heard in
            heard.reduce(0) { sum, message in
                if case .credit(let credit) = message, credit.requestId == id { sum + credit.values } else { sum }
            }
        }
    }
}

extension LinkMessage {
    /// The part of it that belongs to a call.
    var call: CallMessage? {
        switch self {
        case .callRequested(let call): .requested(call)
        case .callResponded(let answer): .responded(answer)
        case .callCompleted(let end): .completed(end)
        case .callAborted(let end): .aborted(end)
        case .callFailed(let failure): .failed(failure)
        case .callCredit(let credit): .credit(credit)
        default: nil
        }
    }
}

/// A coordinator over the WebSocket: calls and nothing else.
struct FakeCoordinator {
    let line: FakeSpoke.Line

    static func dial(_ hub: HubUnderTest, key: String? = nil) async throws -> FakeCoordinator {
        FakeCoordinator(line: try await FakeSpoke(id: "", credential: key ?? hub.key).dial(hub))
    }

    func ask(
        _ operation: String,
        _ input: JSONValue = [:],
        id: String,
        deadline: Int64? = nil,
        idleTimeout: Int64? = nil,
        target: CallTarget? = nil
    ) {
        let now = Date().milliseconds
        let call = CallRequested(
            requestId: id,
            operationId: operation,
            input: input,
            deadline: deadline.map { now + $0 },
            idleTimeout: idleTimeout,
            target: target,
            timestamp: now
        )
        line.connection.send(.callRequested(call))
    }

    /// The last word on a call.
    func end(of id: String, line: UInt = #line) async throws -> CallMessage {
        try await self.line.first(line: line) { message in
            switch message.call {
            case .responded(let answer) where answer.requestId == id: .responded(answer)
            case .failed(let failure) where failure.requestId == id: .failed(failure)
            case .completed(let end) where end.requestId == id: .completed(end)
            default: nil
            }
        }
    }
}
