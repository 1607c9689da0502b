import Foundation
import HubCore
import Logging
import Postgres
public import Protocol
public import Synchronization

/// Writes the call graph: mutations before they are dispatched, everything else behind the answer.
///
/// Two writers share the work. `ahead` commits the nodes of mutations that nobody called from within another call:
/// their callers wait for it. `behind` takes all else in one lane, so that a node is there before its changes and a
/// parent before its children, and nobody waits. While the database is away `behind` keeps what it was told, as much as
/// ``Limits/callRecordsWaiting`` and ``Limits/callRecordBytesWaiting`` allow; what comes on top is dropped and counted.
///
///     async let running: Void = recorder.run()
///     let call = try await recorder.open(subject, input: .value(input), by: caller, waits: true)
///     …
///     try await recorder.dispatch(call, to: provider)
///     …
///     recorder.close(call, .answered(data))
public final class CallRecorder: Sendable {
    /// The calls under way.
    public let running = RunningCalls()
    /// What was written and what was not, for metrics.
    public let counts = CallRecorderCounts()
    private let hub: HubID
    private let store: CallStore
    private let settings: SettingStore
    private let levels = Mutex(RecordingLevels())
    private let ahead: GroupWriter<CallNote, Bool>
    private let behind: GroupWriter<CallNote, Bool>
    private let settled = ProcessBell()
    private let logger: Logger

    /// - Parameter hub: This process, under which its calls are found when it is gone.
    init(store: CallStore, settings: SettingStore, hub: HubID, logger: Logger) {
        self.hub = hub
        self.store = store
        self.settings = settings
        self.logger = logger
        let scribe = CallScribe(store: store, hub: hub, counts: counts, logger: logger)
        ahead = GroupWriter(lanes: 1, maxItems: 500, weigh: \.weight) { (notes) async throws(Fault) -> Bool in
            try await scribe.write(notes, patiently: false)
            return true
        }
        behind = GroupWriter(
            lanes: 1,
            maxItems: 1_000,
            capacity: Limits.callRecordsWaiting,
            weigh: \.weight,
            rest: Limits.callRecordsRest
        ) { (notes) async throws(Fault) -> Bool in
            try await scribe.write(notes, patiently: true)
            return true
        }
    }

    /// Writes until ``finish()`` was called and all is written, or the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.ahead.run() }
            group.addTask { await self.behind.run() }
        }
    }

    /// Takes no more; ``run()`` returns when what was taken is written.
    public func finish() {
        ahead.finish()
        behind.finish()
    }

    /// A call came in and, unless it waits, is handed to whoever answers it: then a mutation's node is committed before
    /// this returns.
    ///
    /// - Parameter waits: It is not handed to anyone yet: it stays pending until ``dispatch(_:to:isDetached:)``.
    /// - Fails with `unavailable` if a mutation cannot be written down, with `timeout` if that took until its deadline:
    ///   then it must not be dispatched, and is closed already.
    public func open(
        _ subject: CallSubject,
        input: CallPayload?,
        by caller: Caller,
        waits: Bool = false
    ) async throws(Fault) -> OpenCall {
        let now = Date()
        let level = levels.withLock { $0 }.level(of: subject.operationId)
        let call = running.enter(subject, input: input, caller: caller, level: level, at: now)
        // The parent's node must be there before the child's.
        call.parent?.news(submit)
        if !waits { try await dispatch(call) }
        return call
    }

    /// A call is handed to whoever answers it. A mutation's node is committed before this returns.
    ///
    /// - Parameters:
    ///   - provider: Who answers it.
    ///   - isDetached: From here on it goes to its end whoever leaves: whoever runs it closes it, not whoever waits.
    /// - Fails with what ended it if it is over, with `unavailable` if a mutation cannot be written down, with
    ///   `timeout` if that took until its deadline: then it must not be begun, and is closed already.
    public func dispatch(
        _ call: OpenCall,
        to provider: CallProvider? = nil,
        isDetached: Bool = false
    ) async throws(Fault) {
        guard call.dispatch(to: provider, isDetached: isDetached, at: Date(), submit) else {
            throw call.abortion ?? Fault(.aborted, "The call was over before it was begun.")
        }
        try await commitAhead(call)
        call.handOver()
    }

    /// Whoever waited for a call waits no longer: it is over, unless it was detached.
    public func leave(_ call: OpenCall, _ outcome: CallOutcome) {
        guard call.finish(outcome, at: Date(), unlessDetached: true, submit) else { return }
        running.leave(call)
    }

    /// A call is over, one way or the other. The first word on it counts; nobody waits for it to be written.
    public func close(_ call: OpenCall, _ outcome: CallOutcome) {
        _ = call.finish(outcome, at: Date(), submit)
        running.leave(call)
    }

    private func commitAhead(_ call: OpenCall) async throws(Fault) {
        guard call.level.writesAhead(call.subject.keptAs), let news = call.news() else { return }
        do throws(Fault) {
            _ = try await news.isFirst && call.parentId == nil ? ahead.append(news) : behind.append(news)
        } catch {
            close(call, .failed(error))
            throw Fault(
                .unavailable,
                "The call could not be written down and was not begun; try again.",
                details: error.details ?? ["retryAfterMilliseconds": 1_000]
            )
        }
        guard let deadline = call.caller.deadline, deadline <= Date() else { return }
        let late = Fault(.timeout, "The database took until the deadline to note the call; it was not begun.")
        close(call, .failed(late))
        throw late
    }

    private func submit(_ note: CallNote) {
        let (weight, counts, settled) = (note.weight, counts, settled)
        counts.waiting.add(1, ordering: .relaxed)
        counts.submitted.add(1, ordering: .relaxed)
        let waiting = counts.waitingBytes.add(weight, ordering: .relaxed).newValue
        let done: @Sendable (Bool) -> Void = { isWritten in
            counts.waitingBytes.subtract(weight, ordering: .relaxed)
            counts.waiting.subtract(1, ordering: .relaxed)
            if !isWritten { counts.dropped.add(1, ordering: .relaxed) }
            counts.done.add(1, ordering: .releasing)
            if counts.readers.load(ordering: .relaxed) > 0 { settled.ring([Self.settledKey]) }
        }
        guard waiting <= Limits.callRecordBytesWaiting else { return done(false) }
        behind.submit(note) { result in
            if case .success = result { done(true) } else { done(false) }
        }
    }

    private static let settledKey = "calls"
}

