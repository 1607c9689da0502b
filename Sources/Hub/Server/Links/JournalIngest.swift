import HubCore
import HubDomains
import Logging
import Postgres
import Protocol
import Synchronization

/// Takes in the journals of all links through one group commit: what arrives while a commit is under way is the next
/// one. Nothing is answered before its commit.
final class JournalIngest: Sendable {
    private let writer: GroupWriter<JournalBatch, [SpokeID: JournalVerdict]>
    private let metrics: HubMetrics

    /// - Parameters:
    ///   - apply: Commits batches of different spokes together; one verdict each, in order.
    ///   - applied: Told after each commit: there may be room for what waits.
    init(
        metrics: HubMetrics,
        logger: Logger,
        apply: @escaping @Sendable ([JournalBatch]) async throws(Fault) -> [JournalVerdict],
        applied: @escaping @Sendable () -> Void
    ) {
        self.metrics = metrics
        self.writer = GroupWriter(
            lanes: Self.lanes,
            maxItems: Self.batchesMax,
            capacity: Self.capacity,
            order: { $0.spokeId.rawValue },
            write: { (batches) async throws(Fault) -> [SpokeID: JournalVerdict] in
                do throws(Fault) {
                    let verdicts = try await apply(batches)
                    metrics.journalCommits.add(1, ordering: .relaxed)
                    applied()
                    return Dictionary(
                        zip(batches.map(\.spokeId), verdicts),
                        uniquingKeysWith: { _, later in later }
                    )
                } catch {
                    metrics.journalFailures.add(1, ordering: .relaxed)
                    logger.warning(
                        "Journal records could not be committed; their spokes keep them.",
                        metadata: ["batches": "\(batches.count)", "code": "\(error.code.rawValue)"]
                    )
                    throw error
                }
            }
        )
    }

    /// Two commits under way keep the disk and one core busy; more bring nothing (measured, stack.md part 3).
    private static let lanes = 2
    /// Batches of one commit. A link has one batch under way, so this is also spokes per commit.
    private static let batchesMax = 256
    /// Batches that may wait. Each spoke has at most one, so this bounds a fleet, not a burst.
    private static let capacity = 20_000

    /// Commits until it is told to finish.
    func run() async { await writer.run() }

    /// What was handed over is still committed; nothing more is taken.
    func finish() { writer.finish() }

    /// Hands a batch over; `done` is called once, on any thread, after the commit, with `nil` if there was none.
    func submit(_ batch: JournalBatch, done: @escaping @Sendable (JournalVerdict?) -> Void) {
        let began = ContinuousClock.now
        let (spoke, records) = (batch.spokeId, batch.records.count)
        let bytes = batch.records.reduce(0) { $0 + $1.payload.count }
        let metrics = metrics
        writer.submit(batch) { result in
            metrics.journalWait.add(Int((ContinuousClock.now - began).nanoseconds), ordering: .relaxed)
            guard case .success(let verdicts) = result, let verdict = verdicts[spoke] else { return done(nil) }
            if case .applied = verdict {
                metrics.journalBatches.add(1, ordering: .relaxed)
                metrics.journalRecords.add(records, ordering: .relaxed)
                metrics.journalBytes.add(bytes, ordering: .relaxed)
            }
            done(verdict)
        }
    }
}
