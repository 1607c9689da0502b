import Foundation
import HubCore
public import Protocol
import Synchronization

/// What is called: as much of an operation as its record needs.
public struct CallSubject: Hashable, Sendable {
    /// `namespace.name`.
    public var operationId: String
    public var kind: OperationKind
    /// Neither what is asked nor what is answered is kept.
    public var answersSecret: Bool
    /// It may change something (`OperationSpec.changes`). Such a call is written down before it begins.
    public let changes: Bool
    /// A spoke answers it: the call's request id goes out over the spoke's link.
    public let isSpokes: Bool

    public init(operationId: String, kind: OperationKind, answersSecret: Bool = false, isSpokes: Bool = false) {
        self.operationId = operationId
        self.kind = kind
        self.answersSecret = answersSecret
        self.isSpokes = isSpokes
        changes = kind == .mutation
    }

    /// - Parameter name: What the graph has it under, if not the operation's own id.
    public init(
        _ spec: OperationSpec,
        as name: String? = nil,
        answersSecret: Bool = false,
        isSpokes: Bool = false
    ) {
        operationId = name ?? spec.id
        kind = spec.type
        self.answersSecret = answersSecret
        self.isSpokes = isSpokes
        changes = spec.changes
    }

    /// What it counts as where mutations are kept and others are not.
    var keptAs: OperationKind { changes ? .mutation : kind }
}

/// Who answers a call.
public struct CallProvider: Hashable, Sendable {
    public var type: ProviderType
    public var id: String

    public init(type: ProviderType, id: String) {
        self.type = type
        self.id = id
    }
}

/// What became of a call.
public enum CallOutcome: Sendable {
    /// It answered; the answer's `data` as JSON.
    case answered([UInt8])
    /// A subscription came to its natural end.
    case ended
    case failed(Fault)
}

/// One call from its arrival to its end, as this hub process knows it.
public final class OpenCall: Sendable {
    /// What may change.
    private struct State {
        var status = CallStatus.pending
        var startedAt: Date?
        var provider: CallProvider?
        var values = 0
        /// Why it was aborted from outside, and where the proof of that goes.
        var abortion: Fault?
        var proof: StopProof?
        var whenAborted: [@Sendable () -> Void] = []
        /// Tells whoever was asked last that it is aborted.
        var recall: (@Sendable () -> Void)?
        /// What the graph was last told of it.
        var written: CallStatus?
        var isClosed = false
        var isDetached = false
        var isGivenUp = false
        var isHandedOver = false
    }

    /// The node's id.
    public let id: CallID
    /// Under which the graph has it: the caller's, unless another call of this process has that one.
    public let requestId: String
    /// The call within which it was made, if the caller said so and this process still knows it.
    let parent: OpenCall?
    let subject: CallSubject
    let caller: Caller
    let input: CallPayload?
    let level: RecordingLevel
    let arrivedAt: Date
    /// What a subscription is about that may belong to an organisation. Nothing else lasts long enough to be asked.
    let about: [Belongings.Name]
    private let state = Mutex(State())

    init(
        id: CallID,
        requestId: String,
        parent: OpenCall?,
        subject: CallSubject,
        caller: Caller,
        input: CallPayload?,
        level: RecordingLevel,
        arrivedAt: Date
    ) {
        self.id = id
        self.requestId = requestId
        self.parent = parent
        self.subject = subject
        self.caller = caller
        self.input = subject.answersSecret ? nil : input?.slender
        self.level = level
        self.arrivedAt = arrivedAt
        about = subject.kind == .subscription ? Self.about(input, caller.target) : []
    }

    private static func about(_ input: CallPayload?, _ target: CallTarget?) -> [Belongings.Name] {
        guard case .value(let value) = input else { return [] }
        let session = target?.sessionId.map { Belongings.Name(.session, $0.rawValue) }
        return Belongings(of: value).owned + [session].compactMap(\.self)
    }

    /// The request id of the call within which it was made, whether or not anyone knows that.
    var parentId: String? { caller.parentRequestId }

    /// How far it has come.
    public var status: CallStatus { state.withLock { $0.status } }

    /// Why it was aborted by someone else than its caller; `nil` if it was not.
    public var abortion: Fault? { state.withLock { $0.abortion } }

    /// Where whoever has it done proves its end; `nil` unless it was aborted from outside.
    public var proof: StopProof? { state.withLock { $0.proof } }

    /// Its provider was asked, and nobody waits for its last word any more.
    public func giveUp() { state.withLock { $0.isGivenUp = true } }

    /// Whether its provider may still say something.
    var isGivenUp: Bool { state.withLock { $0.isGivenUp } }

    /// Another answers it than the one that it was dispatched to.
    public func provided(by provider: CallProvider) {
        state.withLock { ($0.provider, $0.isHandedOver) = (provider, true) }
    }

    /// Who answers it; `nil` until it is dispatched.
    var provider: CallProvider? { state.withLock { $0.provider } }

    /// Whether it was written down as far as it must be, and may have been begun.
    public var isHandedOver: Bool { state.withLock { $0.isHandedOver } }

    /// It is handed to its provider now.
    func handOver() { state.withLock { $0.isHandedOver = true } }

    /// The request was not sent: its provider knows nothing of it.
    public func takeBack() { state.withLock { $0.isHandedOver = false } }

    /// A subscription's value was delivered.
    public func delivered() { state.withLock { $0.values += 1 } }