// Readers and housekeeping.
extension CallRecorder {
    /// How long a reader waits for what was said before it asked, while the database gets on.
    private static let patience = Duration.seconds(30)

    /// Returns when the graph holds what was over before this was asked, and the named call and all that have a parent
    /// as far as they have come. Soon, too, if the database is away: the reader finds out by itself.
    func caughtUp(with id: String? = nil) async {
        if let id {
            tell(of: running.all().filter { $0.parentId != nil || $0.requestId == id || $0.id.rawValue == id })
        }
        let mark = counts.submitted.load(ordering: .acquiring)
        guard counts.done.load(ordering: .acquiring) < mark else { return }
        counts.readers.add(1, ordering: .relaxed)
        defer { counts.readers.subtract(1, ordering: .relaxed) }
        behind.hurry()
        let (settled, counts) = (settled, counts)
        _ = await Waiting.value(settled, keys: [Self.settledKey], until: .now + Self.patience) { () -> Bool? in
            counts.done.load(ordering: .acquiring) >= mark || counts.isStuck.load(ordering: .relaxed) ? true : nil
        }
    }

    /// Writes down the calls that take longer than usual; a runner does so several times a second.
    public func tellOfLongOnes() {
        let before = Date(timeIntervalSinceNow: -Double(Limits.callUnwritten.milliseconds) / 1_000)
        tell(of: running.all().filter { $0.arrivedAt < before })
    }

    private func tell(of calls: [OpenCall]) {
        // Parents first: ids grow with time.
        for call in calls.sorted(by: { $0.id < $1.id }) { call.news(submit) }
    }

    /// Reads the recording levels, and ends in the graph what nobody runs any more; a runner does so every few seconds.
    public func tidy() async throws(Fault) {
        let setting = try await settings.value(of: Self.setting)
        levels.withLock { $0 = RecordingLevels(setting: setting) }
        // Who is not among these has been told of: if nothing waits either, the graph knows of its end. Calls of hubs
        // that are gone wait for nothing.
        let mine = running.all().map(\.id)
        let isTold = counts.waiting.load(ordering: .acquiring) == 0
        let ended = try await store.endOrphans(of: hub, running: isTold ? mine : nil)
        if ended > 0 { logger.notice("Calls whose hub is gone were ended.", metadata: ["calls": "\(ended)"]) }
    }

    /// The setting with the level of each namespace.
    static let setting = "calls.recording"

    /// Cancels a call that the graph says is aborted, if it runs here; answers the call if it did.
    func aborted(_ id: CallID) -> OpenCall? {
        guard let call = running.all().first(where: { $0.id == id }),
            call.abort(CallAbort.fault, policy: .abortDependents)
        else { return nil }
        return call
    }

    /// What became of aborted calls could not be written down; whoever aborted them was told all the same.
    func unproven(_ count: Int, _ fault: Fault) {
        logger.warning("Proofs of aborts are not written.", metadata: ["calls": "\(count)", "fault": "\(fault)"])
    }
}

/// What a recorder has done so far.
public final class CallRecorderCounts: Sendable {
    /// Nodes and changes of nodes that are in the database.
    public let written = Atomic<Int>(0)
    /// Those that were given up.
    public let dropped = Atomic<Int>(0)
    /// Batches that failed and were tried again.
    public let failures = Atomic<Int>(0)
    /// Those that wait to be written.
    public let waiting = Atomic<Int>(0)
    let waitingBytes = Atomic<Int>(0)
    let submitted = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let readers = Atomic<Int>(0)
    /// Whether the last batch failed and is being tried again.
    let isStuck = Atomic<Bool>(false)

    public init() {}
}
