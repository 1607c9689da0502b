import Foundation
import HubCore
import HubDomains
import NIOCore
import Protocol
import Synchronization
import Transport

/// The calls of one connection, both ways: a machine that decides, the waiters of what this hub asked, and the tasks
/// of what the peer asked.
///
/// All state is touched on the connection's event loop only. Whoever asks may be anywhere: one wake-up of the loop
/// serves many.
final class CallLine: Sendable {
    /// Runs one call of the peer and says its last word. Begins on the event loop; what is not brief leaves it.
    typealias Answerer = @Sendable (PeerCall) async -> Void

    /// What a subscription tells whoever follows it.
    private enum News: Sendable {
        case value(JSONValue)
        case end(CallResult)
    }

    private enum Waiter {
        case answer(CheckedContinuation<Result<CallResult, Fault>, Never>)
        case stream(AsyncStream<News>.Continuation)
    }

    private struct Running {
        let call: PeerCall
        let task: Task<Void, Never>
    }

    /// What only the loop touches. A class, so that it is changed in place and never copied.
    private final class Core {
        var driver: LoopDriver<CallMachine>?
        var waiters: [String: Waiter] = [:]
        var running: [String: Running] = [:]
        /// Calls that were recalled, and who wants to know how they ended.
        var proofs: [String: StopProof] = [:]
        var send: @Sendable (CallMessage) -> Void = { _ in }
        let answer: Answerer

        init(_ answer: @escaping Answerer) { self.answer = answer }
    }

    private let eventLoop: any EventLoop
    private let timekeeper: any Timekeeper
    private let metrics: HubMetrics
    private let core: NIOLoopBoundBox<Core>
    /// Where calls of the peer begin.
    private let executor: LoopExecutor
    /// Calls that this hub has under way on the line.
    private let asked = Atomic<Int>(0)
    private let isBehind = Atomic<Bool>(false)

    /// - Parameter answer: Runs what the peer asks for.
    init(
        on eventLoop: any EventLoop,
        timekeeper: any Timekeeper,
        metrics: HubMetrics,
        answer: @escaping Answerer
    ) {
        self.eventLoop = eventLoop
        executor = LoopExecutor(eventLoop)
        self.timekeeper = timekeeper
        self.metrics = metrics
        core = .makeBoxSendingValue(Core(answer), eventLoop: eventLoop)
    }

    /// Takes the line up. On the loop, once.
    ///
    /// - Parameter send: Sends one message; called on the loop, and let go of at the end.
    func open(_ send: @escaping @Sendable (CallMessage) -> Void) {
        core.value.send = send
        core.value.driver = LoopDriver(CallMachine(), on: eventLoop, timekeeper: timekeeper) {
            [weak self] action, _ in self?.perform(action)
        }
    }

    /// Something of a call came. On the loop.
    func deliver(_ message: CallMessage) { core.value.driver?.tell(.received(message)) }

    /// Whether what waits for the peer may grow. On the loop.
    func peerKeepsUp(_ keepsUp: Bool) {
        isBehind.store(!keepsUp, ordering: .relaxed)
        for running in core.value.running.values { running.call.gate.pause(!keepsUp) }
    }

    /// The connection is over, and with it every call. On the loop.
    func end() {
        let core = core.value
        core.driver?.tell(.ended)
        core.driver?.finish()
        core.driver = nil
        core.send = { _ in }
    }

    /// Whether nothing is under way. On the loop.
    var isIdle: Bool { core.value.running.isEmpty && core.value.waiters.isEmpty }

    /// How many calls this hub has under way here, and whether what it sends piles up.
    var load: (calls: Int, isBehind: Bool) {
        (asked.load(ordering: .relaxed), isBehind.load(ordering: .relaxed))
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { work() } else { eventLoop.execute(work) }
    }

    private static var now: Int64 { Date().milliseconds }
}

// MARK: - What this hub asks