    /// Does this once the call is aborted by someone else than its caller; at once if it was already.
    public func whenAborted(_ deed: @escaping @Sendable () -> Void) {
        let isAborted = state.withLock { state in
            if state.abortion == nil { state.whenAborted.append(deed) }
            return state.abortion != nil
        }
        if isAborted { deed() }
    }

    /// The same for whoever is asked for the answer, in the place of whoever was asked before and cannot say any more
    /// what became of it.
    public func recalled(by deed: @escaping @Sendable () -> Void) {
        let isAborted = state.withLock { state in
            if state.abortion == nil { state.recall = deed }
            return state.abortion != nil
        }
        if isAborted { deed() }
    }
}

extension OpenCall {
    /// It is handed to whoever answers; `false` if it is over already.
    ///
    /// - Parameters:
    ///   - isDetached: It goes on although its caller is answered, and is closed by whoever runs it.
    ///   - say: Takes what the graph must hear that knows it as pending and is not asked first.
    func dispatch(
        to provider: CallProvider?,
        isDetached: Bool,
        at now: Date,
        _ say: (CallNote) -> Void
    ) -> Bool {
        state.withLock { state in
            guard CallLifecycle.mayBecome(.running, from: state.status) else { return false }
            state.status = .running
            state.provider = provider
            state.isDetached = isDetached
            state.startedAt = max(now, arrivedAt)
            if state.written != nil, !level.writesAhead(subject.keptAs) {
                state.written = .running
                say(note(state, completedAt: nil, output: nil, fault: nil))
            }
            return true
        }
    }

    /// Ends it from outside; `false` if the policy does not reach what has come as far as this call.
    func abort(_ fault: Fault, policy: AbortPolicy) -> Bool {
        let deeds: [@Sendable () -> Void]? = state.withLock { state in
            guard !state.isClosed, CallLifecycle.isReached(state.status, by: policy) else { return nil }
            state.status = .aborted
            state.abortion = fault
            let proof = StopProof()
            state.proof = proof
            // What goes on to its end anyway has nothing to prove, and neither has what nobody runs yet.
            if state.isDetached { proof.settle(StopFinding(.finishedFirst)) }
            let deeds = state.whenAborted + [state.recall].compactMap(\.self)
            if deeds.isEmpty { proof.settle(StopFinding(.aborted)) }
            (state.whenAborted, state.recall) = ([], nil)
            return deeds
        }
        for deed in deeds ?? [] { deed() }
        return deeds != nil
    }

    /// What the graph does not know of it yet; `nil` if there is nothing, or if such calls are not kept.
    ///
    /// - Parameter say: hands the note over while the call is held, so that no later note overtakes it.
    @discardableResult
    func news(_ say: (CallNote) -> Void = { _ in }) -> CallNote? {
        state.withLock { state in
            guard !state.isClosed, state.written != state.status, !state.status.isOver,
                level == .all || level == .mutations && subject.changes
            else { return nil }
            let note = note(state, completedAt: nil, output: nil, fault: nil)
            state.written = state.status
            say(note)
            return note
        }
    }

    /// It is over; `false` if it was detached and that ends nothing. `say` takes the last thing that the graph is told;
    /// nothing if it was over before, or is not kept.
    func finish(
        _ outcome: CallOutcome,
        at now: Date,
        unlessDetached: Bool = false,
        _ say: (CallNote) -> Void
    ) -> Bool {
        state.withLock { state in
            guard !unlessDetached || !state.isDetached else { return false }
            guard !state.isClosed else { return true }
            state.isClosed = true
            (state.whenAborted, state.recall) = ([], nil)
            state.proof?.ended(outcome.finding)
            var (output, fault): (CallPayload?, Fault?) = (nil, state.abortion)
            if fault == nil {
                switch outcome {
                case .answered(let bytes):
                    state.status = .completed
                    if !subject.answersSecret { output = CallPayload.json(bytes).slender }
                case .ended: state.status = .completed
                case .failed(let why):
                    state.status = CallLifecycle.status(after: why)
                    fault = why
                }
            }
            // What fails before it was dispatched failed at the hub's own hands.
            if state.startedAt == nil, state.status != .aborted { state.startedAt = arrivedAt }
            guard state.written != nil || level.keeps(subject.keptAs, state.status) else { return true }
            say(note(state, completedAt: max(now, state.startedAt ?? arrivedAt), output: output, fault: fault))
            state.written = state.status
            return true
        }
    }

    private func note(_ state: State, completedAt: Date?, output: CallPayload?, fault: Fault?) -> CallNote {
        CallNote(
            call: self,
            isFirst: state.written == nil,
            status: state.status,
            startedAt: state.startedAt,
            completedAt: completedAt,
            provider: state.provider,
            output: output,
            fault: fault,
            values: subject.kind == .subscription ? state.values : nil
        )
    }
}

extension CallOutcome {
    /// What this end means for a call that was to be stopped.
    fileprivate var finding: StopFinding {
        switch self {
        case .answered, .ended: StopFinding(.finishedFirst)
        case .failed(let fault): StopFinding(of: fault)
        }
    }
}

/// What the graph is to be told of a call: a snapshot.
struct CallNote: Sendable {
    let call: OpenCall
    /// Whether there is no node of it yet.
    let isFirst: Bool
    let status: CallStatus
    let startedAt: Date?
    let completedAt: Date?
    let provider: CallProvider?
    let output: CallPayload?
    let fault: Fault?
    let values: Int?

    /// About what it weighs while it waits.
    var weight: Int { 512 + (isFirst ? call.input?.weight ?? 0 : 0) + (output?.weight ?? 0) }
}
