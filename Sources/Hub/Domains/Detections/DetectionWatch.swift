import HubCore
import Postgres
public import Protocol
import Synchronization

/// Looks for anomalies and stores what it finds; it never acts on a session.
///
/// A look at one session is ``AnomalyLook``, which decides, between a statement that reads and one that writes.
public struct DetectionWatch: Sendable {
    let database: Database
    /// What this process looked at and found.
    public let counts = DetectionCounts()

    var store: DetectionStore { DetectionStore(database: database) }

    /// Sessions of one page: a page is one statement that reads, and at most two that write.
    static let page = 1_000

    /// What a look at some sessions came to.
    struct Looked: Sendable {
        var sessions = 0
        var found: [SessionFinding] = []
        var settled: [SettledDetection] = []
        var stored: [DetectionStore.RaisedDetection] = []
    }

    /// One round over everything that runs, unless another hub is at it; answers how many sessions were looked at.
    ///
    /// Every hub of the database makes its rounds. What lasts is counted once per interval all the same: a round that
    /// follows another hub's within nine tenths of it, which leaves room for a late one, leaves that as it is.
    @discardableResult
    public func lookAtAll() async throws(Fault) -> Int {
        let rest = Limits.detectionRound * 9 / 10
        let thresholds = try await thresholds()
        let begun = ContinuousClock.now
        var (sessions, last): (Int, SessionID?) = (0, SessionID(""))
        while let after = last, !Task.isCancelled {
            guard let page = try await lookOn(after: after, by: thresholds, rest) else { break }
            sessions += page.looked.sessions
            counts.note(page.looked.stored)
            last = page.last
        }
        counts.round(seconds: (ContinuousClock.now - begun).seconds)
        counts.open(try await database.query(DetectionStore.SQL.openByType))
        return sessions
    }

    /// One page of a round, and the session that it ended with if there may be more; `nil` if another hub is at it.
    private func lookOn(
        after: SessionID,
        by thresholds: DetectionThresholds,
        _ rest: Duration
    ) async throws(Fault) -> (looked: Looked, last: SessionID?)? {
        let (store, types) = (store, [AnomalyType.sessionStall, .spokeLost, .quotaExhausted].map(\.rawValue))
        struct Page: Sendable {
            var looked: Looked
            var last: SessionID?
        }
        // The lock ends with the page's transaction: whoever dies lets go of it.
        let page = try await database.transaction { transaction async throws(Fault) -> Page? in
            guard try await transaction.first(DetectionStore.SQL.lock) == true else { return nil }
            let ids = try await transaction.query(DetectionStore.SQL.next, [after, Self.page, types])
            let sessions = ids.map { SessionID($0) }
            let looked = try await look(at: sessions, by: thresholds, store, notWithin: rest, in: transaction)
            return Page(looked: looked, last: ids.count == Self.page ? sessions.last : nil)
        }
        return page.map { ($0.looked, $0.last) }
    }

    /// A look at these sessions; answers what was found, whether or not it is stored.
    func look(at sessions: [SessionID], isDry: Bool = false) async throws(Fault) -> Looked {
        let (thresholds, store) = (try await thresholds(), store)
        var all = Looked()
        for start in stride(from: 0, to: sessions.count, by: Self.page) {
            let some = Array(sessions[start..<min(start + Self.page, sessions.count)])
            let looked =
                isDry
                ? Self.judge(try await store.signs(of: some), by: thresholds)
                : try await database.transaction { transaction async throws(Fault) -> Looked in
                    try await look(at: some, by: thresholds, store, notWithin: .zero, in: transaction)
                }
            all.sessions += looked.sessions
            all.found += looked.found
            all.settled += looked.settled
            all.stored += looked.stored
        }
        counts.note(all.stored)
        return all
    }

    private func look(
        at sessions: [SessionID],
        by thresholds: DetectionThresholds,
        _ store: DetectionStore,
        notWithin rest: Duration,
        in transaction: Transaction
    ) async throws(Fault) -> Looked {
        guard !sessions.isEmpty else { return Looked() }
        let signs = try await transaction.query(DetectionStore.SQL.signs, [sessions]).map(\.signs)
        var looked = Self.judge(signs, by: thresholds)
        looked.stored = try await store.raise(looked.found.filter(\.finding.isFresh), notWithin: rest, in: transaction)
        try await store.settle(looked.settled, in: transaction)
        return looked
    }

    private static func judge(_ signs: [SessionSigns], by thresholds: DetectionThresholds) -> Looked {
        var looked = Looked(sessions: signs.count)
        for one in signs {
            let verdict = AnomalyLook.verdict(on: one, by: thresholds)
            looked.found += verdict.findings.map { SessionFinding(one.sessionId, $0) }
            looked.settled += verdict.settled
        }
        return looked
    }

    private func thresholds() async throws(Fault) -> DetectionThresholds {
        DetectionThresholds(try await SettingStore(database: database).value(of: DetectionThresholds.key))
    }
}

/// What this process looked at and found, for `/metrics`.
public final class DetectionCounts: Sendable {
    private struct State {
        var raised: [String: Int] = [:]
        var open: [String: Int] = [:]
        var rounds = 0
        var seconds = 0.0
    }

    private let state = Mutex(State())

    /// Detections that this process raised, by type.
    public var raised: [String: Int] { state.withLock { $0.raised } }
    /// Detections that are open in the database, by type, as of this process's last round.
    public var open: [String: Int] { state.withLock { $0.open } }
    /// Rounds over all sessions, and the seconds that they took together.
    public var rounds: (count: Int, seconds: Double) { state.withLock { ($0.rounds, $0.seconds) } }

    func note(_ stored: [DetectionStore.RaisedDetection]) {
        state.withLock { state in
            for one in stored where one.isNew { state.raised[one.record.anomalyType, default: 0] += 1 }
        }
    }

    func round(seconds: Double) {
        state.withLock { state in
            state.rounds += 1
            state.seconds += seconds
        }
    }

    func open(_ counts: [DetectionStore.OpenCount]) {
        state.withLock { state in
            // A type of which nothing is open any more stays, at nothing.
            for type in state.open.keys { state.open[type] = 0 }
            for count in counts { state.open[count.type] = count.open }
        }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