extension CallLine {
    /// Asks for a query or mutation and waits for its end. A cancelled task, or an abort of the call, gives it up and
    /// has its provider told so.
    ///
    /// - Parameter call: Knows who wants to know what becomes of a call that is given up, if anybody.
    /// - Fails with what kept the request from being sent: its provider knows nothing of it.
    func ask(
        _ request: CallRequested,
        within wait: Duration,
        of call: OpenCall? = nil
    ) async throws(Fault) -> CallResult {
        let ask = CallAsk(request, isStream: false, deadline: timekeeper.now() + wait)
        let id = request.requestId
        asked.add(1, ordering: .relaxed)
        defer { asked.subtract(1, ordering: .relaxed) }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                call?.recalled { self.giveUp(id, call?.proof) }
                onLoop { self.begin(ask, .answer(waiter)) }
                // Cancelled or aborted before there was anything to give up: the word came too early.
                if Task.isCancelled || call?.abortion != nil { giveUp(id, call?.proof) }
            }
        } onCancel: {
            giveUp(id, call?.proof)
        }
        return try result.get()
    }

    /// Follows a subscription to its end, one value at a time: the provider sends only what `deliver` has taken.
    ///
    /// - Fails with what ended it, if that was not its natural end; with what `deliver` threw, when it has had enough.
    func follow(
        _ request: CallRequested,
        of call: OpenCall?,
        deliver: (JSONValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        let (news, post) = AsyncStream<News>.makeStream()
        let id = request.requestId
        asked.add(1, ordering: .relaxed)
        // Harmless when it has ended by itself.
        defer {
            asked.subtract(1, ordering: .relaxed)
            giveUp(id, call?.proof)
        }
        onLoop { self.begin(CallAsk(request, isStream: true, deadline: nil), .stream(post)) }
        var taken = 0
        for await item in news {
            switch item {
            case .value(let value):
                try await deliver(value)
                taken += 1
                // Half at a time: the provider never runs dry and is seldom written to.
                guard taken >= Limits.subscriptionCredit / 2 else { continue }
                tell(.taken(requestId: id, values: taken))
                taken = 0
            case .end(.failed(let error)): throw error.fault
            case .end: return
            }
        }
        throw Fault(.aborted, "The consumer left.")
    }

    private func giveUp(_ id: String, _ proof: StopProof?) {
        guard let proof else { return tell(.giveUp(requestId: id)) }
        proof.take()
        let until = timekeeper.now() + Limits.callProof
        onLoop {
            let core = self.core.value
            // The second word of the same abort has nothing to add.
            guard core.proofs[id] == nil else { return }
            guard let driver = core.driver else { return proof.settle(StopFinding(.unreachable)) }
            core.proofs[id] = proof
            driver.tell(.recall(requestId: id, until: until))
        }
    }

    private func tell(_ event: CallMachine.Event) { onLoop { self.core.value.driver?.tell(event) } }

    private func begin(_ ask: CallAsk, _ waiter: Waiter) {
        let core = core.value
        let id = ask.request.requestId
        guard let driver = core.driver else {
            let fault = Fault(.spokeDisconnected, "The link to the provider broke before it was asked.")
            return Self.refuse(waiter, fault)
        }
        if let obstacle = driver.inspect({ $0.obstacle(toAsking: id) }) { return Self.refuse(waiter, obstacle) }
        core.waiters[id] = waiter
        driver.tell(.ask(ask))
    }

    private static func end(_ waiter: Waiter, _ outcome: CallResult) {
        switch waiter {
        case .answer(let continuation): continuation.resume(returning: .success(outcome))
        case .stream(let post):
            post.yield(.end(outcome))
            post.finish()
        }
    }

    /// Nothing was sent.
    private static func refuse(_ waiter: Waiter, _ fault: Fault) {
        switch waiter {
        case .answer(let continuation): continuation.resume(returning: .failure(fault))
        case .stream: end(waiter, .failed(CallError(fault)))
        }
    }
}

// MARK: - What the machine decides

extension CallLine {
    private func perform(_ action: CallMachine.Action) {
        let core = core.value
        switch action {
        case .send(let message): core.send(message)
        case .abort(let id): core.send(.aborted(CallEnded(requestId: id, timestamp: Self.now)))
        case .recall(let id):
            core.send(.aborted(CallEnded(requestId: id, wantsProof: true, timestamp: Self.now)))
        case .proven(let id, let word): core.proofs.removeValue(forKey: id)?.settle(StopFinding(of: word))
        case .grant(let id, let values): core.send(.credit(CallCredit(requestId: id, values: values)))
        case .refuse(let id, let error):
            core.send(.failed(CallFailed(requestId: id, error: error, timestamp: Self.now)))
        case .begin(let request, let credit): run(request, credit, core)
        case .allow(let id, let values): core.running[id]?.call.gate.grant(values)
        case .cancel(let id): core.running.removeValue(forKey: id)?.task.cancel()
        case .deliver(let id, let value):
            guard case .stream(let post) = core.waiters[id] else { return }
            post.yield(.value(value))
        case .finished(let id, let outcome):
            guard let waiter = core.waiters.removeValue(forKey: id) else { return }
            Self.end(waiter, outcome)
        case .ignored: metrics.answersIgnored.add(1, ordering: .relaxed)
        }
    }

    private func run(_ request: CallRequested, _ credit: Int, _ core: Core) {
        let call = PeerCall(request, credit: credit, on: self)
        if isBehind.load(ordering: .relaxed) { call.gate.pause(true) }
        let answer = core.answer
        let task = Task(executorPreference: executor) { await answer(call) }
        core.running[request.requestId] = Running(call: call, task: task)
    }

    /// Says something on a call of the peer. A call that was aborted has nothing to say any more: by then its id may be
    /// another call's.
    fileprivate func say(_ event: CallMachine.Event, of call: PeerCall, isLast: Bool) {
        onLoop {
            let core = self.core.value
            guard core.running[call.request.requestId]?.call === call else { return }
            if isLast { core.running[call.request.requestId] = nil }
            core.driver?.tell(event)
        }
    }
}

/// One call that the peer asked for, while it is under way.
final class PeerCall: Sendable {
    let request: CallRequested
    /// Holds a subscription's values back until the peer has room for them.
    let gate: CreditGate
    private let line: CallLine

    fileprivate init(_ request: CallRequested, credit: Int, on line: CallLine) {
        self.request = request
        self.line = line
        gate = CreditGate(credit)
    }

    /// The last word of a query or mutation, or one value of a subscription that its gate let pass.
    func answer(_ output: JSONValue, isLast: Bool) {
        let answer = CallResponded(requestId: request.requestId, output: output, timestamp: Date().milliseconds)
        line.say(.answered(answer, isLast: isLast), of: self, isLast: isLast)
    }

    /// The natural end of a subscription.
    func complete() {
        let end = CallEnded(requestId: request.requestId, timestamp: Date().milliseconds)
        line.say(.completed(end), of: self, isLast: true)
    }

    /// It failed. After an abort nobody hears it any more.
    func fail(_ fault: Fault) {
        let failure = CallFailed(
            requestId: request.requestId,
            error: CallError(fault),
            timestamp: Date().milliseconds
        )
        line.say(.failed(failure), of: self, isLast: true)
    }
}
