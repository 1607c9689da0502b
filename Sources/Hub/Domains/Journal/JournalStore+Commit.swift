import Crypto
import Foundation
import Logging
import Postgres
import Protocol

extension JournalStore {
    /// What a commit brought, for whoever waits.
    struct News {
        var keys: Set<String> = []
    }

    /// Commits what a group of batches holds and answers which spokes' marks moved.
    func commit(_ delivery: JournalDelivery) async throws(Fault) -> [SpokeID: Moved] {
        do {
            return try await commitSwiftly(delivery)
        } catch {
            guard Self.isOfTheRecords(error) else { throw error }
            // One record of one spoke is to blame: find it, without holding up the others.
            logger.warning("a journal batch failed and is applied record by record", metadata: ["fault": "\(error)"])
        }
        var moved: [SpokeID: Moved] = [:]
        for batch in delivery.batches {
            var single = JournalDelivery()
            single.add(batch)
            moved.merge(try await commitCarefully(single)) { _, new in new }
        }
        return moved
    }

    /// Whether sending the same again would fail again.
    private static func isOfTheRecords(_ fault: Fault) -> Bool {
        ![.unavailable, .timeout, .aborted].contains(fault.code)
    }

    /// Output alone is one statement; with states it is one transaction.
    private func commitSwiftly(_ delivery: JournalDelivery) async throws(Fault) -> [SpokeID: Moved] {
        var news = News()
        let rows: [Moved]
        if delivery.states.isEmpty && delivery.refusals.isEmpty {
            rows = try await database.query(SQL.moveAndPrint, delivery.moveValues + delivery.outputValues)
        } else {
            (rows, news) = try await database.transaction { transaction async throws(Fault) -> ([Moved], News) in
                let rows = try await transaction.query(SQL.moveAndPrint, delivery.moveValues + delivery.outputValues)
                var news = News()
                let moved = Set(rows.map(\.spokeId))
                for state in delivery.states where moved.contains(state.spoke) {
                    try await StateStore.apply(state, in: transaction, news: &news.keys)
                }
                for refusal in delivery.refusals where moved.contains(refusal.spoke) {
                    try await refuse(refusal, in: transaction)
                }
                return (rows, news)
            }
        }
        try await finish(rows, delivery, news)
        return Dictionary(rows.map { ($0.spokeId, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The same for one spoke, with every record behind a savepoint of its own: what fails is told and skipped.
    private func commitCarefully(_ delivery: JournalDelivery) async throws(Fault) -> [SpokeID: Moved] {
        let (rows, news) = try await database.transaction { transaction async throws(Fault) -> ([Moved], News) in
            var news = News()
            let rows = try await transaction.query(
                SQL.moveAndPrint,
                delivery.moveValues + JournalDelivery().outputValues
            )
            guard !rows.isEmpty, let batch = delivery.batches.first else { return (rows, news) }
            for record in batch.records {
                var keys = news.keys
                let fault = try await attempt(in: transaction) { () async throws(Fault) in
                    try await applyAlone(record, of: batch, in: transaction, news: &keys)
                }
                news.keys = keys
                guard let fault else { continue }
                let why = "It could not be applied: \(fault.message)"
                try await refuse(.init(spoke: batch.spokeId, record: record, why: why), in: transaction)
            }
            return (rows, news)
        }
        try await finish(rows, delivery, news)
        return Dictionary(rows.map { ($0.spokeId, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func applyAlone(
        _ record: StreamRecord,
        of batch: JournalBatch,
        in transaction: Transaction,
        news: inout Set<String>
    ) async throws(Fault) {
        var single = JournalDelivery()
        single.add(
            JournalBatch(spokeId: batch.spokeId, incarnation: batch.incarnation, after: batch.after, records: [record])
        )
        if single.hasOutput {
            try await transaction.execute(SQL.printAlone, [batch.spokeId] + single.outputValues.dropFirst())
        }
        for state in single.states { try await StateStore.apply(state, in: transaction, news: &news) }
        for refusal in single.refusals { try await refuse(refusal, in: transaction) }
    }

    /// Runs a deed behind a savepoint; answers the fault that undid it. What would fail for every record is thrown.
    private func attempt(
        in transaction: Transaction,
        _ deed: () async throws(Fault) -> Void
    ) async throws(Fault) -> Fault? {
        try await transaction.execute(SQL.savepoint)
        do {
            try await deed()
        } catch {
            guard Self.isOfTheRecords(error) else { throw error }
            try await transaction.execute(SQL.rollback)
            return error
        }
        try await transaction.execute(SQL.release)
        return nil
    }

    private func refuse(_ refusal: JournalDelivery.Refusal, in transaction: Transaction) async throws(Fault) {
        let digest = SHA256.hash(data: refusal.record.payload).map { String(format: "%02x", $0) }.joined()
        let note = AlertNote(
            severity: .error,
            kind: "journal.payload",
            source: "spoke:\(refusal.spoke)",
            message: "Journal record \(refusal.record.seq) was skipped. \(refusal.why)",
            context: [
                "epoch": .integer(refusal.record.epoch), "seq": .integer(refusal.record.seq),
                "type": .string(AlertStore.cleaned(refusal.record.type, Limits.recordTypeBytes)),
                "bytes": .integer(Int64(refusal.record.payload.count)), "sha256": .string(digest),
            ]
        )
        try await AlertStore.raise(note, in: transaction)
    }

    /// Behind the commit: alerts for output of sessions that do not exist, sessions that are proven lost, the bell.
    private func finish(_ rows: [Moved], _ delivery: JournalDelivery, _ news: News) async throws(Fault) {
        var keys = news.keys.union(delivery.printing.map(\.rawValue))
        for row in rows where !row.strangers.isEmpty || row.isDue {
            do {
                for session in Set(row.strangers) { try await AlertStore.raise(stranger(session, row), in: database) }
                if row.isDue { keys.formUnion(try await SettleStore(database: database).settle(row.spokeId)) }
            } catch {
                // The records are applied all the same; the next batch or hello settles what is owed.
                logger.warning("could not settle after a journal batch", metadata: ["fault": "\(error)"])
            }
        }
        bell.ring(keys)
    }

    private func stranger(_ session: String, _ row: Moved) -> AlertNote {
        AlertNote(
            severity: .warning,
            kind: "journal.session",
            source: "spoke:\(row.spokeId)",
            message: "It sent output of session \(session), which is not known to run there; the output was dropped.",
            context: ["sessionId": .string(session)],
            dedupKey: "journal.session:\(row.spokeId):\(session)"
        )
    }
}
