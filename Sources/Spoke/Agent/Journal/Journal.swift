import Foundation
public import GRDB
public import Protocol
public import SpokeCore
import Synchronization

/// Everything a spoke must not forget, in order, until the hub has it.
///
/// Group commit: what is appended while a commit runs is the next commit; a single append commits at once. When an
/// append returns, it is on the disk. Every byte that goes in passes the redactor first.
public actor Journal {
    public let database: SpokeDatabase
    public let limits: JournalLimits
    /// One element, at most, waits here whenever records were appended since the last one was taken.
    public nonisolated let appended: AsyncStream<Void>

    let bell: AsyncStream<Void>.Continuation
    let clock: @Sendable () -> Int64
    let ballast: Ballast
    var ledger: JournalLedger
    let secrets: Mutex<SecretPatterns>
    var outputs: [OutputKey: OutputState] = [:]
    let queue = CommitQueue()

    /// Goes on where the journal ended; what was found damaged while opening the file becomes its first records.
    ///
    /// - Parameter clock: milliseconds since 1970, for records' `at`; the system's if absent.
    /// - Fails with `unavailable` if the file cannot be written.
    public init(
        _ database: SpokeDatabase,
        limits: JournalLimits = .init(),
        secrets: SecretPatterns = .none,
        clock: (@Sendable () -> Int64)? = nil
    ) async throws(Fault) {
        self.database = database
        self.limits = limits
        self.clock = clock ?? { Date().milliseconds }
        self.secrets = Mutex(secrets)
        self.ballast = Ballast(beside: database.path, bytes: limits.ballastBytes)
        (self.appended, self.bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let known = database.markFile?.current
        let opened = await database.access { db in
            try JournalLedger.open(in: db, known: known, limits: limits)
        }
        switch opened {
        case .success(let found):
            self.ledger = found
            database.markFile?.advance(to: found.epoch)
            database.markFile?.sent(upTo: found.floor)
            ballast.fill()
            if !database.findings.isEmpty { try await append(database.findings) }
        case .failure(let error):
            throw Fault(database: error)
        }
    }

    /// Where the journal stands.
    public var state: JournalState {
        JournalState(
            epoch: ledger.epoch,
            first: ledger.base.wire + 1,
            next: ledger.wireNext,
            headHash: ledger.head,
            acknowledged: StreamMark(
                epoch: ledger.epoch,
                seq: ledger.base.wire,
                hash: ledger.base.wireHash
            ),
            bytes: ledger.bytes
        )
    }

    /// Appends records, and whatever `with` writes to other tables, as one: both or neither, durable on return.
    ///
    /// - Returns: the mark of the last record. Its number may get smaller later, never greater, if unsent output
    ///   before it is dropped.
    /// - Fails with `unavailable` while the disk refuses; with the fault that `with` throws.
    @discardableResult
    public nonisolated func append(
        _ drafts: [JournalDraft],
        with: (@Sendable (Database) throws -> Void)? = nil
    ) async throws(Fault) -> StreamMark {
        let patterns = self.patterns
        let redacted =
            patterns.isEmpty
            ? drafts
            : drafts.map { draft in
                var draft = draft
                draft.payload = RecordRedaction.redact(draft.payload, with: patterns)
                return draft
            }
        let now = clock()
        let weight = redacted.reduce(0) { $0 + $1.payload.count }
        return try await commit(.state(weight)) { ledger, db in
            try with?(db)
            try ledger.append(redacted, at: now, in: db)
        }
    }

    /// Writes to other tables, in the same lane and under the same promise as ``append(_:with:)``.
    public nonisolated func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws(Fault) {
        _ = try await commit(.state(0)) { _, db in try body(db) }
    }

    /// The same, with an answer.
    nonisolated func writing<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(Fault) -> Value {
        try await perform(.state(0)) { _, db in try body(db) }.value
    }

    /// Records behind `seq`, oldest first, for the link to send; at least one if there is any. What was handed out
    /// counts as sent: it will not change any more.
    ///
    /// - Fails with `conflict` for a `seq` that is acknowledged already or not yet written: resume from the hub's mark.
    public func records(
        after seq: Int64,
        maxRecords: Int = Limits.batchRecords,
        maxBytes: Int = Limits.batchBytes
    ) async throws(Fault) -> [StreamRecord] {
        let (records, _) = try await perform(.look) { ledger, db in
            let found = try ledger.records(after: seq, maxRecords: maxRecords, maxBytes: maxBytes, in: db)
            ledger.floor = max(ledger.floor, found.last)
            return found.records
        }
        database.markFile?.sent(upTo: ledger.floor)
        return records
    }

    /// Deletes what the hub has durably applied.
    ///
    /// - Fails with `conflict` for a mark that is not of this journal: ``resume(from:)`` sorts that out.
    public func acknowledged(upTo mark: StreamMark) async throws(Fault) {
        // Most acknowledgements are of records long gone: those cost nothing.
        if mark.epoch == ledger.epoch, mark.seq <= ledger.base.wire { return }
        _ = try await perform(.state(0)) { ledger, db in try ledger.acknowledge(mark, in: db) }
        ballast.fill()
    }

    /// The same, for a position on the wire: what the hub says over a link that both ends agreed on.
    public func acknowledged(epoch: Int64, upTo seq: Int64) async throws(Fault) {
        if epoch == ledger.epoch, seq <= ledger.base.wire { return }
        _ = try await perform(.state(0)) { ledger, db in
            let hash = try ledger.place(of: seq, in: db).hash
            try ledger.acknowledge(StreamMark(epoch: epoch, seq: seq, hash: hash), in: db)
        }
        ballast.fill()
    }

    /// What must not leave this machine, for those who hide it themselves.
    nonisolated var patterns: SecretPatterns { secrets.withLock { $0 } }

    /// What a process of a session asks of the hub does not go through the journal; its secrets are hidden here.
    func redacted(asked value: JSONValue) -> JSONValue {
        let patterns = self.patterns
        return patterns.isEmpty ? value : RecordRedaction.redact(asked: value, with: patterns)
    }

    /// From here on, secrets are these. Output that is held back at this moment is judged by the new ones too.
    public func protect(_ patterns: SecretPatterns) {
        secrets.withLock { $0 = patterns }
        for key in outputs.keys { outputs[key]?.redactor.use(patterns) }
    }
}
