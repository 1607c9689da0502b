import GRDB
import Protocol
import Synchronization

extension Journal {
    /// What a request is to the commit that carries it out.
    enum Kind: Sendable, Hashable {
        /// Must get in, also when the disk is full; so many bytes.
        case state(Int)
        /// Output, which can be read again later; so many bytes.
        case bulk(Int)
        /// Reads what is durable, behind the commit.
        case look

        var weight: Int {
            switch self {
            case .state(let bytes), .bulk(let bytes): bytes
            case .look: 0
            }
        }

        var isBulk: Bool { if case .bulk = self { true } else { false } }
    }

    typealias Work = @Sendable (inout JournalLedger, Database) throws -> Void

    struct Request: Sendable {
        var kind: Kind
        var work: Work
        /// `nil` while its owner makes the commit.
        var continuation: CheckedContinuation<Turn, Never>?
    }

    /// What someone who waited is told.
    enum Turn: Sendable {
        case done(Result<StreamMark, any Error>)
        /// The commit before is done: make the next one, yourself at its head.
        case lead
    }

    /// Has `body` done in a commit, together with whatever else is waiting then.
    ///
    /// Who finds nobody committing leads; who comes meanwhile waits, and the first of those leads next. So there is
    /// no task and no timer, and an idle journal costs nothing.
    nonisolated func perform<Value: Sendable>(
        _ kind: Kind,
        _ body: @escaping @Sendable (inout JournalLedger, Database) throws -> Value
    ) async throws(Fault) -> (value: Value, mark: StreamMark) {
        let answer = Answer<Value>()
        let mark = try await commit(kind) { ledger, db in answer.set(try body(&ledger, db)) }
        guard let value = answer.value else { preconditionFailure("Work that succeeded has answered.") }
        return (value, mark)
    }

    /// The same for work without an answer. Only who leads visits the actor: a thousand writers would otherwise meet
    /// there twice for every record.
    nonisolated func commit(_ kind: Kind, _ work: @escaping Work) async throws(Fault) -> StreamMark {
        let turn = await withCheckedContinuation { continuation in
            if queue.leads(Request(kind: kind, work: work, continuation: continuation)) {
                continuation.resume(returning: .lead)
            }
        }
        let result: Result<StreamMark, any Error>
        switch turn {
        case .done(let done): result = done
        case .lead: result = await lead()
        }
        switch result {
        case .success(let mark): return mark
        case .failure(let error): throw Fault(database: error)
        }
    }

    /// Carries out a batch, of which the first request is the caller's own.
    private func lead() async -> Result<StreamMark, any Error> {
        let batch = queue.takeBatch(limits)
        let (before, ballast) = (ledger, ballast)
        let outcome = await database.access { db in
            var commit = Commit(ledger: before, batch: batch, ballast: ballast)
            commit.run(in: db)
            return (ledger: commit.ledger, results: commit.results)
        }
        var results = [Result<StreamMark, any Error>]()
        switch outcome {
        case .success(let done): (ledger, results) = done
        case .failure(let error): results = batch.map { _ in .failure(error) }
        }
        if ledger.wireNext != before.wireNext { bell.yield() }
        // The next commit begins while those of this one are being told.
        queue.passOn()
        for (request, result) in zip(batch, results).dropFirst() {
            request.continuation?.resume(returning: .done(result))
        }
        return results[0]
    }
}

/// Who waits for the next commit of a journal, and whether someone is making one.
final class CommitQueue: Sendable {
    private struct State {
        var waiting: [Journal.Request] = []
        var leading = false
    }

    private let state = Mutex(State())

    /// Takes a request on.
    ///
    /// - Returns: whether nobody is committing. Then its owner is to make the commit, itself at its head, and its
    ///   continuation is forgotten here.
    func leads(_ request: Journal.Request) -> Bool {
        state.withLock { state in
            var request = request
            let leads = !state.leading
            if leads {
                state.leading = true
                request.continuation = nil
            }
            state.waiting.append(request)
            return leads
        }
    }

