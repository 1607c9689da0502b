import Foundation
import HubCore
import HubDomains
import Logging
import Protocol
import Synchronization

/// The operations as every door runs them: metered, bounded in time, counted, and refused while the hub drains.
struct CallDesk: Sendable {
    let operations: OperationTable
    let recorder: CallRecorder
    /// The way to operations that spokes offer.
    let router: CallRouter
    /// The way to operations that clients' web services offer.
    let clients: ClientRouter
    let metrics: HubMetrics
    let limiter: RateLimiter
    let drain: DrainSwitch
    /// Who answers the hub's own operations: this process.
    let provider: CallProvider
    let logger: Logger

    /// Operations that begin new work and so are not taken on a hub that is about to leave.
    private static let beginsWork: Set<String> = ["coord.spawn", "session.resume"]

    /// One query or mutation. `deadline` is how long its caller waits.
    ///
    /// - Fails with `timeout` when that is over; otherwise as the operation does.
    func call(_ name: String, _ input: JSONValue, by caller: Caller, deadline: Duration?) async throws(Fault) -> Answer
    {
        try await call(called(name, by: caller), input, by: caller, deadline: deadline)
    }

    /// The same for what is known already.
    func call(
        _ called: Called,
        _ input: JSONValue,
        by caller: Caller,
        deadline: Duration?
    ) async throws(Fault) -> Answer {
        try await counted(called) { () async throws(Fault) in
            let name = called.name
            try meter(caller)
            if Self.beginsWork.contains(name) { try drain.check() }
            let wait = min(deadline ?? Limits.callDeadline, Limits.callDeadlineLongest)
            let caller = caller.waiting(wait)
            let outcome = { @Sendable (answer: Answer) in CallOutcome.answered(answer.data) }
            return try await recorded(called, input, by: caller, outcome: outcome) { (call) async throws(Fault) in
                let caller = caller.recorded(as: call)
                if let way = called.way {
                    return try await routed(way, input, by: caller, wait, of: call)
                }
                let isMutation = called.subject?.kind == .mutation
                return try await bounded(name, wait, isMutation) { () async throws(Fault) in
                    try await detached(isMutation ? call : nil) { () async throws(Fault) in
                        try await operations.call(name, input: input, by: caller) { () async throws(Fault) in
                            if let call { try await recorder.dispatch(call, to: provider, isDetached: isMutation) }
                        }
                    }
                }
            }
        }
    }

    /// One subscription, until its natural end. Cancelling the task ends it; `deliver` holds it back.
    ///
    /// - Parameter deadline: how long its consumer wants values at most; for ever if it does not say.
    /// - Fails with `timeout` when that is over, or when there was no value for the caller's idle time.
    func subscribe(
        _ name: String,
        _ input: JSONValue,
        by caller: Caller,
        lastEventId: String?,
        deadline: Duration? = nil,
        deliver: @escaping @Sendable (StreamedValue) async throws(Fault) -> Void
    ) async throws(Fault) {
        metrics.subscriptionsOpen.add(1, ordering: .relaxed)
        defer { metrics.subscriptionsOpen.subtract(1, ordering: .relaxed) }
        let called = called(name, by: caller)
        try await counted(called) { () async throws(Fault) in
            try meter(caller)
            let outcome = { @Sendable (_: Void) in CallOutcome.ended }
            try await recorded(called, input, by: caller, outcome: outcome) { (call) async throws(Fault) in
                let caller = caller.recorded(as: call)
                try await witness(called, input, by: caller)
                let taken = { @Sendable (value: StreamedValue) async throws(Fault) in
                    try await deliver(value)
                    call?.delivered()
                }
                try await within(deadline, name) { () async throws(Fault) in
                    if let way = called.way {
                        try await followed(way, input, by: caller, lastEventId: lastEventId, of: call, deliver: taken)
                    } else {
                        try await told(name, input, by: caller, lastEventId: lastEventId, of: call, deliver: taken)
                    }
                }
            }
        }
    }

    func counted<Value>(
        _ called: Called,
        since began: ContinuousClock.Instant = .now,
        _ work: () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        metrics.callsOpen.add(1, ordering: .relaxed)
        defer { metrics.callsOpen.subtract(1, ordering: .relaxed) }
        func ended(failing code: Fault.Code? = nil) {
            let seconds = Double((ContinuousClock.now - began).nanoseconds) / 1_000_000_000
            metrics.callEnded(called.subject?.operationId ?? "unknown", failing: code, seconds: seconds)
        }
        do {
            let value = try await work()
            ended()
            return value
        } catch {
            ended(failing: error.code)
            throw error
        }
    }

    private func bounded(
        _ name: String,
        _ wait: Duration,
        _ isMutation: Bool,
        _ work: @escaping @Sendable () async throws(Fault) -> Answer
    ) async throws(Fault) -> Answer {
        try await withDeadline(
            wait,
            late: "\(name) did not end within \(wait.milliseconds) ms; allow more time.",
            left: "The caller left before \(name) ended."
        ) { () async throws(Fault) in
            isMutation ? try await MutationRunner.finish(work) : try await work()
        }
    }
}

/// What is called: as a caller named it, and who answers it.
struct Called: Sendable {
    let name: String
    /// What the call graph has of it; `nil` for what nobody offers.
    let subject: CallSubject?
    /// Where the call goes if somebody else answers it. The hub's own operations are never taken elsewhere.
    var way: CallDesk.Way?

    /// Runs the call where its connection lives if that holds nobody up there, and elsewhere if it may take its time.
    ///
    /// - Parameter work: Told whether it runs on the connection's executor.
    func run<Value>(
        with input: JSONValue,
        _ work: (_ isBrief: Bool) async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        if isBrief(with: input) { return try await work(true) }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) { () async throws(Fault) in
            try await work(false)
        }
    }

    /// Whether nothing of it can hold an event loop up: a query that a spoke answers, with little to check. Where there
    /// are several versions, which of them is checked is not known yet.
    private func isBrief(with input: JSONValue) -> Bool {
        guard case .spoke(let route)? = way, route.kind == .query, !route.hasVersions else { return false }
        return route.contract.isQuick && !input.isSurelyLarger(than: Limits.callPayloadBytes)
    }
}

extension Principal {
    /// What the rate is counted by: the key if there is one, else whoever vouches.
    var rateKey: String { keyId?.rawValue ?? sessionId?.rawValue ?? spokeId?.rawValue ?? accountId.rawValue }
}

extension Caller {
    /// The same caller under the id by which the call graph has the call: what the call triggers names that one.
    fileprivate func recorded(as call: OpenCall?) -> Caller {
        guard let call else { return self }
        var caller = self
        caller.requestId = call.requestId
        caller.callId = call.id
        return caller
    }

    /// The same caller, who waits this long from here on.
    fileprivate func waiting(_ wait: Duration) -> Caller {
        var caller = self
        caller.deadline = Date(timeIntervalSinceNow: Double(wait.milliseconds) / 1_000)
        return caller
    }
}
