import Crypto
import Foundation
public import Logging
public import Postgres
public import Protocol

/// Applies spokes' journals: each record exactly once, in order, whatever is sent again.
///
/// A spoke's mark moves in the transaction that applies its records, by an update that is guarded with where the mark
/// must stand and which incarnation may move it. So a batch applied twice, an overlapping one, one from a replaced
/// process and one that lost a record on the way are all the same case: the guard does not hold, and the truth is read.
public struct JournalStore: Sendable {
    let database: Database
    let bell: any Bell
    let logger: Logger

    public init(database: Database, bell: some Bell, logger: Logger) {
        self.database = database
        self.bell = bell
        self.logger = logger
    }

    /// Tries before a spoke's batch is given back because its mark moved under every one of them.
    private static let rounds = 4

    /// Applies batches of any number of spokes as one group commit and rings the bell for what they brought.
    ///
    /// Answers one verdict per batch, in order. Batches of one spoke must come in the order of their records.
    /// - Throws: `UNAVAILABLE` and the like, when nothing was applied and all may be sent again.
    public func apply(_ batches: [JournalBatch]) async throws(Fault) -> [JournalVerdict] {
        var verdicts = [JournalVerdict?](repeating: nil, count: batches.count)
        var open = Array(batches.indices)
        var marks: [SpokeID: KnownMark]?
        for _ in 0..<Self.rounds where !open.isEmpty {
            let groups = Self.grouped(open, batches, marks, &verdicts)
            var delivery = JournalDelivery()
            for group in groups { delivery.add(group.batch) }
            let moved = delivery.isEmpty ? [:] : try await commit(delivery)
            for group in groups {
                guard let last = group.batch.records.last, moved[group.batch.spokeId] != nil else { continue }
                for index in group.members { verdicts[index] = .applied(StreamMark(after: last)) }
            }
            open = open.filter { verdicts[$0] == nil }
            if !open.isEmpty { marks = try await read(open.map { batches[$0].spokeId }) }
        }
        for index in open {
            guard let mark = marks?[batches[index].spokeId] else { throw Self.contention }
            verdicts[index] = mark.incarnation == batches[index].incarnation ? .rewind(mark.mark) : .fenced
        }
        return verdicts.map { $0 ?? .fenced }
    }

    private static let contention = Fault(
        .unavailable,
        "The journal moved under every attempt to apply it; send the batch again.",
        details: ["retryAfterMilliseconds": 100]
    )

    private struct Group {
        var batch: JournalBatch
        var members: [Int]
    }

    /// At most one batch per spoke, joined from those that follow each other; what the marks decide at once is decided.
    private static func grouped(
        _ open: [Int],
        _ batches: [JournalBatch],
        _ marks: [SpokeID: KnownMark]?,
        _ verdicts: inout [JournalVerdict?]
    ) -> [Group] {
        var groups: [SpokeID: Group] = [:]
        var order: [SpokeID] = []
        var closed: Set<SpokeID> = []
        for index in open {
            let batch = batches[index]
            if closed.contains(batch.spokeId) { continue }
            if let group = groups[batch.spokeId] {
                if let joined = group.batch.joined(with: batch) {
                    groups[batch.spokeId] = Group(batch: joined, members: group.members + [index])
                } else {
                    closed.insert(batch.spokeId)
                }
                continue
            }
            switch prepared(batch, marks) {
            case .ready(let ready):
                groups[batch.spokeId] = Group(batch: ready, members: [index])
                order.append(batch.spokeId)
            case .decided(let verdict): verdicts[index] = verdict
            case .unclear: continue
            }
        }
        return order.compactMap { groups[$0] }
    }

    private enum Preparation {
        case ready(JournalBatch)
        case decided(JournalVerdict)
        case unclear
    }

    private static func prepared(_ batch: JournalBatch, _ marks: [SpokeID: KnownMark]?) -> Preparation {
        guard let marks else {
            guard let after = batch.after, !batch.records.isEmpty, batch.continues(after) else { return .unclear }
            return .ready(batch)
        }
        guard let known = marks[batch.spokeId], known.incarnation == batch.incarnation else { return .decided(.fenced) }
        let rest = batch.behind(known.mark)
        if rest.records.isEmpty { return .decided(.applied(known.mark)) }
        return rest.continues(known.mark) ? .ready(rest) : .decided(.rewind(known.mark))
    }

    private func read(_ spokes: [SpokeID]) async throws(Fault) -> [SpokeID: KnownMark] {
        let rows = try await database.query(SQL.marks, [spokes])
        return Dictionary(rows.map { ($0.spokeId, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension JournalBatch {
    /// This batch with the other at its end, if that is where the other belongs.
    fileprivate func joined(with other: JournalBatch) -> JournalBatch? {
        guard let last = records.last, other.incarnation == incarnation else { return nil }
        let end = StreamMark(after: last)
        guard let first = other.records.first, first.seq == end.seq + 1, other.continues(end) else { return nil }
        var joined = self
        joined.records += other.records
        joined.isVerified = true
        return joined
    }
}