    /// What one commit takes together, at least one request.
    func takeBatch(_ limits: JournalLimits) -> [Journal.Request] {
        state.withLock { state in
            var (count, weight) = (0, 0)
            while count < min(state.waiting.count, limits.batchRequests) {
                weight += state.waiting[count].kind.weight
                if count > 0, weight > limits.batchBytes { break }
                count += 1
            }
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
    }

    /// The commit is made: the first of those who wait makes the next one.
    func passOn() {
        let next = state.withLock { state -> CheckedContinuation<Journal.Turn, Never>? in
            guard !state.waiting.isEmpty else {
                state.leading = false
                return nil
            }
            defer { state.waiting[0].continuation = nil }
            return state.waiting[0].continuation
        }
        next?.resume(returning: .lead)
    }
}

/// Where work in a commit leaves its answer for who asked.
private final class Answer<Value: Sendable>: Sendable {
    private let box = Mutex<Value?>(nil)
    var value: Value? { box.withLock { $0 } }
    func set(_ value: Value) { box.withLock { $0 = value } }
}

/// One commit: all writes in one transaction, then the reads. One request's error is its own.
private struct Commit {
    var ledger: JournalLedger
    let batch: [Journal.Request]
    let ballast: Ballast
    var results: [Result<StreamMark, any Error>]

    init(ledger: JournalLedger, batch: [Journal.Request], ballast: Ballast) {
        self.ledger = ledger
        self.batch = batch
        self.ballast = ballast
        self.results = batch.map { _ in .success(ledger.mark) }
    }

    mutating func run(in db: Database) {
        var writes = batch.indices.filter { batch[$0].kind != .look }
        if !ballast.isFull, writes.contains(where: { batch[$0].kind.isBulk }), !ballast.fill() {
            // What little room there is belongs to state records.
            writes = refuseBulk(writes, because: DatabaseError(resultCode: .SQLITE_FULL))
        }
        if !writes.isEmpty { write(writes, in: db) }
        for index in batch.indices where batch[index].kind == .look {
            results[index] = Result {
                try batch[index].work(&ledger, db)
                return ledger.mark
            }
        }
    }

    private mutating func write(_ writes: [Int], in db: Database) {
        do {
            try together(writes, in: db)
        } catch let error as DatabaseError where error.means(.full) {
            let state = refuseBulk(writes, because: error)
            do {
                try tellingThatTheDiskIsFull(state, in: db)
            } catch {
                fail(state, because: error)
            }
        } catch {
            guard writes.count > 1 else { return fail(writes, because: error) }
            for index in writes {
                do {
                    try together([index], in: db)
                } catch {
                    fail([index], because: error)
                }
            }
        }
    }

    /// Tries in what room there is, then in the room that was kept.
    private mutating func tellingThatTheDiskIsFull(_ state: [Int], in db: Database) throws {
        let alert = !ledger.toldFull
        guard alert || !state.isEmpty else { return }
        do {
            try together(state, alert: alert, in: db)
        } catch let error as DatabaseError where error.means(.full) {
            guard ballast.release() else { throw error }
            try together(state, alert: alert, in: db)
        }
    }

    /// The ledger moves only if the transaction does.
    private mutating func together(_ writes: [Int], alert: Bool = false, in db: Database) throws {
        var (moved, marks) = (ledger, [StreamMark]())
        try db.inTransaction(.immediate) {
            for index in writes {
                try batch[index].work(&moved, db)
                marks.append(moved.mark)
            }
            if alert { try moved.append([Self.diskFull], at: moved.lastAppend, in: db) }
            try moved.writeSums(in: db)
            return .commit
        }
        moved.toldFull = alert || (moved.toldFull && !writes.contains { batch[$0].kind.isBulk })
        ledger = moved
        for (index, mark) in zip(writes, marks) { results[index] = .success(mark) }
    }

    private mutating func refuseBulk(_ writes: [Int], because error: any Error) -> [Int] {
        fail(writes.filter { batch[$0].kind.isBulk }, because: error)
        return writes.filter { !batch[$0].kind.isBulk }
    }

    private mutating func fail(_ writes: [Int], because error: any Error) {
        for index in writes { results[index] = .failure(error) }
    }

    private static let diskFull = JournalDraft.alert(
        .critical,
        "disk.full",
        "The spoke's disk is full: output waits in its spool and only state is recorded; free some room."
    )
}
